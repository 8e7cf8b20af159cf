//! WHAT EACH HOST CAN DO: a table of capabilities a host, and the one function that divides the labour by it.
//!
//! The host does what it has a word for, the adapter (`svcadapt run`) does the rest, and what neither can do is a
//! [`Loss`] with its reason. Only what a spec says is divided: what it leaves open stays the host's own default.
//! Nothing here writes a file format, and nothing looks at the machine.

mod capability;
mod command;
mod division;
mod host;
mod keep_alive;
mod launchd;
mod loss;
mod native;
mod systemd;

pub(crate) use capability::{Capability, Rights};
pub use command::Place;
pub(crate) use command::{Word, command};
pub use division::{Division, divide};
pub use host::{Systemd, Target};
pub(crate) use keep_alive::{as_launchd, is_on_demand, keep_alive, never_gives_up, starts_at_once};
pub(crate) use launchd::{launchd_listens, resource_key, starts_at_load};
pub use loss::{Loss, LossKind, Subject};
pub(crate) use native::{
    Instead, in_launchd, in_systemd, in_words_of, is_idle, is_known, is_off, never_written, prefixes,
    unknown, wanted_by_all,
};
pub(crate) use systemd::{NOTIFY_RELOAD, reload_signal};

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::capability::{Capability, Rights};
    pub use super::command::{Word, command};
    pub use super::keep_alive::{as_launchd, is_on_demand, keep_alive, never_gives_up, starts_at_once};
    pub use super::launchd::{launchd_listens, resource_key, starts_at_load};
    pub use super::native::{
        Instead, in_launchd, in_systemd, in_words_of, is_idle, is_known, never_written, prefixes, unknown,
        wanted_by_all,
    };
    pub use super::systemd::{NOTIFY_RELOAD, reload_signal};
}
