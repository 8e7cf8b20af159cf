//! What the command needs of the runner beyond the public interface. It may change in any release: programs use
//! [`Daemon`](crate::Daemon), [`control`](crate::control) and [`spec`](crate::spec).
//!
//! Nothing here takes a descriptor by its number, and what forks refuses to beside other threads: what would be unsound in
//! other hands stays in the crate.

pub use crate::error::Error;
pub use crate::launch::LastWords;
pub use crate::launch::Outcome;
pub use crate::launch::check;
pub use crate::launch::start;
pub use crate::notify::connected_to_journal;
pub use crate::setup::Failure;
pub use crate::setup::do_without_state;
pub use crate::setup::refuse_lent_rights;
pub use crate::setup::resolve;
pub use crate::setup::state::directory as state_directory;
pub use crate::sys::identity::effective_user;
pub use crate::sys::plain;
pub use crate::sys::process::Ended;
pub use crate::sys::signal;
pub use crate::sys::through::write_through;
pub use crate::sys::untrusted;
pub use crate::sys::words;
