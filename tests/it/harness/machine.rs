//! Evens out differences between machines for tests that run as root.

use std::cell::Cell;
use std::fs;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{geteuid, gettid};

/// Gives the calling thread, and every process that it starts, nice level 0 and a /run that only root can write:
/// svcadapt refuses one that others can write, as containers may have it (a tmpfs of mode 1777).
pub(super) fn ordinary() {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if DONE.replace(true) || !geteuid().is_root() {
        return;
    }
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    // The nineteenth field (proc(5)); the rest begins with the third.
    if fields.split(' ').nth(16) != Some("0") {
        let reset = Command::new("renice").args(["-n", "0", "-p", &gettid().to_string()]).output().unwrap();
        assert!(reset.status.success(), "renice: {}", String::from_utf8_lossy(&reset.stderr));
    }
    if let Some(mounts) = own_run() {
        // A thread can enter a mount namespace only with a working directory of its own (setns(2)).
        unshare(CloneFlags::CLONE_FS).unwrap();
        setns(mounts, CloneFlags::CLONE_NEWNS).unwrap();
    }
}

/// A mount namespace with another /run, if others can write the machine's.
fn own_run() -> Option<&'static File> {
    static MOUNTS: OnceLock<Option<File>> = OnceLock::new();
    let mounts = MOUNTS.get_or_init(|| {
        if fs::metadata("/run").is_ok_and(|run| run.mode() & 0o022 == 0) {
            return None;
        }
        let script = "mount -t tmpfs -o mode=0755 run /run && echo mounted && read -r _";
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(
            line, "mounted\n",
            "others can write in /run here, and no other one can be mounted over it"
        );
        let mounts = File::open(format!("/proc/{}/ns/mnt", holder.id())).unwrap();
        drop(holder.stdin.take());
        holder.wait().unwrap();
        Some(mounts)
    });
    mounts.as_ref()
}
