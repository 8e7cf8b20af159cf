//! The directory of the records: every command finds it, whatever has changed since the start.

use crate::harness::{Capability, require, world_prints};

/// `www COMMAND` runs as the user www, with an environment like that of cron(8).
const WWW: &str = "www() { setpriv --reuid 2001 --regid 2001 --clear-groups env -i PATH=\"$PATH\" \"$@\"; }
run() { www svcadapt run --mode classic --standard-output null --name web -- /bin/sleep 100; }
login() { mkdir -p /run/user/2001 && chown 2001:2001 /run/user/2001; }
own_tmp() {
    mount --bind . /mnt; mount -t tmpfs -o mode=1777 tmp /tmp
    mkdir -p \"$PWD\"; mount --bind /mnt \"$PWD\"; cd \"$PWD\"
}\n";

/// The output of a script; see [`world_prints`].
fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{WWW}{script}"), stdout);
}

#[test]
fn users_service_is_found_across_login_and_logout() {
    prints(
        "run; login; www svcadapt status web >/dev/null; echo $?
         www env XDG_STATE_HOME=/tmp XDG_RUNTIME_DIR=/run/user/2001 HOME=/tmp svcadapt status web >/dev/null; echo $?
         run 2>/dev/null; echo $?
         rm -r /run/user; www svcadapt status web >/dev/null; echo $?
         www svcadapt stop web; www svcadapt status web || true",
        "0\n0\n250\n0\nweb: stopped (SIGTERM, [ANY] s)\nweb: not running\n",
    );
}

#[test]
fn users_service_is_found_after_tmp_was_emptied() {
    prints(
        "own_tmp; run; rm -rf /tmp/svcadapt-2001; www svcadapt status web >/dev/null; echo $?; www svcadapt stop web",
        "0\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn users_service_of_an_earlier_version_is_found() {
    // Moves the state to where an earlier version kept it.
    prints(
        "run; login; mv /srv/www/.local/state/svcadapt/* /run/user/2001/svcadapt
         www svcadapt status web >/dev/null; echo $?; run 2>/dev/null; echo $?; www svcadapt stop web",
        "0\n250\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn service_of_a_user_without_a_home_survives_tmp_cleaning() {
    prints(
        "own_tmp; sed -i s,/srv/www:,/nonexistent:, /etc/passwd; run
         touch -h -d '2001-01-01' /tmp/svcadapt-2001/* /tmp/svcadapt-2001
         stat -c '%a %n' /tmp/svcadapt-2001/web /tmp/svcadapt-2001/web%record
         if command -v systemd-tmpfiles >/dev/null; then
             echo 'd /tmp 1777 root root 1d' >tmpfiles; systemd-tmpfiles --clean \"$PWD/tmpfiles\"
         fi
         www svcadapt status web >/dev/null; echo $?
         sed -i s,/nonexistent:,/srv/www:, /etc/passwd
         www svcadapt status web >/dev/null; echo $?; run 2>/dev/null; echo $?; www svcadapt stop web",
        "1600 /tmp/svcadapt-2001/web\n1644 /tmp/svcadapt-2001/web%record\n0\n0\n250\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn pid_file_of_a_service_recorded_elsewhere_is_refused() {
    prints(
        "www svcadapt run --mode classic --standard-output null --name web --pid-file /srv/www/p -- /bin/sleep 100
         login; mv /srv/www/.local/state/svcadapt/* /run/user/2001/svcadapt
         www svcadapt run --mode classic --name other --pid-file /srv/www/p -- /bin/sleep 100 2>/dev/null; echo $?
         www svcadapt stop web",
        "250\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn shared_home_has_one_record_directory_for_each_boot() {
    // Otherwise the other machine's service would look dead, and be replaced.
    prints(
        "run; cd /srv/www/.local/state/svcadapt; mv * other-boot; sed -i 's/^boot=.*/boot=other/' */web%record
         echo other >other-boot/%host
         www svcadapt status web; run; ls -d other-boot; www svcadapt stop web
         kill $(sed -n s/^pid=//p other-boot/web%record)",
        "web: not running\nother-boot\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn record_directory_planted_by_another_user_is_ignored() {
    prints(
        "own_tmp; mkdir /tmp/svcadapt-2001; run; www svcadapt stop web
         www svcadapt status web || true",
        "web: stopped (SIGTERM, [ANY] s)\nweb: not running\n",
    );
}

#[test]
fn root_record_directory_writable_by_others_is_an_error() {
    prints(
        "svcadapt run --mode classic --name web -- /bin/sleep 100; chmod 775 /run/svcadapt
         svcadapt status web; echo $?; svcadapt stop web 2>&1; echo $?
         svcadapt run --mode classic --name web -- /bin/sleep 100 2>/dev/null; echo $?
         svcadapt status other; echo $?; www svcadapt status web >/dev/null; echo $?
         chmod 755 /run/svcadapt; svcadapt stop web",
        "web: unknown, /run/svcadapt: other users can write in it\n  hint: chmod 755 /run/svcadapt\n4\n\
         svcadapt: stop 'web': /run/svcadapt: other users can write in it\n  hint: chmod 755 /run/svcadapt\n1\n251\n\
         other: unknown, /run/svcadapt: other users can write in it\n  hint: chmod 755 /run/svcadapt\n4\n4\n\
         web: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn unreachable_record_directory_is_an_error() {
    prints(
        "svcadapt run --mode classic --name web -- /bin/sleep 100; chmod 700 /run
         www svcadapt status web; echo $?; www svcadapt stop web >/dev/null 2>&1; echo $?
         chmod 755 /run; svcadapt stop web
         run; chmod 000 /srv/www; www svcadapt status web >/dev/null; echo $?; chmod 755 /srv/www; www svcadapt stop web",
        "web: unknown, /run/svcadapt: permission denied\n4\n1\nweb: stopped (SIGTERM, [ANY] s)\n\
         4\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn unreadable_record_directory_is_an_error() {
    if !require(Capability::Strace) {
        return;
    }
    prints(
        "svcadapt run --mode classic --name web -- /bin/sleep 100
         strace -qq -o trace -P /run/svcadapt -e inject=file:error=EIO svcadapt status web; echo $?
         strace -qq -o trace -P /run/svcadapt/web -e inject=file:error=EIO svcadapt status web >/dev/null; echo $?
         strace -qq -o trace -P /run/svcadapt/web%record -e inject=file:error=EIO svcadapt stop web 2>/dev/null; echo $?
         svcadapt stop web",
        "web: unknown, /run/svcadapt: I/O error\n4\n0\n1\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}
