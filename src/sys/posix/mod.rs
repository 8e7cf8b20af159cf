//! What every system but Linux does alike: by POSIX where that has a word for it, and what only Linux has as an
//! error that says so.

mod accounts;
pub mod capability;
mod credentials;
mod descriptors;
pub mod listeners;
mod oom;
mod signals;

use std::io;

pub(super) use accounts::{group, user};
pub(super) use credentials::{
    CLOEXEC_ON_RECEIVE, abstract_address, ask_for_credentials, bind_abstract, connect_abstract, peer_user,
    sender,
};
pub(super) use descriptors::{mark, pipe};
pub(super) use oom::{oom_score_adjust, set_oom_score_adjust};
pub(super) use signals::{real_time, real_time_name, real_time_number, reset_dispositions, reset_ignored};

/// With SO_REUSEADDR one address of a port can be bound while another server has the port on all of them.
pub(super) const REUSE_SHARES_A_PORT: bool = true;

/// What is not to be had on this system.
pub(super) fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// The limit of core files says all that can be said.
#[allow(clippy::unnecessary_wraps, reason = "another system may refuse")]
pub(super) fn never_dump() -> io::Result<()> {
    Ok(())
}
