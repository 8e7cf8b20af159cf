//! A service seen from another namespace, or without /proc.

use crate::harness::{installed, world_prints};

const RUN: &str =
    "run() { svcadapt run --mode classic --standard-output null --name web \"$@\" -- /bin/sleep 100; }\n";

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

/// Started with and without /proc: what the main process left behind is in its process group, which is known by getpgid(2).
#[test]
fn service_stopped_without_proc_leaves_no_process_of_its_group() {
    prints(
        "export n=1$$; start() { svcadapt run --mode classic --name \"$1\" --timeout-stop-sec 3 -- /bin/sh -c \"$2\"; }
         count() { mount -t proc proc /proc; pgrep -c -f \"^/bin/sleep $n$\"; umount -l /proc; }
         start before \"/bin/sleep $n & exec /bin/sleep $n\"
         umount -l /proc
         start after \"/bin/sleep $n & exec /bin/sleep $n\"
         start deaf \"(trap '' TERM; /bin/sleep $n; /bin/sleep $n) & exec /bin/sleep $n\"
         for name in before after deaf; do svcadapt stop $name; echo $?; done; count; svcadapt status deaf || true",
        "before: stopped (SIGTERM, [ANY] s)\n0\nafter: stopped (SIGTERM, [ANY] s)\n0\n\
         deaf: stopped (SIGTERM, [ANY] s)\n0\n0\ndeaf: not running\n",
    );
}

#[test]
fn start_without_proc_that_fails_leaves_no_program() {
    prints(
        "export n=1$$; fails() {
             svcadapt run --mode classic --name late --ready notify --timeout-start-sec \"$1\" --timeout-stop-sec 1 \\
                 -e /dev/null -- /bin/sh -c \"$2\" 2>/dev/null
             echo $?
         }
         umount -l /proc
         fails 200ms \"/bin/sleep $n & exec /bin/sleep $n\"
         fails 200ms \"trap '' TERM; /bin/sleep $n & /bin/sleep $n\"
         fails 20 \"/bin/sleep $n & exit 3\"
         mount -t proc proc /proc; pgrep -c -f \"^/bin/sleep $n$\" || true",
        "249\n249\n3\n0\n",
    );
}

/// As a program is that its user may execute and not read: /proc with hidepid= hides its children from that user, too.
#[test]
fn service_hidden_by_hidepid_is_stopped_with_its_hidden_children() {
    prints(
        "export n=1$$; mount -t proc -o hidepid=invisible proc /proc; cp /bin/sleep /opt/hidden; cp /bin/sh /opt/shell; chmod 711 /opt/hidden /opt/shell
         as() { setpriv --reuid www --regid www --clear-groups \"$@\"; }
         as svcadapt run --mode classic --name web --timeout-stop-sec 5 -- /opt/shell -c \"/opt/hidden $n & exec /opt/hidden $n\"
         as svcadapt stop web; echo $?; pgrep -c -f \"^/opt/hidden $n$\" || true",
        "web: stopped (SIGTERM, [ANY] s)\n0\n0\n",
    );
}

/// Each is process 1, and so has the pid of the others.
#[test]
fn restart_in_one_of_several_containers_that_share_run_is_its_own() {
    if installed("systemd-notify").is_none() {
        return;
    }
    prints(
        "container() {
             unshare --pid --fork --mount-proc --kill-child \\
                 svcadapt run --name $1 --ready notify -- /bin/sh -c 'systemd-notify --ready && exec sleep 100' 2>&1 &
             eval $1=$!
         }
         inside() { eval \"unshare=\\$$1\"; shift; nsenter --target $(pgrep -P $unshare) --pid --mount \"$@\"; }
         main() { inside $1 svcadapt status --json $1 | sed -n 's/^ *\"pid\": *\\([0-9]*\\).*/\\1/p'; }
         for name in a b c; do
             container $name; until inside $name svcadapt wait $name --ready >/dev/null 2>&1; do sleep 0.02; done
         done
         for name in a b c; do
             before=\"$(main a) $(main b) $(main c)\"; inside $name svcadapt restart $name
             i=0; for pid in $before; do
                 i=$((i + 1)); other=$(echo a b c | cut -d ' ' -f $i)
                 [ $(main $other) = $pid ] || echo $other is another process
             done
         done
         ls -A /run/svcadapt | sed -n 's/^\\(.notify.1\\|.control.1\\)[.].*/\\1/p' | sort | uniq -c | tr -s ' '
         for name in a b c; do inside $name svcadapt stop $name >/dev/null 2>&1 || true; done; wait 2>/dev/null; ls -A /run/svcadapt | grep -v %; true",
        "a: restarted\na is another process\nb: restarted\nb is another process\nc: restarted\n\
         c is another process\n 3 .control.1\n 3 .notify.1\n",
    );
}
