//! An unusual /run: in containers, in a confined unit.

use crate::harness::{installed, world_prints};

/// The output of a script, both streams together; see [`world_prints`].
fn prints(script: &str, stdout: &str) {
    let run = "classic() { svcadapt run --mode classic \"$@\" -- /bin/sleep 100 2>&1; echo $?; }\n";
    world_prints(&format!("{run}{script}"), stdout);
}

#[test]
fn named_service_starts_with_a_sticky_run() {
    prints(
        "chmod 1777 /run; classic --name web; stat -c '%U %a' /run/svcadapt; svcadapt status web | head -1
         svcadapt stop web",
        "0\nroot 755\nweb: running, process [ANY]\nweb: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn planted_lock_directory_in_a_sticky_run_is_refused() {
    prints(
        "chmod 1777 /run; mkdir /run/svcadapt; chown 2001 /run/svcadapt; classic --name web",
        "svcadapt: lock '/run/svcadapt/web': /run/svcadapt: it belongs to another user\n  \
         hint: remove it, and find out who put it there\n251\n",
    );
}

#[test]
fn run_writable_by_others_is_refused_with_a_hint() {
    prints(
        "chmod 777 /run; classic --name web; ls /run; classic --pid-file /run/web.pid
         classic --listen-stream /run/web.sock; chmod 1777 /run; classic --pid-file /run/web.pid",
        "svcadapt: lock '/run/svcadapt/web': /run/svcadapt: users other than root can write in /run\n  \
         hint: chmod 755 /run\n251\n\
         svcadapt: pid file '/run/web.pid': users other than root can write in /run\n  \
         hint: run 'chmod 755 /run': only root may write there\n251\n\
         svcadapt: lock 'sleep': started without a lock, so status and stop cannot find this service: /run/svcadapt: \
         users other than root can write in /run\n  \
         hint: chmod 755 /run\n\
         svcadapt: listen '/run/web.sock': users other than root and the service's can write in /run\n  \
         hint: run 'chmod 755 /run': only root may write there\n202\n\
         svcadapt: pid file '/run/web.pid': users other than root can write in /run\n  \
         hint: run 'chmod 755 /run': only root may write there\n251\n",
    );
}

#[test]
fn read_only_run_is_accepted_below_a_manager_and_as_process_1() {
    let note = "svcadapt: lock 'web': started without a lock, so status and stop cannot find this service: \
                /run/svcadapt: read-only file system\n  \
                 hint: make /run writable; in a container: --tmpfs /run:mode=755\nstarted\n";
    prints(
        "mount -o remount,ro /run; export SHELL=/bin/sh
         svcadapt run --mode supervised --name web -- sh -c 'echo started' 2>&1
         unshare --pid --fork --mount-proc svcadapt run --name web -- sh -c 'echo started' 2>&1
         svcadapt run --mode supervised -- sh -c 'echo started' 2>&1; classic --name web",
        &format!(
            "{note}{note}started\n\
             svcadapt: lock '/run/svcadapt/web': /run/svcadapt: read-only file system\n  \
              hint: make /run writable; in a container: --tmpfs /run:mode=755\n251\n"
        ),
    );
}

#[test]
fn notify_probe_works_with_a_read_only_run() {
    if installed("systemd-notify").is_none() {
        return;
    }
    prints(
        "mount -o remount,ro /run
         svcadapt run --mode classic --ready notify -- sh -c 'systemd-notify --ready 2>/dev/null; exec sleep 0' 2>&1 |
             grep read-only || true",
        "svcadapt: lock 'sh': started without a lock, so status and stop cannot find this service: /run/svcadapt: read-only file system\n",
    );
}
