//! What the reader of units has to say, who knows the grammar and no rules: it is told where no finder has told it.

use svcadapt_spec::Origin;

use super::{Unit, directive};
use crate::lint::file::whole;
use crate::lint::rules::file::{IGNORED, MASKED, REFUSED};
use crate::lint::{Findings, Kind, Lookup, json};
use crate::unit::{Fault, UnitFile, read};

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let service = unit.service;
    let path = &service.unit.file.path;
    if service.unit.file.empty {
        // A link to the null device is how a unit is masked on purpose.
        if matches!(unit.machine.inode(path), Lookup::Found(inode) if inode.kind == Kind::File) {
            findings.add(&MASKED, whole(path), "the file is empty");
        }
        return;
    }
    let drop_ins: Vec<UnitFile> = service.drop_ins.iter().map(|source| source.file.clone()).collect();
    let warnings = match read(&service.name, &service.unit.file, &drop_ins) {
        Ok(reading) => {
            // Only who writes our section means the unit as a spec of ours.
            let ours =
                unit.sources().any(|source| source.file.sections.iter().any(|name| name == "X-Svcadapt"));
            if ours && let Err(problems) = reading.draft.finish() {
                for problem in problems {
                    json::add(problem, path, findings);
                }
            }
            reading.warnings
        }
        Err(faults) => {
            for fault in faults {
                let origin = place(unit, &fault);
                findings.unless_told(&REFUSED, origin, fault.message);
            }
            unit.sources().flat_map(|source| source.file.warnings.clone()).collect()
        }
    };
    // Of a section that systemd does not know all is said at its header.
    let strange: Vec<usize> = unit
        .lines()
        .filter(|at| !directive::SERVICE.into_iter().any(|known| known.to_string() == at.section()))
        .map(|at| at.line.spot.line)
        .collect();
    let of_a_line = |warning: &Fault| {
        warning.spot.as_ref().is_some_and(|spot| strange.contains(&spot.line) && warning.path == *path)
    };
    for warning in warnings.into_iter().filter(|warning| !of_a_line(warning)) {
        let origin = Origin::in_file(warning.path, warning.spot);
        findings.unless_told(&IGNORED, origin, warning.message);
    }
}

/// Where a fault is; one of the whole unit stands where the last directive is said that it names.
fn place(unit: &Unit, fault: &Fault) -> Origin {
    let named = |word: &str| {
        let key = word.trim_end_matches(',').split_once('=').map(|(key, _)| key)?;
        unit.last(key)
    };
    match (&fault.spot, fault.message.split(' ').rev().find_map(named)) {
        (None, Some(at)) => at.origin(),
        (spot, _) => Origin::in_file(&fault.path, spot.clone()),
    }
}
