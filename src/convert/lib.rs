//! HOW a spec is written down: one room a format, each with what is particular to its quoting.
//!
//! What a format cannot carry is refused with the place, the byte and the reason, and then nothing is written; a
//! value is never bent to fit. A writer is given a [`crate::divide::Division`] and writes the host's part of it.

mod adapter;
pub mod directive;
pub mod divide;
pub mod harden;
pub mod json;
mod lines;
pub mod lint;
pub mod plist;
mod refused;
pub mod unit;

pub use lines::LARGEST;
pub use refused::{Rendered, Rewritten, Unfit, WriteError};
