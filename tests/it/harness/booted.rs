//! A machine of its own that has booted: process 1 in private namespaces (`boot.sh`).
//!
//! It has its own /run, /tmp, /dev, /proc and cgroups, a discarded copy of everything else of some roots, and the
//! directories of this test run at their outer paths. It shares the machine's network.

use std::ffi::OsStr;
use std::fs;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;

use super::dir::run;
use super::process::{Process, find, readable};
use super::require::{Capability, missing};
use super::svc::Output;

/// The deadline of a boot.
pub(super) const BOOT: Duration = Duration::from_secs(60);

/// It ends with the value or the test binary.
#[derive(Debug)]
pub(crate) struct Booted {
    init: Process,
    /// `boot.sh` ends everything when this is closed.
    lifeline: Option<ChildStdin>,
    boot: Child,
}

impl Booted {
    /// Boots a machine with a copy of the files of this root, and those of the layer over them; process 1 is this command
    /// of a shell, or `systemd`. The error says why it cannot be booted.
    pub(crate) fn boot(root: &Path, layer: Option<&Path>, init: &str) -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err("only root can boot one".to_owned());
        }
        let log = run().join("boot.log");
        let mut boot = Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .args(["bash", "-c", include_str!("boot.sh"), "boot.sh", "outer"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(&log).unwrap())
            // Ctrl-C must not end it: it has to clean up.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut lifeline = boot.stdin.take().unwrap();
        let layer = layer.map(|layer| layer.display().to_string()).unwrap_or_default();
        writeln!(lifeline, "{}\n{}\n{layer}\n{init}", run().display(), root.display()).unwrap();
        let stdout = OwnedFd::from(boot.stdout.take().unwrap());
        let pid = readable(&stdout, Instant::now() + BOOT)
            .then(|| BufReader::new(File::from(stdout)).lines().next()?.ok()?.parse().ok())
            .flatten();
        let Some(init) = pid.and_then(|pid| Process::open(pid).ok()) else {
            drop(lifeline);
            let _ = boot.wait();
            return Err(format!("it does not boot: {}", fs::read_to_string(&log).unwrap().trim_end()));
        };
        Ok(Self { init, lifeline: Some(lifeline), boot })
    }

    /// Process 1.
    pub(crate) fn init(&self) -> &Process {
        &self.init
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

    /// The outer path of an inner path. (In a [`Dir`](super::Dir) both are the same.)
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.init.pid()))
    }

    /// The process that has this number inside.
    pub(crate) fn process(&self, inside: &str) -> Option<Process> {
        process_inside(&self.init, inside)
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.boot.wait();
    }
}

/// A layer over the machine's root with the managers that must not be installed there (`.ci/managers`). Without it, the
/// hosts that need it are skipped.
pub(crate) fn managers() -> Option<PathBuf> {
    let layer = beside_the_build("managers");
    let made = layer.join("usr/bin").exists();
    if !made {
        missing(Capability::Managers, &format!("there is no {}; .ci/managers makes it", layer.display()));
    }
    made.then_some(layer)
}

/// A layer over the machine's root with the daemons of `.ci/daemons`, if it was made.
pub(crate) fn daemons() -> Option<PathBuf> {
    Some(beside_the_build("daemons/layer")).filter(|layer| layer.join("usr/bin").exists())
}

/// A path in Cargo's target directory.
fn beside_the_build(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_svcadapt")).ancestors().nth(2).unwrap().join(name)
}

/// The process that has this number in the pid namespace of a process 1.
pub(super) fn process_inside(init: &Process, inside: &str) -> Option<Process> {
    let namespace = fs::read_link(format!("/proc/{}/ns/pid", init.pid())).unwrap();
    find(|dir| {
        fs::read_link(dir.join("ns/pid")).is_ok_and(|link| link == namespace)
            && fs::read_to_string(dir.join("status")).is_ok_and(|status| {
                let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
                numbers.and_then(|numbers| numbers.split_ascii_whitespace().next_back()) == Some(inside)
            })
    })
    .pop()
}
