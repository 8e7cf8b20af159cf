//! Reads and writes the files that describe a service: systemd units, launchd property lists and JSON. Each format has
//! a module of its own with its quoting rules.
//!
//! A value that a format cannot represent is an error with the place, the byte and the reason. The file is then not
//! written; no value is changed to make it fit. A writer takes a [`crate::divide::Division`] and writes the host's part
//! of it.

mod adapter;
pub mod directive;
pub mod divide;
#[doc(hidden)]
pub mod harden;
pub mod json;
mod lines;
#[doc(hidden)]
pub mod lint;
pub mod load;
pub mod plist;
#[doc(hidden)]
pub mod script;
pub mod unit;
mod write_error;

pub use lines::MAX_FILE_BYTES;
pub(crate) use write_error::QuoteError;
pub use write_error::{Rendered, Rewritten, WriteError};
