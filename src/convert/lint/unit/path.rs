//! The working directory.

use super::UnitView;
use crate::lint::Findings;
use crate::lint::rules::path::WORKING_DIRECTORY;

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let Some(at) = unit.last("WorkingDirectory").filter(|at| !at.value().starts_with(['-', '"', '\'']))
    else {
        return;
    };
    let Some(path) = unit.path(&at, at.value()) else { return };
    if unit.machine.inode(&path).is_missing() && !unit.may_be_absent(&path) {
        findings.add(
            &WORKING_DIRECTORY,
            at.origin(),
            format!("directory '{}' does not exist", path.display()),
        );
    }
}
