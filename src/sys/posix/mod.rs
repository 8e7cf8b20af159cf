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

pub(super) use accounts::group;
pub(super) use accounts::user;
pub(super) use credentials::CLOEXEC_ON_RECEIVE;
pub(super) use credentials::abstract_address;
pub(super) use credentials::ask_for_credentials;
pub(super) use credentials::bind_abstract;
pub(super) use credentials::connect_abstract;
pub(super) use credentials::peer_user;
pub(super) use credentials::sender;
pub(super) use descriptors::mark;
pub(super) use descriptors::pipe;
pub(super) use oom::oom_score_adjust;
pub(super) use oom::set_oom_score_adjust;
pub(super) use signals::real_time;
pub(super) use signals::real_time_name;
pub(super) use signals::real_time_number;
pub(super) use signals::reset_dispositions;
pub(super) use signals::reset_ignored;

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
