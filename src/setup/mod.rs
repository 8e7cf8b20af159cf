//! DOING the steps.
//!
//! [`resolve`] looks up what the words of a spec mean on this machine, and changes nothing. [`Work`] then does the
//! steps of a plan, in their order and without any choice of its own, in the process that becomes the program. What
//! it makes it reports, so that a start that fails leaves nothing behind.
//!
//! Deliberately absent: waiting. Forks, probes and the launcher that waits for the truth are in `launch`.

#![forbid(unsafe_code)]

mod account;
mod claim;
mod directory;
mod ending;
mod failure;
mod journal;
mod listen;
mod nearest;
mod perform;
pub mod pid_file;
mod program;
mod report;
mod resolve;
mod settle;
pub mod state;
mod streams;
mod succession;
mod variables;

pub use account::refuse_lent_rights;
pub use account::still_there;
pub use claim::Claim;
pub use ending::Ended;
pub use ending::Ending;
pub use ending::Members;
pub use failure::Failure;
pub use journal::Made;
pub use perform::Work;
pub use perform::take_away;
pub use report::Report;
pub use report::Reports;
pub use resolve::do_without_state;
pub use resolve::resolve;
pub use resolve::resolve_itself;
pub use settle::Privileges;
pub use settle::Settled;
pub use streams::length;
pub use streams::tail;

/// How long a stop may take before it turns into a kill, where nobody says otherwise: 30 seconds.
pub const DEFAULT_STOP_MICROS: u64 = 30_000_000;
