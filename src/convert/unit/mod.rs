//! systemd units (systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7)).

mod covered;
mod exec;
mod fields;
mod kept;
mod lex;
mod name;
mod own;
mod quote;
mod read;
mod reload;
mod rewrite;
mod sandbox;
mod socket;
mod specifiers;
mod verify;
mod words;
mod write;
mod write_socket;

pub(crate) use covered::contradictions;
pub(crate) use exec::{CommandLine, commands};
pub use kept::{Kept, Reason};
pub use lex::{LARGEST_UNIT, Line, MOST_ASSIGNMENTS, UnitFile};
pub use name::UnitName;
pub use read::{Reading, read};
pub use rewrite::{Original, Text};
pub use socket::read_socket;
pub(crate) use specifiers::{Unresolved, Why, resolve};
pub(crate) use words::{Syntax, split};
pub use write::{write, write_hardened};
pub use write_socket::{socket_unit, write_socket};

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::exec::{CommandLine, CommandLines, commands};
    pub use super::specifiers::{Unresolved, Why, resolve};
    pub use super::words::{Syntax, Unbalanced, Word, split};
}
