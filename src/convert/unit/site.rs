//! An assignment of a unit and its place.

use svcadapt_spec::Origin;

use super::{Line, UnitFile, Unmapped, UnmappedReason};

/// An assignment and its place.
pub(super) struct Site<'a> {
    pub(super) file: &'a UnitFile,
    pub(super) line: &'a Line,
    pub(super) origin: Origin,
}

impl Site<'_> {
    /// The assignment as one that no field represents.
    pub(super) fn unmapped(&self, reason: UnmappedReason) -> Unmapped {
        Unmapped {
            section: self.file.section(self.line).to_owned(),
            directive: self.line.key.clone(),
            value: self.line.value.clone(),
            origin: self.origin.clone(),
            reason,
        }
    }
}
