//! The control group of a service: its limits, the end of its processes, and the messages where it is not possible.
//!
//! The limits need controllers of cgroup2. Where version 1 has them, as on some build machines, those tests are skipped;
//! the others need only the group itself.

mod limits;
mod not_had;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::geteuid;
use serde_json::Value;

use crate::harness::{Capability, Dir, Service, Svc, require, skip};

/// The group in which this process can create groups with these controllers. If it cannot, the test is skipped.
fn base(controllers: &[&str]) -> Option<PathBuf> {
    if !require(Capability::Root) {
        return None;
    }
    let found = mount().and_then(|mount| {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
        let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        Some(mount.join(own))
    });
    let why = match &found {
        None => "no cgroup2 is mounted here",
        Some(_) if Path::new("/run/systemd/system").is_dir() => "the control groups are systemd's here",
        Some(base) if base.join("cgroup.type").exists() => "these tests are not at the root of the hierarchy",
        Some(base) if statvfs(base).unwrap().flags().contains(FsFlags::ST_RDONLY) => {
            "it is mounted read-only"
        }
        Some(base) => {
            let has = fs::read_to_string(base.join("cgroup.controllers")).unwrap();
            let has: Vec<&str> = has.split_ascii_whitespace().collect();
            if controllers.iter().all(|wanted| has.contains(wanted)) {
                return found;
            }
            "cgroup2 does not have the controllers here"
        }
    };
    skip("cgroup2", why);
    None
}

/// Where cgroup2 is mounted.
fn mount() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = |line: &str| {
        let (first, last) = line.split_once(" - ")?;
        last.starts_with("cgroup2 ").then(|| PathBuf::from(first.split(' ').nth(4).unwrap()))
    };
    let (usual, others): (Vec<_>, Vec<_>) =
        mounts.lines().filter_map(mount).partition(|mount| mount.starts_with("/sys/fs/cgroup"));
    usual.into_iter().last().or(others.into_iter().last())
}

/// A service with a control group.
struct Grouped {
    dir: Dir,
    service: Service,
    base: PathBuf,
}

impl Grouped {
    fn new(base: PathBuf) -> Self {
        Self { dir: Dir::new(), service: Service::new(), base }
    }

    /// Its group.
    fn path(&self) -> PathBuf {
        self.base.join(format!("svcadapt-{}", self.service.name()))
    }

    /// What is in a file of its group.
    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_default().trim().to_owned()
    }

    /// `run` with these options and a shell as program.
    fn run<'a>(&'a self, options: &[&str], script: &str) -> Svc<'a> {
        let directory = format!("--working-directory={}", self.dir.path().display());
        Svc::new(&self.dir)
            .args(["run", "--name", self.service.name(), "--mode", "classic", &directory])
            .args(options)
            .args(["--", "/bin/sh", "-c", script])
            .name("[NAME]", self.service.name())
    }

    /// Starts it. What this machine does not have is named on standard error and does not matter.
    fn start(&self, options: &[&str], script: &str) {
        let started = self.run(options, script).output();
        assert_eq!(started.exit, crate::harness::Exit::Status(0), "{}", started.stderr);
    }

    fn ask<'a>(&'a self, command: &str) -> Svc<'a> {
        Svc::new(&self.dir).args([command, self.service.name()]).name("[NAME]", self.service.name())
    }

    fn status(&self) -> Value {
        let output = self.ask("status").args(["--json"]).output();
        serde_json::from_str(&output.stdout).unwrap()
    }

    fn stop(&self) {
        self.ask("stop").stdout("[NAME]: stopped[ANY]\n").run();
        self.is_gone();
    }

    /// Nothing of it is left.
    fn is_gone(&self) {
        self.dir.nothing_left();
        assert!(!self.path().exists(), "{} is left", self.path().display());
        assert!(!self.service.record().exists());
    }
}

/// What a failed test leaves.
impl Drop for Grouped {
    fn drop(&mut self) {
        if geteuid().is_root() && self.path().exists() {
            let _ = fs::write(self.path().join("cgroup.kill"), "1");
            let _ = fs::remove_dir(self.path());
        }
    }
}
