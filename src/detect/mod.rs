//! Host detection: which service manager started this process, if any, and the mode that follows.
//!
//! [`Facts`] is the whole input of the decision, as plain data. `probe` gathers it and is the only reader of the environment
//! and `/proc` for this purpose. [`detect()`] decides and is a pure function, so that the facts of any host can be kept as a
//! test. If the evidence is ambiguous, `needs_answer` names the unit to ask the manager about; `detect` also decides without
//! the answer.
//!
//! Not in this module: notifications to the manager (`notify`).

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod ancestors;
mod cgroup;
mod decide;
mod detection;
mod evidence;
mod facts;
#[cfg(feature = "json")]
mod json;
mod manager;
mod mode;
mod probe;
mod supervisor;

#[doc(hidden)]
pub use cgroup::{UnitRef, unit_of_path};
pub use decide::detect;
#[doc(hidden)]
pub use decide::needs_answer;
pub use detection::Detection;
pub use evidence::Evidence;
pub use facts::Facts;
#[doc(hidden)]
pub use facts::{Activation, Ancestor, Platform, UnitAnswer, VARIABLES};
#[cfg(feature = "json")]
#[doc(hidden)]
pub use json::FactsError;
pub use manager::Manager;
pub use mode::{Mode, ModeOption};
#[doc(hidden)]
pub use probe::{ask_manager, gather, stderr_is_journal, variables};
pub use probe::{decide, look};
#[doc(hidden)]
pub use supervisor::{Supervisor, supervisor_of, supervisors, unit_of};
