//! WHAT EACH HOST CAN DO: a table of capabilities for each host, and the function that divides a spec by it.
//!
//! The host does what it has a setting for, the adapter (`svcadapt run`) does the rest, and what neither can do is a
//! [`Loss`] with its reason. Only fields that are set are divided: an unset field keeps the host's default. Nothing here
//! writes a file format or reads the machine.

mod capability;
mod command;
mod division;
mod host;
mod inetd;
mod keep_alive;
mod launchd;
mod life;
mod life_fields;
mod loss;
mod native;
mod openrc;
mod order;
mod process;
mod resources;
mod runit;
mod s6;
mod sides;
mod streams;
mod supervisor;
mod systemd;
mod sysv;

pub(crate) use capability::{Capability, Privileges};
pub use command::Place;
pub(crate) use command::{CommandWord, command};
pub use division::divide;
pub use host::{Systemd, Target};
pub(crate) use inetd::is_inetd;
pub(crate) use keep_alive::{
    clean_signals_directive, is_on_demand, keep_alive, restarts_without_limit, starts_at_once,
};
pub(crate) use launchd::{launchd_listens, resource_key, starts_at_load};
pub(crate) use life::{knows_condition, section};
pub use loss::{Loss, LossKind, Subject};
pub(crate) use native::{
    Equivalent, PERMISSIONS_START_ONLY, SYSLOG_IS_JOURNAL, accepted_value, has_no_effect, is_known, is_off,
    is_wanted_by_system, loss_on_systemd, never_written, reason_without_launchd, reason_without_systemd,
    systemd_equivalent,
};
pub(crate) use openrc::{is_supervised, start_limit};
pub(crate) use order::{Relation, dependencies};
pub(crate) use resources::is_resource;
pub(crate) use s6::{NOTIFICATION_FD, hears_the_adapter, s6_kill_timeout};
pub use sides::Division;
pub(crate) use sides::needs_staying_adapter;
pub(crate) use supervisor::{Ends, final_ends};
pub(crate) use systemd::{NOTIFY_RELOAD, reload_signal};

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::capability::{Capability, Privileges};
    pub use super::command::{CommandWord, command, ignores_sigpipe_by_default};
    pub use super::keep_alive::{
        clean_signals_directive, is_on_demand, keep_alive, restarts_without_limit, starts_at_once,
    };
    pub use super::launchd::{launchd_listens, resource_key, starts_at_load};
    pub use super::life_fields::{NO_OTHER, is_life_field, is_undone_by_run};
    pub use super::native::{
        Equivalent, accepted_value, command_prefixes, has_no_effect, is_known, is_wanted_by_system,
        loss_on_systemd, never_written, systemd_equivalent,
    };
    pub use super::resources::is_resource;
    pub use super::systemd::{NOTIFY_RELOAD, reload_signal};
}
