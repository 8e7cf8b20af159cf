//! The modes of the unit's files.

use super::UnitView;
use crate::lint::{Findings, file};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for source in unit.sources() {
        file::unit(&source.file.path, unit.machine, findings);
    }
}
