//! The macOS implementation.
//!
//! The structures and flavors of proc_pidinfo(3) are from `<sys/proc_info.h>`.

pub mod descendants;
mod executable;
mod ids;
mod path_trust;
pub(super) mod pidfd;
mod proc_info;
mod process_id;
mod signals;
mod threads;

pub(super) use executable::{EXEC_AFTER_FORK, descriptor_path, own_image, process_name, set_process_name};
pub(super) use ids::{
    groups, groups_of, has_rights_of_the_file, ids_are_final, is_secure_exec, set_group, set_groups,
    set_login, set_user,
};
pub(super) use path_trust::{access_list_lets_write, group_bits_may_be_a_mask, is_noexec};
pub(super) use proc_info::{arguments, process as process_info};
pub(super) use process_id::{
    age, boot, has_stopped, identity, is_exiting, is_stopped, is_younger, namespace, same_start,
    user_directory, users,
};
pub(super) use signals::SignalReader;
pub(super) use threads::{mark_all_close_on_exec, open_descriptors, resource, thread_count};

pub(super) use super::posix::{
    CLOEXEC_ON_RECEIVE, REUSE_SHARES_A_PORT, TAKE_TERMINAL, abstract_address, ask_for_credentials,
    bind_abstract, connect_abstract, connect_named, disallocate, group, hang_up, is_group,
    is_same_description, join_session_keyring, leave_graphics, never_dump, oom_score_adjust, open_netlink,
    open_queue, peer_user, pipe, real_time, real_time_name, real_time_number, remove_queue,
    reset_dispositions, reset_ignored, sealed_file, sender, set_coredump_filter, set_cpu_affinity,
    set_cpu_policy, set_io_priority, set_numa_policy, set_oom_score_adjust, set_personality, set_pipe_size,
    set_timer_slack, socket_option, unnamed_file, user, wait_for_priority, watch, watch_changes,
};
pub use super::posix::{capability, listeners, new_names};

/// Only Linux reaches a manager outside of its virtual machine.
pub(super) fn send_to_vsock(
    _address: super::socket::VsockAddress,
    _message: &[u8],
    _timeout: std::time::Duration,
) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Only Linux has files without a name in memory.
pub(super) fn memory_file(_name: &str) -> std::io::Result<std::os::fd::OwnedFd> {
    Err(std::io::ErrorKind::Unsupported.into())
}
