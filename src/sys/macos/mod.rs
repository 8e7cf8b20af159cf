//! What macOS has, and what it has not.
//!
//! The structures of proc_pidinfo(3) and its flavors are those of `<sys/proc_info.h>`.

pub mod family;
mod ids;
mod image;
mod known;
pub(super) mod pidfd;
mod place;
mod proc_info;
mod signals;
mod threads;

pub(super) use ids::groups;
pub(super) use ids::groups_of;
pub(super) use ids::has_rights_of_the_file;
pub(super) use ids::is_secure_exec;
pub(super) use ids::set_group;
pub(super) use ids::set_groups;
pub(super) use ids::set_login;
pub(super) use ids::set_user;
pub(super) use ids::settled;
pub(super) use image::EXEC_AFTER_FORK;
pub(super) use image::descriptor_path;
pub(super) use image::own_image;
pub(super) use image::process_name;
pub(super) use image::set_process_name;
pub(super) use known::age;
pub(super) use known::boot;
pub(super) use known::identity;
pub(super) use known::is_exiting;
pub(super) use known::is_stopped;
pub(super) use known::is_younger;
pub(super) use known::namespace;
pub(super) use known::same_start;
pub(super) use known::user_directory;
pub(super) use known::users;
pub(super) use place::access_list_lets_write;
pub(super) use place::group_bits_may_be_a_mask;
pub(super) use place::is_noexec;
pub(super) use proc_info::arguments;
pub(super) use proc_info::process as process_info;
pub(super) use signals::Signals;
pub(super) use threads::mark_all_close_on_exec;
pub(super) use threads::open_descriptors;
pub(super) use threads::resource;
pub(super) use threads::thread_count;

pub use super::posix::capability;
pub use super::posix::listeners;

pub(super) use super::posix::CLOEXEC_ON_RECEIVE;
pub(super) use super::posix::REUSE_SHARES_A_PORT;
pub(super) use super::posix::abstract_address;
pub(super) use super::posix::ask_for_credentials;
pub(super) use super::posix::bind_abstract;
pub(super) use super::posix::connect_abstract;
pub(super) use super::posix::group;
pub(super) use super::posix::never_dump;
pub(super) use super::posix::oom_score_adjust;
pub(super) use super::posix::peer_user;
pub(super) use super::posix::pipe;
pub(super) use super::posix::real_time;
pub(super) use super::posix::real_time_name;
pub(super) use super::posix::real_time_number;
pub(super) use super::posix::reset_dispositions;
pub(super) use super::posix::reset_ignored;
pub(super) use super::posix::sender;
pub(super) use super::posix::set_oom_score_adjust;
pub(super) use super::posix::user;
