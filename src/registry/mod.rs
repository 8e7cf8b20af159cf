//! The identity of a service: a record of its main process, and a lock that this process holds.
//!
//! The record names a process by its pid, its start time and the boot id; no other process ever has the same three.
//! Its directory and file are writable only by root (or by the user whose services these are), so no service of
//! another user can forge it.
//!
//! The lock is a POSIX record lock. It survives exec, children do not inherit it, it ends with the process in every
//! case, and it reports the holder's pid, or that the holder is in another pid namespace, where the record does not
//! apply. It is a *read* lock, so the descriptor that stays open in the program can be read-only: the program cannot
//! write to the file and fill the file system. Only the owner can open the file, so no other user can block a start.
//! Two services are kept apart because a start does its critical section under another lock ([`Lock::take`]).
//!
//! A child of the program has the descriptor too, and may lock the file after the program has ended. That has no
//! effect: a process that is not recorded is not the service, and the next start creates a new file.

mod control_group;
mod lines;
mod lock;
mod lock_directory;
mod lock_name;
mod look;
mod old_boots;
pub mod pid_file;
mod pid_file_owner;
mod record;
mod record_file;
mod start_lock;
mod starting;
pub mod stored_spec;
mod terminate;
mod tree;

pub use control_group::GroupRecord;
pub use lock::{AlreadyRunning, Lock, remove};
pub use lock_directory::{
    LockDirectoryError, directory, lock_directories, obstacle, own_directories, prepare_directory,
    runtime_directory,
};
pub use lock_name::{control_socket, file_name, is_launchers, name_of, notify_socket, path, socket_pid};
pub use look::{Found, inherited, is_held_by, look};
pub use pid_file_owner::locks as locks_of_pid_file;
pub use record::{Monitor, Record, Session};
pub use record_file::{is_monitored_by_parent, lock_of, read, records};
pub(crate) use start_lock::lock_starts;
pub use starting::{Starting, is_starting};
pub use terminate::{ProcessSet, Termination};
pub use tree::{Leftovers, Tree};
