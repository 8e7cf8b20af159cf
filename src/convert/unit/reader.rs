//! The state while a unit is read, and what an assignment can do to it.

use std::ffi::OsString;

use svcadapt_spec::{Field, Origin, SpecError};

use super::exec_lines::ExecLines;
use super::lex::{MAX_ASSIGNMENTS, TOO_MANY};
use super::site::Site;
use super::verify::UnitChecks;
use super::{UnitName, Unmapped, UnmappedReason};

/// What a unit and its drop-ins have said so far.
pub(super) struct UnitReader<'a> {
    pub(super) name: &'a UnitName,
    pub(super) values: Vec<UnitValue>,
    /// The values of `[X-Svcadapt]`.
    pub(super) own: Vec<UnitValue>,
    /// The lines with commands.
    pub(super) commands: ExecLines,
    pub(super) checks: UnitChecks,
    pub(super) unmapped: Vec<Unmapped>,
    pub(super) warnings: Vec<SpecError>,
    pub(super) faults: Vec<SpecError>,
}

/// A value of a field, for the draft.
#[derive(Debug, Clone)]
pub(super) struct UnitValue {
    pub(super) field: Field,
    pub(super) value: OsString,
    pub(super) origin: Origin,
    /// The value of the directive, verbatim, if the value may become an [`Unmapped`]; otherwise empty.
    pub(super) written: String,
}

/// The maximum number of warnings for one line, which can have half a million words.
const MAX_WARNINGS_PER_LINE: usize = 8;

impl<'a> UnitReader<'a> {
    /// The state before the first line.
    pub(super) fn new(name: &'a UnitName) -> Self {
        Self {
            name,
            values: Vec::new(),
            own: Vec::new(),
            commands: ExecLines::default(),
            checks: UnitChecks::default(),
            unmapped: Vec::new(),
            warnings: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn keep(&mut self, site: &Site, reason: UnmappedReason) {
        self.unmapped.push(site.unmapped(reason));
    }

    /// Keeps a line with many words once, even if several of its words need it.
    pub(super) fn keep_once(&mut self, site: &Site, reason: UnmappedReason) {
        if self.unmapped.last().is_none_or(|line| line.origin != site.origin) {
            self.keep(site, reason);
        }
    }

    pub(super) fn warn(&mut self, site: &Site, what: &str) {
        let earlier =
            self.warnings.len().checked_sub(MAX_WARNINGS_PER_LINE).and_then(|at| self.warnings.get(at));
        if earlier
            .is_some_and(|fault| fault.place() == Some((site.file.path.as_path(), Some(&site.line.spot))))
        {
            return;
        }
        self.warnings.push(SpecError::at(&site.origin, format!("{}=: {what}", site.line.key)));
    }

    /// Adds a reason why systemd refuses the unit.
    pub(super) fn refuse(&mut self, site: &Site, why: &str) {
        self.faults.push(SpecError::at(&site.origin, format!("{}=: {why}", site.line.key)));
    }

    /// Whether one more value fits into the limit. If not, the unit is refused.
    pub(super) fn has_room(&mut self, site: &Site) -> bool {
        let room = self.values.len() < MAX_ASSIGNMENTS;
        if !room && self.faults.is_empty() {
            self.refuse(site, &format!("with the values of lists {TOO_MANY}"));
        }
        room
    }

    /// Removes the values of a field.
    pub(super) fn forget(&mut self, field: Field) {
        self.values.retain(|value| value.field != field);
    }
}
