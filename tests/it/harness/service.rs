//! A service with a name of its own, for tests that start one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, process};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::{Process, facts};

/// A service name that is unique on this machine. On drop the service is killed and its lock and record are removed.
pub(crate) struct Service {
    name: String,
    lock: PathBuf,
}

impl Service {
    /// A service that this process starts.
    pub(crate) fn new() -> Self {
        Self::of(geteuid().as_raw())
    }

    /// A service that this user starts.
    pub(crate) fn of(uid: u32) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lock = lock_directory(uid).join(&name);
        Self { name, lock }
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The path of the record.
    pub(crate) fn record(&self) -> PathBuf {
        PathBuf::from(format!("{}%record", self.lock.display()))
    }

    /// The path of the lock.
    pub(crate) fn lock(&self) -> &Path {
        &self.lock
    }

    /// A field of the record; `None` while the record is missing or incomplete.
    fn recorded(&self, field: &str) -> Option<String> {
        let text = fs::read_to_string(self.record()).ok()?;
        let text = text.strip_suffix("end=\n")?;
        text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('=')).map(str::to_owned)
    }

    /// The process that stays with the service, if one does and runs.
    pub(crate) fn monitor(&self) -> Option<Process> {
        let recorded = self.recorded("monitor")?;
        let (pid, start) = recorded.split_once(':')?;
        pinned(pid, start)
    }

    /// The main process of the service, which must run.
    pub(crate) fn main(&self) -> Process {
        self.running().unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    /// The main process of the service, if it runs.
    pub(crate) fn running(&self) -> Option<Process> {
        pinned(&self.recorded("pid")?, &self.recorded("start")?)
    }
}

/// The running process with this pid and this start time.
fn pinned(pid: &str, start: &str) -> Option<Process> {
    let process = Process::open(pid.parse().ok()?).ok()?;
    // The pid is pinned now; compare the start time, in case another process has reused the number.
    let seen = facts(pid).ok()?;
    (start.parse().ok() == seen["start_time"].as_u64() && process.is_alive()).then_some(process)
}

impl Drop for Service {
    fn drop(&mut self) {
        // The monitor first: it would start the program again.
        for process in [self.monitor(), self.running()].into_iter().flatten() {
            process.signal(Signal::SIGKILL);
            process.wait_gone();
        }
        let _ = fs::remove_file(&self.lock);
        let _ = fs::remove_file(format!("{}%spec", self.lock.display()));
        let _ = fs::remove_file(self.record());
        // Some tests write this pid file; a failed one leaves it.
        let _ = fs::remove_file(format!("/run/{}.pid", self.name));
    }
}

/// The directory with the locks of this user's services. Another user than ours has no home here.
pub(crate) fn lock_directory(uid: u32) -> PathBuf {
    match uid {
        0 => PathBuf::from("/run/svcadapt"),
        own if own == geteuid().as_raw() => svcadapt::internal::state_directory(),
        _ => PathBuf::from(format!("/tmp/svcadapt-{uid}")),
    }
}
