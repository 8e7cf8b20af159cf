//! Property lists of launchd (launchd.plist(5)).

mod keys;
mod label;
mod write;

pub use label::Label;
pub use write::write;
