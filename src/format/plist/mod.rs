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

pub use document::Document;
pub use document::Odd;
pub use fields::ON_DEMAND_ONLY;
pub(super) use keys::is_field;
pub use label::Label;
pub use read::Kept;
pub use read::Reading;
pub use read::read;
pub use rewrite::Original;
pub use shape::Oddity;
pub use tree::Entry;
pub use tree::Integer;
pub use tree::Node;
pub use tree::Value;
pub use write::write;
