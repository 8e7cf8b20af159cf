//! DOING the steps.
//!
//! [`resolve`] looks up what the words of a spec mean on this machine, and changes nothing. [`ServiceProcess`] then does the
//! steps of a plan, in their order and without any choice of its own, in the process that becomes the program. What
//! it makes it reports, so that a start that fails leaves nothing behind.
//!
//! Deliberately absent: waiting. Forks, probes and the launcher that waits for the truth are in `launch`.

#![forbid(unsafe_code)]

mod account;
mod claim;
mod directory;
mod failure;
mod journal;
mod listen;
mod nearest;
mod perform;
mod program;
mod report;
mod resolve;
mod settle;
mod streams;
mod succession;
mod variables;

pub use account::{refuse_lent_rights, still_there};
pub use claim::LauncherLock;
pub use journal::Created;
pub use perform::{ServiceProcess, take_away};
pub use report::{Report, Reports};
pub use resolve::{do_without_state, resolve, resolve_itself};
pub use settle::{Privileges, Settled};
pub use streams::{length, tail};

/// How long a stop may take before it turns into a kill, where nobody says otherwise: 30 seconds.
pub const DEFAULT_STOP_MICROS: u64 = 30_000_000;
