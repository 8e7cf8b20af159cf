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

pub(crate) use document::Document;
pub use fields::ON_DEMAND_ONLY;
pub(crate) use keys::is_field;
pub use label::Label;
pub use read::{Kept, Reading, read};
pub use rewrite::Original;
pub(crate) use shape::Oddity;
pub use tree::{Entry, Integer, Node, Value};
pub use write::write;

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::document::{Document, Odd};
    pub use super::shape::Oddity;
}
