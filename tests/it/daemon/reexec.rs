//! The tests of the forked way, run again for a program that is executed again after the forks, as on macOS.
//! `second_enter` and `forged_token` have what only this way has.

#[path = "descriptors.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod descriptors;
#[path = "environment.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod environment;
mod forged_token;
#[path = "hostile_starter.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod hostile_starter;
#[path = "identity.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod identity;
#[path = "misuse.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod misuse;
#[path = "pid_file.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod pid_file;
#[path = "runner.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod runner;
mod second_enter;
#[path = "signals.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod signals;
#[path = "sockets.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod sockets;
#[path = "start.rs"]
#[allow(clippy::duplicate_mod, reason = "the same tests, for the other way")]
mod start;

use super::{Way, logged, report, seen};
use crate::harness::{Dir, Service, Svc};

/// How often `main` runs before it has entered.
const RUNS: usize = 2;

/// `becomes`, executed again after the forks.
fn becomes<'a>(dir: &'a Dir, service: &Service, words: &[&str]) -> Svc<'a> {
    super::start(dir, service, Way::Reexecuted, words)
}
