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
mod decide;
mod detection;
mod evidence;
mod facts;
#[cfg(feature = "json")]
mod json;
mod probe;

#[doc(hidden)]
pub use cgroup::unit_of_path;
pub use decide::detect;
#[doc(hidden)]
pub use decide::needs_answer;
pub use detection::{Detection, Manager, Mode, ModeOption};
pub use evidence::Evidence;
pub use facts::Facts;
#[doc(hidden)]
pub use facts::{Activation, Platform, Process, UnitAnswer, UnitRef, VARIABLES};
#[cfg(feature = "json")]
#[doc(hidden)]
pub use json::FactsError;
#[doc(hidden)]
pub use probe::{ask_manager, gather, stderr_is_journal, variables};
pub use probe::{decide, look};
