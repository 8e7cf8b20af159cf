//! A program that becomes a service itself, by the library, seen from outside: what python-daemon's own suite names, here
//! with real processes, and what it does not name. Under supervisors it is in `under_supervisors.rs`.

mod builder;
mod descriptors;
mod documented_promises;
mod environment;
mod every_host;
mod examples;
mod hostile_starter;
mod identity;
mod killed_start;
mod misuse;
mod panics_under_supervisors;
mod pid_file;
mod reexec;
mod runner;
mod signals;
mod sockets;
mod start;
pub(crate) mod under_supervisors;

use serde_json::Value;

use crate::harness::Dir;
use crate::harness::Service;
use crate::harness::Svc;
use crate::harness::facts;
use crate::harness::wait_until;

/// The two ways to become a service after the forks.
#[derive(Debug, Clone, Copy)]
enum Way {
    Forked,
    ExecutedAgain,
}

/// How often `main` runs up to where it enters.
const RUNS: usize = 1;

/// `becomes`, in the process that was forked.
fn becomes<'a>(dir: &'a Dir, service: &Service, words: &[&str]) -> Svc<'a> {
    start(dir, service, Way::Forked, words)
}

/// `becomes` with this name, forked away, logging to `log`; see tests/tools/becomes.rs. In what
/// is expected `[NAME]` is that name.
fn start<'a>(dir: &'a Dir, service: &Service, way: Way, words: &[&str]) -> Svc<'a> {
    let log = dir.join("log").display().to_string();
    let name = format!("name={}", service.name());
    let reexecute = match way {
        Way::Forked => "never",
        Way::ExecutedAgain => "always",
    };
    let first = ["--log", &log, "--detach", "yes", "--reexecute", reexecute, "--set", &name];
    Svc::new(dir).program("becomes").args(first).args(words).name("[NAME]", service.name())
}

/// The deed that reports, for a directory that the service may no longer reach by a relative path.
fn report(dir: &Dir) -> String {
    format!("report={}", dir.join("report").display())
}

/// What is seen of the service from outside.
fn seen(service: &Service) -> Value {
    facts(&service.main().pid().to_string()).unwrap()
}

/// A line of the log, waited for.
fn logged(dir: &Dir, line: &str) {
    let mut log = String::new();
    let found = || {
        log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        log.lines().any(|known| known == line).then_some(())
    };
    wait_until(&format!("{line:?} in the log"), found);
}
