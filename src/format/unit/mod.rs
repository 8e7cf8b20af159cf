//! systemd units (systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7)).

mod exec;
mod fault;
mod fields;
mod kept;
mod lex;
mod name;
mod own;
mod quote;
mod read;
mod reload;
mod sandbox;
mod specifiers;
mod verify;
mod words;
mod write;

pub use exec::CommandLine;
pub use exec::CommandLines;
pub use exec::commands;
pub use fault::Fault;
pub use kept::Kept;
pub use kept::Reason;
pub use lex::LARGEST_UNIT;
pub use lex::Line;
pub use lex::MOST_ASSIGNMENTS;
pub use lex::UnitFile;
pub use name::UnitName;
pub use read::Reading;
pub use read::read;
pub use specifiers::Unresolved;
pub use specifiers::Why;
pub use words::Syntax;
pub use words::Unbalanced;
pub use words::Word;
pub use words::split;
pub use write::write;
pub use write::write_hardened;
