//! What only Linux has.

mod accounts;
pub mod capability;
mod credentials;
mod descriptors;
pub mod family;
mod ids;
mod image;
mod known;
pub mod listeners;
mod oom;
pub mod pidfd;
mod proc_net;
mod signals;
mod threads;

pub(super) use accounts::group;
pub(super) use accounts::groups_of;
pub(super) use accounts::user;
pub(super) use credentials::CLOEXEC_ON_RECEIVE;
pub(super) use credentials::abstract_address;
pub(super) use credentials::ask_for_credentials;
pub(super) use credentials::bind_abstract;
pub(super) use credentials::connect_abstract;
pub(super) use credentials::peer_user;
pub(super) use credentials::sender;
pub(super) use descriptors::mark_all_close_on_exec;
pub(super) use descriptors::open_descriptors;
pub(super) use descriptors::pipe;
pub(super) use ids::groups;
pub(super) use ids::set_group;
pub(super) use ids::set_groups;
pub(super) use ids::set_user;
pub(super) use ids::settled;
pub(super) use image::EXEC_AFTER_FORK;
pub(super) use image::own_image;
pub(super) use image::process_name;
pub(super) use image::set_process_name;
pub(super) use known::boot;
pub(super) use known::identity;
pub(super) use known::is_exiting;
pub(super) use known::is_younger;
pub(super) use known::namespace;
pub(super) use known::users;
pub(super) use oom::oom_score_adjust;
pub(super) use oom::set_oom_score_adjust;
pub(super) use signals::Signals;
pub(super) use signals::real_time;
pub(super) use signals::real_time_name;
pub(super) use signals::real_time_number;
pub(super) use signals::reset_dispositions;
pub(super) use signals::reset_ignored;
pub(super) use threads::never_dump;
pub(super) use threads::resource;
pub(super) use threads::thread_count;

/// SO_REUSEADDR does not let two servers have one address of a port, not even where one has all of them (socket(7)).
pub(super) const REUSE_SHARES_A_PORT: bool = false;
