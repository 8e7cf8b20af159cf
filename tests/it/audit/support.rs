//! Helpers of the audit tests: processes that end with the test, and parsed tables.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::poll::PollTimeout;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::wait_until;

/// The deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn svcadapt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svcadapt")).args(arguments).output().unwrap()
}

/// An audit as it was printed: the table for people and the same as JSON.
pub(super) struct Table {
    pub(super) text: String,
    json: Value,
    pub(super) status: i32,
}

impl Table {
    pub(super) fn of(pid: i32) -> Self {
        let pid = pid.to_string();
        Self::from(&svcadapt(&["audit", &pid]), &svcadapt(&["audit", "--json", &pid]))
    }

    pub(super) fn with_pid_file(pid: i32, pid_file: &Path) -> Self {
        let (pid, pid_file) = (pid.to_string(), pid_file.to_str().unwrap());
        let arguments = ["audit", "--pid-file", pid_file, &pid];
        Self::from(&svcadapt(&arguments), &svcadapt(&[&arguments[..], &["--json"]].concat()))
    }

    pub(super) fn from(text: &Output, json: &Output) -> Self {
        assert_eq!(String::from_utf8_lossy(&text.stderr), "");
        assert_eq!(text.status, json.status);
        let table = Self {
            text: String::from_utf8(text.stdout.clone()).unwrap(),
            json: serde_json::from_slice(&json.stdout).unwrap(),
            status: text.status.code().unwrap(),
        };
        for row in table.json["rows"].as_array().unwrap() {
            for found in row["found"].as_array().unwrap() {
                let found = found.as_str().unwrap();
                assert!(table.text.lines().any(|line| line.ends_with(found)), "the table lacks {found}");
            }
        }
        table
    }

    pub(super) fn row(&self, name: &str) -> (&str, Vec<String>) {
        let rows = self.json["rows"].as_array().unwrap();
        let Some(row) = rows.iter().find(|row| row["name"] == name) else {
            panic!("no row {name}:\n{}", self.text)
        };
        let found = row["found"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned());
        (row["verdict"].as_str().unwrap(), found.collect())
    }

    pub(super) fn verdict(&self, name: &str) -> &str {
        self.row(name).0
    }

    pub(super) fn found(&self, name: &str) -> Vec<String> {
        self.row(name).1
    }

    pub(super) fn assert_found(&self, name: &str, part: &str) {
        assert!(
            self.found(name).iter().any(|text| text.contains(part)),
            "{name} lacks {part}:\n{}",
            self.text
        );
    }
}

/// A child of ours, killed and waited for at the end.
pub(super) struct Running(pub(super) Child);

impl Running {
    pub(super) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    pub(super) fn first_number_on_stderr(&mut self) -> i32 {
        use std::io::BufRead;
        let mut line = String::new();
        std::io::BufReader::new(self.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that is not our child, killed by its pid at the end.
pub(super) struct Daemon(pub(super) i32);

impl Daemon {
    /// The process that the pid file names, once it runs `sleep`.
    pub(super) fn named_by(pid_file: &Path) -> Self {
        let read = || fs::read_to_string(pid_file).ok()?.trim().parse().ok();
        let daemon = Self(wait_until("the pid file names a daemon", read));
        until_asleep(daemon.0);
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0), Signal::SIGKILL);
        let deadline = Instant::now() + DEADLINE;
        while !matches!(state(self.0), None | Some('Z')) && Instant::now() < deadline {
            pause();
        }
    }
}

pub(super) fn comm(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

pub(super) fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Waits until the process has become `sleep` and sleeps. The name alone tells too early: the kernel gives it before it
/// has laid out the environment.
pub(super) fn until_asleep(pid: i32) {
    wait_until("sleep sleeps", || is_asleep(pid).then_some(()));
}

pub(super) fn is_asleep(pid: i32) -> bool {
    comm(pid) == "sleep" && state(pid) == Some('S')
}

fn pause() {
    let _ = nix::poll::poll(&mut [], PollTimeout::from(2_u8));
}
