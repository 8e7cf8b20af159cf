//! The machine's own systemd, as process 1 of private namespaces (`boot.sh`), in about a quarter of a second.
//!
//! What it has: its own /run, /tmp, /dev, /proc and cgroups, everything else of the machine as a copy that is thrown
//! away, the directories of this test run at the paths they have outside, and only the units that a test writes, with
//! the journal. What it has not: a network, D-Bus, a login, a console.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::iter;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::Instant;

use nix::unistd::geteuid;

use super::dir::run;
use super::process::Process;
use super::process::find;
use super::process::readable;
use super::process::wait_within;
use super::require::Capability;
use super::require::missing;
use super::svc::Exit;
use super::svc::Output;

/// How long a boot may take.
const BOOT: Duration = Duration::from_secs(60);

/// A booted systemd. It ends with the value, or with the test binary, however that ends.
#[derive(Debug)]
pub(crate) struct Systemd {
    init: Process,
    /// `boot.sh` ends everything when this is closed.
    lifeline: Option<ChildStdin>,
    boot: Child,
}

impl Systemd {
    /// The one that all tests of this binary share (so give units names that no other test has), or `None` after the
    /// test has been told to be skipped.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Systemd, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::boot) {
            Ok(systemd) => Some(systemd),
            Err(why) => {
                missing(Capability::Systemd, why);
                None
            }
        }
    }

    /// One for a test that would disturb others. The error says why there is none.
    pub(crate) fn boot() -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err("only root can boot one".to_owned());
        }
        if !Path::new("/lib/systemd/systemd").exists() {
            return Err("it is not installed".to_owned());
        }
        let log = run().join("boot.log");
        let mut boot = Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .args(["bash", "-c", include_str!("boot.sh"), "boot.sh", "outer"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(&log).unwrap())
            // Ctrl-C is for us; this one has to clean up after us.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut lifeline = boot.stdin.take().unwrap();
        writeln!(lifeline, "{}", run().display()).unwrap();
        let stdout = OwnedFd::from(boot.stdout.take().unwrap());
        let pid = readable(&stdout, Instant::now() + BOOT)
            .then(|| BufReader::new(File::from(stdout)).lines().next()?.ok()?.parse().ok())
            .flatten();
        let Some(init) = pid.and_then(|pid| Process::open(pid).ok()) else {
            drop(lifeline);
            let _ = boot.wait();
            return Err(format!("it does not boot: {}", fs::read_to_string(&log).unwrap().trim_end()));
        };
        let systemd = Self { init, lifeline: Some(lifeline), boot };
        wait_within(BOOT, "systemd boots", || {
            assert!(systemd.init.is_alive(), "systemd has ended while booting");
            let state = systemd.systemctl(["is-system-running"]).stdout;
            matches!(state.trim_end(), "running" | "degraded").then_some(())
        });
        Ok(systemd)
    }

    /// Runs a command inside, as root, for 30 seconds at most.
    pub(crate) fn run(&self, argv: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let output = Command::new("nsenter")
            .args(["--target", &self.init.pid().to_string()])
            .args(["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"])
            .args(["timeout", "--kill-after=1", "30"])
            .args(argv)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            exit: output.status.into(),
        }
    }

    /// `systemctl`, inside.
    pub(crate) fn systemctl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        self.run(iter::once(OsString::from("systemctl")).chain(arguments))
    }

    /// `systemctl` with arguments that must succeed. A failure tells the state of the unit, the last argument.
    pub(crate) fn must(&self, arguments: &[&str]) {
        let output = self.systemctl(arguments);
        if output.exit != Exit::Status(0) {
            let unit = arguments.last().copied().unwrap_or_default();
            let status = self.systemctl(["status", "--no-pager", "--full", unit]);
            panic!(
                "systemctl {}: {}\n{}\n{}",
                arguments.join(" "),
                output.exit,
                output.stderr,
                status.stdout
            );
        }
    }

    /// Writes a unit and makes systemd read it.
    pub(crate) fn write_unit(&self, name: &str, text: &str) {
        fs::write(self.path("/run/systemd/system").join(name), text).unwrap();
        self.must(&["daemon-reload"]);
    }

    /// One property of a unit, as `systemctl show` says it.
    pub(crate) fn show(&self, unit: &str, property: &str) -> String {
        self.systemctl(["show", "--value", "--property", property, unit]).stdout.trim_end().to_owned()
    }

    /// Where a path inside is seen from outside. (What is in a [`Dir`](super::Dir) has the same path on both sides.)
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.init.pid()))
    }

    /// The main process of a unit, by the number that it has outside.
    pub(crate) fn main_process(&self, unit: &str) -> Process {
        let inside = self.show(unit, "MainPID");
        let namespace = fs::read_link(format!("/proc/{}/ns/pid", self.init.pid())).unwrap();
        find(|dir| {
            fs::read_link(dir.join("ns/pid")).is_ok_and(|link| link == namespace)
                && fs::read_to_string(dir.join("status")).is_ok_and(|status| {
                    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
                    numbers.and_then(|numbers| numbers.split_ascii_whitespace().next_back()) == Some(&inside)
                })
        })
        .pop()
        .unwrap_or_else(|| panic!("{unit} has no main process (MainPID={inside})"))
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.boot.wait();
    }
}
