//! The Linux implementation.

mod accounts;
pub mod capability;
mod clock;
mod credentials;
pub mod descendants;
mod descriptors;
mod executable;
mod ids;
pub mod listeners;
mod memory;
mod oom;
mod path_trust;
pub(super) mod pidfd;
mod proc_net;
mod process_id;
mod scheduling;
mod signals;
mod sock_diag;
mod socket_inode;
mod threads;

pub(super) use accounts::{group, groups_of, user};
pub(super) use credentials::{
    CLOEXEC_ON_RECEIVE, abstract_address, ask_for_credentials, bind_abstract, connect_abstract, peer_user,
    sender,
};
pub(super) use descriptors::{descriptor_path, mark_all_close_on_exec, open_descriptors, pipe};
pub(super) use executable::{EXEC_AFTER_FORK, own_image, process_name, set_process_name};
pub(super) use ids::{
    groups, has_rights_of_the_file, ids_are_final, is_secure_exec, set_group, set_groups, set_login, set_user,
};
pub(super) use memory::memory_file;
pub(super) use oom::{oom_score_adjust, set_oom_score_adjust};
pub(super) use path_trust::{access_list_lets_write, group_bits_may_be_a_mask, is_noexec};
pub(super) use process_id::{
    age, boot, identity, is_exiting, is_stopped, is_younger, namespace, same_start, user_directory, users,
};
pub(super) use scheduling::{set_cpu_affinity, set_cpu_policy, set_io_priority, set_timer_slack};
pub(super) use signals::{
    Signals, real_time, real_time_name, real_time_number, reset_dispositions, reset_ignored,
};
pub(super) use threads::{never_dump, resource, thread_count};

/// On Linux SO_REUSEADDR never lets two servers bind the same port, not even if one has all addresses (socket(7)).
pub(super) const REUSE_SHARES_A_PORT: bool = false;
