//! DOING the steps.
//!
//! [`resolve`] looks up what the spec means on this machine, and changes nothing. [`ServiceProcess`] then performs
//! the steps of a plan, in order and without decisions of its own, in the process that becomes the program. It
//! reports everything that it creates, so that a failed start can remove it.
//!
//! Deliberately absent: waiting. Forks, probes and the launcher that waits are in `launch`.

#![forbid(unsafe_code)]

mod account;
mod closest_limit;
mod connect;
mod control_group;
mod credentials;
mod directory;
mod dynamic_user;
mod explain;
mod failure;
mod launcher_lock;
mod leftovers;
mod listen;
mod listen_file;
mod listen_place;
mod log_file;
mod memory;
mod own_line;
mod perform;
mod program;
mod report;
mod resolve;
mod run_in_place;
mod socket_options;
mod stop_timeout;
mod streams;
mod undo;
mod variables;

pub use account::{refuse_lent_rights, verify_user};
pub use control_group::{find_control_group, give_controllers};
pub use credentials::{place as credentials_place, remove as remove_credentials};
pub use failure::{ALREADY_RUNNING, service_label};
pub use launcher_lock::LauncherLock;
pub use listen::{open_socket, remove_sockets};
pub use log_file::{clear_unfinished_logs, compress_logs, open_log, set_log_aside};
pub use own_line::{errors_follow_output, write_own_line};
pub use perform::{ServiceProcess, undo_start};
pub use report::{Report, Reports};
pub use resolve::{caller, do_without_state, resolve, resolve_itself};
pub use run_in_place::{PrivilegeDrop, SetupResult};
pub use stop_timeout::DEFAULT_STOP_MICROS;
pub use streams::{length, tail};
pub use undo::Created;
#[cfg(test)]
pub use undo::CreatedKind;
