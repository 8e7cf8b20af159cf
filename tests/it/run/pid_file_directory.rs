//! A pid file in a directory that is made for the service: written by the service's user, and gone with the service.

use crate::harness::world_prints;

/// The output of a script, both streams together; see [`world_prints`].
fn prints(script: &str, stdout: &str) {
    let app = "app='--runtime-directory app --pid-file /run/app/app.pid'
        classic() { svcadapt run --mode classic $app \"$@\" -- /bin/sleep 100 2>&1; echo $?; }
        seen() { stat -c '%U %a' /run/app /run/app/app.pid; svcadapt status -p /run/app/app.pid | head -1; }
        names() { test \"$(cat /run/app/app.pid)\" = \"$(pgrep -f 'sleep 100$' -u \"$1\" -n)\" && echo named; }\n";
    world_prints(&format!("{app}{script}"), stdout);
}

#[test]
fn pid_file_in_the_runtime_directory_belongs_to_the_service_user() {
    prints(
        "classic --user www; seen; svcadapt stop -p /run/app/app.pid; ls /run | grep -x app; classic --user www --name app
         svcadapt stop app; ls /run | grep -x app || true",
        "0\nwww 755\nwww 644\n/run/app/app.pid: running, process [ANY]\n/run/app/app.pid: stopped (SIGTERM, [ANY] s)\n\
         0\napp: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn pid_file_in_the_runtime_directory_of_root_belongs_to_root() {
    prints(
        "classic; seen; svcadapt stop -p /run/app/app.pid; ls /run | grep -x app || true",
        "0\nroot 755\nroot 644\n/run/app/app.pid: running, process [ANY]\n\
         /run/app/app.pid: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn pid_file_in_a_service_directory_is_written_in_every_mode() {
    prints(
        "for user in '' '--user www'; do
             svcadapt run --mode supervised $app $user -- sh -c 'test $$ = $(cat /run/app/app.pid) && echo named'
             unshare --pid --fork --mount-proc svcadapt run $app $user -- sh -c 'cat /run/app/app.pid >/dev/null && echo there'
             rm -rf /run/app
         done",
        "named\nthere\nnamed\nthere\n",
    );
}

#[test]
fn pid_file_in_a_service_directory_is_written_outside_a_new_root() {
    prints(
        "mkdir -p /srv/jail; mount --bind / /srv/jail
         classic --user www --root-directory /srv/jail; stat -c %U /run/app/app.pid; svcadapt stop -p /run/app/app.pid",
        "0\nwww\n/run/app/app.pid: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn failed_start_removes_pid_file_and_directory() {
    prints(
        "svcadapt run --mode classic $app --user www --ready tcp:1 --timeout-start-sec 1 -- /bin/sleep 100 2>&1 | head -1
         ls /run/app 2>&1 | grep -c 'No such'",
        "svcadapt: start '/bin/sleep': not ready after 1s, still missing: tcp:1\n1\n",
    );
}

#[test]
fn symbolic_link_in_place_of_the_pid_file_is_refused() {
    prints(
        "mkdir /run/app; echo precious >/run/precious; ln -s /run/precious /run/app/app.pid; chown -R -h 2001:2001 /run/app
         classic --user www; cat /run/precious",
        "svcadapt: pid file '/run/app/app.pid': it is a symbolic link\n  \
         hint: remove it, and find out who put it there\n251\nprecious\n",
    );
}
