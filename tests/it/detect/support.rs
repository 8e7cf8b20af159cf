//! Started processes whose first JSON document is read, and which end with the test.

use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_svcadapt");
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A started process, which is stopped at the end, and its stdout.
pub(super) struct Started {
    child: Child,
    stdout: ChildStdout,
    text: String,
}

impl Started {
    /// In an environment of its own, so that nothing of the test's host is seen.
    pub(super) fn new(command: &mut Command) -> Self {
        let mut child = command
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        Self { child, stdout, text: String::new() }
    }

    /// Reads more. False at the end of the output, or after the deadline.
    fn more(&mut self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(left).unwrap();
        if poll(&mut [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)], wait).unwrap() == 0 {
            return false;
        }
        let mut piece = [0; 4096];
        let count = self.stdout.read(&mut piece).unwrap();
        self.text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        count > 0
    }

    /// The first JSON document that it prints.
    pub(super) fn document(mut self) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(Ok(value)) = serde_json::Deserializer::from_str(&self.text).into_iter().next() {
                return value;
            }
            assert!(self.more(end), "no JSON but {:?}", self.text);
        }
    }

    /// The JSON document that it prints, once it has closed its output and ended.
    pub(super) fn ended(mut self) -> Value {
        let end = Instant::now() + PATIENCE;
        while self.more(end) {}
        assert!(self.child.wait().unwrap().success());
        self.text.parse().unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _ = kill(pid, Signal::SIGTERM);
        // A supervisor ends its service, which closes the pipe.
        let end = Instant::now() + PATIENCE;
        while self.more(end) {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}

pub(super) fn facts(value: &Value) -> [&str; 2] {
    [value["mode"].as_str().unwrap(), value["manager"].as_str().unwrap()]
}

/// The deciding fact and its value.
pub(super) fn decided(value: &Value) -> (&str, Option<&str>) {
    let rows = value["evidence"].as_array().unwrap();
    let marked: Vec<&Value> = rows.iter().filter(|row| row["decided"] == true).collect();
    assert_eq!(marked.len(), 1, "{marked:?}");
    (marked[0]["fact"].as_str().unwrap(), marked[0]["value"].as_str())
}

/// Sets every manager's variable to a false value.
pub(super) fn set_false_variables(command: &mut Command) {
    for (name, value) in [
        ("NOTIFY_SOCKET", "/run/systemd/notify"),
        ("SYSTEMD_EXEC_PID", "1"),
        ("MANAGERPID", "1"),
        ("LISTEN_PID", "1"),
        ("LISTEN_FDS", "1"),
        ("JOURNAL_STREAM", "8:1"),
        ("XPC_SERVICE_NAME", "org.example.web"),
        ("SUPERVISOR_ENABLED", "1"),
        ("RC_SVCNAME", "web"),
        ("container", "docker"),
        ("INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
    ] {
        command.env(name, value);
    }
}
