//! Where we are: which service manager, if any, started this process, and what follows from that.
//!
//! `Facts` is everything that deciding may look at, as plain data. `probe` gathers them: nothing else reads the
//! environment or `/proc` for this. `detect` decides, and is a pure function, so that a host seen once in the wild
//! is a test for ever. Where the evidence is ambiguous, `needs_answer` names the one unit about which the manager is
//! to be asked; `detect` never needs the answer.
//!
//! Deliberately absent: talking to the manager (readiness, watchdog, sockets). That is the room `notify`.

#![forbid(unsafe_code)]

mod ancestors;
mod cgroup;
mod detect;
mod detection;
mod evidence;
mod facts;
#[cfg(feature = "formats")]
mod json;
mod probe;

pub use cgroup::unit_of_path;
pub use detect::detect;
pub use detect::needs_answer;
pub use detection::Asked;
pub use detection::Detection;
pub use detection::Manager;
pub use detection::Mode;
pub use evidence::Evidence;
pub use facts::Activation;
pub use facts::Facts;
pub use facts::Platform;
pub use facts::Process;
pub use facts::Scope;
pub use facts::UnitAnswer;
pub use facts::UnitRef;
pub use facts::VARIABLES;
#[cfg(feature = "formats")]
pub use json::BadFacts;
pub use probe::ask_manager;
pub use probe::decide;
pub use probe::gather;
pub use probe::look;
pub use probe::stderr_is_journal;
pub use probe::variables;
