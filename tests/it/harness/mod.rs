//! The base of every test: the real binary in a private directory, exact expectations, facts from outside, and no
//! leftovers.
//!
//! ```ignore
//! let dir = Dir::new();
//! Svc::new(&dir).args(["run", "--", "/nowhere"]).stderr("svcadapt: exec '/nowhere': …\n").status(203).run();
//! dir.nothing_left();
//! ```
//!
//! * [`Dir`]: a private directory, with links to the programs in it, so that every process started from there can be
//!   recognised by its path.
//! * [`Svc`]: runs svcadapt (or another program) with a deadline, and compares stdout, stderr and the way it ended.
//! * [`facts`]: the state of a process, read from outside; `inspect` reports the same of itself.
//! * [`wait_until`], [`Process`]: wait for another process, and signal it without hitting one that has reused its pid.
//! * [`Booted`]: a machine with a process 1 of its own, in private namespaces.
//! * [`Systemd`]: the machine's own systemd as process 1 of private namespaces.
//! * [`Launchd`]: the stand-in for launchd (tests/tools/launchd.rs) as process 1 of private namespaces.
//! * [`world`]: a script on a machine of its own, with users and paths that the real one lacks.
//! * [`Service`]: a service with a name that is unique on the machine.
//! * [`free_port`], [`low_port`]: a free port, and one below 1024.
//! * [`require`]: prints that a test is skipped, or fails where `SVCADAPT_TEST_REQUIRE` names the capability.
//!
//! What a test leaves behind is ended with its `Dir`. What a killed test binary leaves behind is ended by a janitor
//! that outlives it (`janitor.sh`), and so is its systemd (`boot.sh`).

mod booted;
mod dir;
mod expect;
mod launchd;
mod machine;
mod port;
mod proc;
mod process;
mod programs;
mod require;
mod service;
mod strace;
mod svc;
mod systemd;
mod tests;
mod world;

pub(crate) use booted::{Booted, daemons, managers};
pub(crate) use dir::{Dir, SOURCES, example, state, static_svcadapt};
pub(crate) use launchd::Launchd;
pub(crate) use port::{free_port, has_ipv6, leave_behind, low_port, this_process};
pub(crate) use proc::facts;
pub(crate) use process::{Process, all_at_once, wait_until, wait_within};
pub(crate) use programs::copy as copy_program;
pub(crate) use require::{Capability, all_rounds, have, installed, require, rounds, skip};
pub(crate) use service::{Service, lock_directory};
pub(crate) use strace::killed_at;
pub(crate) use svc::{Exit, Output, Running, Svc};
pub(crate) use systemd::Systemd;
pub(crate) use world::{world, world_prints};
