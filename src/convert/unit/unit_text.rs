//! A unit file as text and as assignments.

use super::UnitFile;

/// A parsed unit file with its text.
#[derive(Debug, Clone)]
pub struct UnitText {
    /// The parsed text.
    pub file: UnitFile,
    /// The text.
    pub bytes: Vec<u8>,
}
