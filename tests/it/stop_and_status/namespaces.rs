//! A service seen from another namespace, or without /proc.

use crate::harness::world_prints;

const RUN: &str = "run() { svcadapt run --mode classic --name web \"$@\" -- /bin/sleep 100; }\n";

/// The output of a script; see [`world_prints`].
fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{RUN}{script}"), stdout);
}

#[test]
fn service_is_found_from_another_time_namespace() {
    if std::fs::symlink_metadata("/proc/self/ns/time").is_err() {
        return;
    }
    prints(
        "elsewhere() { unshare --time --boottime \"$1\" -- sh -c \"$2\"; }
         run; elsewhere 100000 'svcadapt status web' | head -1
         elsewhere 100000 'svcadapt run --mode classic --name web -- /bin/sleep 100' 2>/dev/null; echo $?
         elsewhere 5 'svcadapt stop web'
         elsewhere 100000 'svcadapt run --mode classic --name web -- /bin/sleep 100'
         svcadapt status web | head -1; elsewhere 7 'svcadapt status web' | head -1; svcadapt stop web",
        "web: running, process [ANY], since [ANY] s\n250\nweb: stopped (SIGTERM, [ANY] s)\n\
         web: running, process [ANY], since [ANY] s\nweb: running, process [ANY], since [ANY] s\n\
         web: stopped (SIGTERM, [ANY] s)\n",
    );
}

#[test]
fn service_is_found_with_the_proc_of_another_pid_namespace() {
    prints(
        "unshare --pid --fork --kill-child sh -c '
             svcadapt run --mode classic --name web -- /bin/sleep 100; svcadapt status web | head -1 | tr -d 0-9
             svcadapt run --mode classic --name web -- /bin/sleep 100 2>/dev/null; echo $?'",
        // The start time in that /proc is another process's.
        "web: running, process \n250\n",
    );
}

#[test]
fn service_is_found_without_proc() {
    prints(
        "umount -l /proc; run; svcadapt status web | head -1 | tr -d 0-9; run 2>/dev/null; echo $?
         svcadapt run --mode classic -- /bin/true; echo $?",
        "web: running, process \n250\n0\n",
    );
}
