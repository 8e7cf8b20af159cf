//! systemd units (systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7)).

mod bus_name;
mod exec;
mod exec_fields;
mod exec_lines;
mod fields;
mod lex;
mod life;
mod name;
mod native_values;
mod process;
mod quote;
mod read;
mod reader;
mod reload;
mod rewrite;
mod sandbox;
mod site;
mod socket;
mod specifiers;
mod streams;
mod unit_text;
mod unmapped;
mod value;
mod verify;
mod write;
mod write_socket;
mod x_section;

pub(crate) use exec::commands;
pub use lex::{Line, MAX_ASSIGNMENTS, MAX_UNIT_BYTES, UnitFile};
pub use name::UnitName;
pub(crate) use native_values::contradictions;
pub use read::{ParsedUnit, read};
pub use rewrite::OriginalUnit;
pub use socket::read_socket;
pub(crate) use specifiers::{SpecifierError, SpecifierProblem, resolve};
pub(crate) use svcadapt_spec::command_line::CommandLine;
pub(crate) use svcadapt_spec::words::{Syntax, split, split_lossy};
pub use unit_text::UnitText;
pub use unmapped::{Unmapped, UnmappedReason};
pub use write::{write, write_hardened};
pub use write_socket::{socket_unit, write_socket};

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::exec::commands;
    pub use super::specifiers::{SpecifierError, SpecifierProblem, resolve};
    pub use svcadapt_spec::command_line::{CommandLine, CommandLines};
    pub use svcadapt_spec::words::{Syntax, UnbalancedQuote, Word, split};
}
