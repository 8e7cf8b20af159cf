//! Programs that become a service by the library, seen from outside: the behaviours of python-daemon's test suite with
//! real processes, and more. Hosts with a supervisor: `under_supervisors.rs`.

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

use crate::harness::{Dir, Service, Svc, facts, wait_until};

/// The two ways to become a service after the forks.
#[derive(Debug, Clone, Copy)]
enum Way {
    Forked,
    Reexecuted,
}

/// How often `main` runs before it has entered.
const RUNS: usize = 1;

/// `becomes`, in the process that was forked.
fn becomes<'a>(dir: &'a Dir, service: &Service, words: &[&str]) -> Svc<'a> {
    start(dir, service, Way::Forked, words)
}

/// `becomes` with this name, daemonized, logging to `log`; see tests/tools/becomes.rs. In expected output `[NAME]` is
/// that name.
fn start<'a>(dir: &'a Dir, service: &Service, way: Way, words: &[&str]) -> Svc<'a> {
    let log = dir.join("log").display().to_string();
    let name = format!("name={}", service.name());
    let reexecute = match way {
        Way::Forked => "never",
        Way::Reexecuted => "always",
    };
    let first = ["--log", &log, "--detach", "yes", "--reexecute", reexecute, "--set", &name];
    Svc::new(dir).program("becomes").args(first).args(words).name("[NAME]", service.name())
}

/// The word that makes `becomes` report, by an absolute path: the service may not reach a relative one.
fn report(dir: &Dir) -> String {
    format!("report={}", dir.join("report").display())
}

/// The facts of the main process, from outside.
fn seen(service: &Service) -> Value {
    facts(&service.main().pid().to_string()).unwrap()
}

/// Waits for a line of the log.
fn logged(dir: &Dir, line: &str) {
    let mut log = String::new();
    let found = || {
        log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        log.lines().any(|known| known == line).then_some(())
    };
    wait_until(&format!("{line:?} in the log"), found);
}
