//! Property lists of launchd (launchd.plist(5)).

mod binary;
mod exit_time_out;
mod fields;
mod keys;
mod label;
mod read;
mod shape;
mod tree;
mod umask;
mod write;
mod xml;

pub use label::Label;
pub use read::Kept;
pub use read::Reading;
pub use read::read;
pub use write::write;
