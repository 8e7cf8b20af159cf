//! `svcadapt run` as a classic daemon, seen from outside: one file a promise.

mod bad_input;
mod concurrent_starts;
mod dry_run;
mod exit_statuses;
mod failed_start;
mod fault_sweep;
mod fields;
mod hostile_starter;
mod interrupted_start;
mod late_reaping;
mod limits;
mod locks;
mod pid_file_directory;
mod readiness;
mod relative_paths;
mod run_directory;
mod tolerated_settings;
mod type_forking;
mod unit_file;
mod unit_lookup;
mod untrusted_paths;
mod users_rights;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use serde_json::Value;

use crate::harness::Dir;
use crate::harness::Process;
use crate::harness::Svc;
use crate::harness::facts;

/// A name that no other service of this machine has. At its end the service and its lock are gone.
pub(crate) struct Service {
    name: String,
    lock: PathBuf,
}

impl Service {
    /// One that we start ourselves.
    pub(crate) fn new() -> Self {
        Self::of(geteuid().as_raw())
    }

    /// One that this user starts.
    fn of(uid: u32) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lock = locks(uid).join(&name);
        Self { name, lock }
    }

    /// What `[NAME]` stands for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the record lies.
    pub(crate) fn record(&self) -> PathBuf {
        PathBuf::from(format!("{}%record", self.lock.display()))
    }

    /// Where the lock lies.
    pub(crate) fn lock(&self) -> &Path {
        &self.lock
    }

    /// A field of the record; none while there is no whole record.
    fn recorded(&self, field: &str) -> Option<String> {
        let text = fs::read_to_string(self.record()).ok()?;
        let text = text.strip_suffix("end=\n")?;
        text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('=')).map(str::to_owned)
    }

    /// The process of the service. That it runs is what the caller believes.
    pub(crate) fn main(&self) -> Process {
        self.running().unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    /// The process of the service, if it runs.
    pub(crate) fn running(&self) -> Option<Process> {
        let process = Process::open(self.recorded("pid")?.parse().ok()?).ok()?;
        // Held now; and the same one as was recorded, not one that took its number.
        let seen = facts(&process.pid().to_string()).ok()?;
        (self.recorded("start")?.parse().ok() == seen["start_time"].as_u64() && process.is_alive())
            .then_some(process)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(process) = self.running() {
            process.signal(Signal::SIGKILL);
            process.wait_gone();
        }
        let _ = fs::remove_file(&self.lock);
        let _ = fs::remove_file(self.record());
        // Where the tests put it, if they do; one that failed has left it there.
        let _ = fs::remove_file(format!("/run/{}.pid", self.name));
    }
}

/// Where the locks of this user's services lie: of another one than ours, one without a home.
fn locks(uid: u32) -> PathBuf {
    match uid {
        0 => PathBuf::from("/run/svcadapt"),
        own if own == geteuid().as_raw() => svcadapt::internal::state_directory(),
        _ => PathBuf::from(format!("/tmp/svcadapt-{uid}")),
    }
}

/// `svcadapt run --mode classic` with these options.
fn run<'a>(dir: &'a Dir, options: &[&str]) -> Svc<'a> {
    Svc::new(dir).args(["run", "--mode", "classic"]).args(options)
}

/// The program that reports to `report` and stays; to be waited for with `--ready file:`.
fn inspect(dir: &Dir) -> [String; 5] {
    let program = dir.program("inspect").display().to_string();
    ["--".into(), program, "--stay".into(), "--out".into(), dir.join("report").display().to_string()]
}

/// The process that reported to `report`, with what it reported.
fn reported(dir: &Dir) -> (Process, Value) {
    let report = dir.report("report");
    let pid = report["pid"].as_i64().and_then(|pid| pid.try_into().ok()).unwrap();
    (Process::open(pid).unwrap(), report)
}

/// Ends a process that was started, and waits for it.
fn stop(process: &Process) {
    process.signal(Signal::SIGTERM);
    process.wait_gone();
}

/// All names in a directory and below, with their lengths: to see that nothing came and nothing went.
fn contents(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let found = entry.metadata().unwrap();
        if found.is_dir() {
            all.push((entry.path(), 0));
            all.extend(contents(&entry.path()));
        } else {
            all.push((entry.path(), found.len()));
        }
    }
    all.sort();
    all
}
