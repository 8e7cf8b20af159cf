//! A SIGKILL at a system call, whichever process makes it.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use super::{Dir, wait_until};

/// Runs a start under strace(1), which kills each process at its n-th call of these, and returns the trace of these
/// calls and of `besides`.
///
/// strace ends with the last process, which may be the service itself: it is detached when the start is `settled`.
pub(crate) fn killed_at(
    dir: &Dir,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
    calls: &str,
    number: usize,
    besides: &str,
    settled: impl Fn() -> bool,
) -> String {
    let trace = dir.join("trace");
    let traced = if calls == "all" { calls.to_owned() } else { format!("{besides}{calls}") };
    let mut strace = Command::new("strace")
        .args(["-f", "-q", "-o"])
        .arg(&trace)
        .args(["-e", &format!("trace={traced}"), "-e", &format!("inject={calls}:signal=KILL:when={number}")])
        .args(words)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the start ends", || (strace.try_wait().unwrap().is_some() || settled()).then_some(()));
    let _ = strace.kill();
    strace.wait().unwrap();
    fs::read_to_string(trace).unwrap()
}
