//! What every POSIX system has: POSIX functions, and errors for what only Linux has.

mod accounts;
pub mod capability;
mod cgroup;
mod credentials;
mod descriptors;
pub mod listeners;
mod memory;
pub mod new_names;
mod oom;
mod process_settings;
mod scheduling;
mod signals;
mod socket_option;
mod special;
mod terminal;

use std::io;

pub(super) use accounts::{group, is_group, user};
pub(super) use cgroup::{wait_for_priority, watch_changes};
pub(super) use credentials::{
    CLOEXEC_ON_RECEIVE, abstract_address, ask_for_credentials, bind_abstract, connect_abstract,
    connect_named, peer_user, sender,
};
pub(super) use descriptors::{is_same_description, mark, pipe};
pub(super) use memory::{sealed_file, unnamed_file};
pub(super) use oom::{oom_score_adjust, set_oom_score_adjust};
pub(super) use process_settings::{
    join_session_keyring, set_coredump_filter, set_numa_policy, set_personality,
};
pub(super) use scheduling::{set_cpu_affinity, set_cpu_policy, set_io_priority, set_timer_slack};
pub(super) use signals::{real_time, real_time_name, real_time_number, reset_dispositions, reset_ignored};
pub(super) use socket_option::socket_option;
pub(super) use special::{open_netlink, open_queue, remove_queue, set_pipe_size};
pub(super) use terminal::{TAKE_TERMINAL, disallocate, hang_up, leave_graphics};

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

/// This system does not report changes of files: the reader looks again and again.
pub(super) fn watch(_directory: &std::path::Path) -> io::Result<Option<std::os::fd::OwnedFd>> {
    Ok(None)
}
