//! The Linux implementation.

mod accounts;
pub mod capability;
mod cgroup;
mod clock;
mod credentials;
pub mod descendants;
mod descriptors;
mod executable;
mod ids;
pub mod listeners;
mod memory;
pub mod new_names;
mod oom;
mod path_trust;
pub(super) mod pidfd;
mod proc_net;
mod process_id;
mod process_settings;
mod scheduling;
mod signals;
mod sock_diag;
mod socket_inode;
mod socket_option;
mod special;
mod terminal;
mod threads;
mod vsock;
mod watch;

pub(super) use accounts::{group, groups_of, is_group, user};
pub(super) use cgroup::{wait_for_priority, watch_changes};
pub(super) use credentials::{
    CLOEXEC_ON_RECEIVE, abstract_address, ask_for_credentials, bind_abstract, connect_abstract,
    connect_named, peer_user, sender,
};
pub(super) use descriptors::{
    descriptor_path, is_same_description, mark_all_close_on_exec, open_descriptors, pipe,
};
pub(super) use executable::{EXEC_AFTER_FORK, own_image, process_name, set_process_name};
pub(super) use ids::{
    groups, has_rights_of_the_file, ids_are_final, is_secure_exec, set_group, set_groups, set_login, set_user,
};
pub(super) use memory::{memory_file, sealed_file, unnamed_file};
pub(super) use oom::{oom_score_adjust, set_oom_score_adjust};
pub(super) use path_trust::{access_list_lets_write, group_bits_may_be_a_mask, is_noexec};
pub(super) use process_id::{
    age, boot, has_stopped, identity, is_exiting, is_stopped, is_younger, namespace, same_start,
    user_directory, users,
};
pub(super) use process_settings::{
    join_session_keyring, set_coredump_filter, set_numa_policy, set_personality,
};
pub(super) use scheduling::{set_cpu_affinity, set_cpu_policy, set_io_priority, set_timer_slack};
pub(super) use signals::{
    SignalReader, real_time, real_time_name, real_time_number, reset_dispositions, reset_ignored,
};
pub(super) use socket_option::socket_option;
pub(super) use special::{open_netlink, open_queue, remove_queue, set_pipe_size};
pub(super) use terminal::{TAKE_TERMINAL, disallocate, hang_up, leave_graphics};
pub(super) use threads::{never_dump, resource, thread_count};
pub(super) use vsock::send_to_vsock;
pub(super) use watch::watch;

/// On Linux SO_REUSEADDR never lets two servers bind the same port, not even if one has all addresses (socket(7)).
pub(super) const REUSE_SHARES_A_PORT: bool = false;
