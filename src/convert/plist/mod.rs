//! Property lists of launchd (launchd.plist(5)).

mod binary;
mod carry;
mod document;
mod exit_time_out;
mod fields;
mod keys;
mod label;
mod read;
mod rewrite;
mod shape;
mod sockets;
mod tree;
mod umask;
mod write;
mod write_sockets;
mod xml;

pub use document::{Document, Odd};
pub use fields::ON_DEMAND_ONLY;
pub(crate) use keys::is_field;
pub use label::Label;
pub use read::{Kept, Reading, read};
pub use rewrite::Original;
pub use shape::Oddity;
pub use tree::{Entry, Integer, Node, Value};
pub use write::write;
