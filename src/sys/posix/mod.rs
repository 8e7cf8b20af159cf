//! What all systems but Linux have in common: POSIX functions, and errors for what only Linux has.

mod accounts;
pub mod capability;
mod credentials;
mod descriptors;
pub mod listeners;
mod oom;
mod scheduling;
mod signals;

use std::io;

pub(super) use accounts::{group, user};
pub(super) use credentials::{
    CLOEXEC_ON_RECEIVE, abstract_address, ask_for_credentials, bind_abstract, connect_abstract, peer_user,
    sender,
};
pub(super) use descriptors::{mark, pipe};
pub(super) use oom::{oom_score_adjust, set_oom_score_adjust};
pub(super) use scheduling::{set_cpu_affinity, set_cpu_policy, set_io_priority, set_timer_slack};
pub(super) use signals::{real_time, real_time_name, real_time_number, reset_dispositions, reset_ignored};

/// With SO_REUSEADDR one address of a port can be bound although another server has all addresses of it.
pub(super) const REUSE_SHARES_A_PORT: bool = true;

/// The error for a feature that this system lacks.
pub(super) fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// RLIMIT_CORE is the only means.
#[allow(clippy::unnecessary_wraps, reason = "another system may refuse")]
pub(super) fn never_dump() -> io::Result<()> {
    Ok(())
}
