//! What the command needs of the runner beyond the public interface. It may change in any release: programs use
//! [`Daemon`](crate::Daemon), [`control`](crate::control) and [`spec`](svcadapt_spec).
//!
//! Nothing here takes a descriptor by its number, and what forks refuses to beside other threads: what would be unsound in
//! other hands stays in the crate.

pub use crate::launch::{Outcome, StderrTail, check, start};
pub use crate::notify::connected_to_journal;
pub use crate::plan::{Resolution, StartedBy, forwards_signals};
pub use crate::registry::{directory as state_directory, lock_of};
pub use crate::setup::{do_without_state, refuse_lent_rights, resolve};
pub use crate::sys::identity::effective_user;
pub use crate::sys::process::Ended;
pub use crate::sys::sync::sync_file;
pub use crate::sys::{accounts, attribute, error_text, escape_control, procfs, signal, untrusted};
