//! Property lists of launchd (launchd.plist(5)).

mod binary;
mod document;
mod exit_timeout;
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
mod xml_text;

pub(crate) use document::Document;
#[doc(hidden)]
pub use fields::ON_DEMAND_ONLY;
pub(crate) use keys::is_field;
pub use label::Label;
pub use read::{ParsedJob, UnmappedKey, read};
pub use rewrite::OriginalJob;
pub(crate) use shape::MismatchKind;
#[doc(hidden)]
pub use tree::{Entry, Integer, Node, Value};
pub use write::write;

/// What the command and the tests need beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::document::{Document, Mismatch};
    pub use super::shape::MismatchKind;
}
