//! What only Linux has.

mod accounts;
pub mod capability;
mod credentials;
mod descriptors;
pub mod family;
mod ids;
mod known;
pub mod listeners;
mod oom;
pub mod pidfd;
mod signals;
mod threads;

pub(super) use accounts::group;
pub(super) use accounts::groups_of;
pub(super) use accounts::user;
pub(super) use credentials::CLOEXEC_ON_RECEIVE;
pub(super) use credentials::ask_for_credentials;
pub(super) use credentials::bind_abstract;
pub(super) use credentials::connect_abstract;
pub(super) use credentials::sender;
pub(super) use descriptors::mark_all_close_on_exec;
pub(super) use descriptors::pipe;
pub(super) use ids::groups;
pub(super) use ids::set_group;
pub(super) use ids::set_groups;
pub(super) use ids::set_user;
pub(super) use known::boot;
pub(super) use known::identity;
pub(super) use oom::oom_score_adjust;
pub(super) use oom::set_oom_score_adjust;
pub(super) use signals::Signals;
pub(super) use signals::real_time_name;
pub(super) use signals::reset_dispositions;
pub(super) use threads::resource;
pub(super) use threads::thread_count;
