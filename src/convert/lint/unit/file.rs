//! Who can change the unit, and whether it is marked as a program.

use super::Unit;
use crate::lint::{Findings, file};

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for source in unit.sources() {
        file::unit(&source.file.path, unit.machine, findings);
    }
}
