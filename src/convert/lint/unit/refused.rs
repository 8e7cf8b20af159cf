//! What the reader of units has to say, who knows the grammar and no rules: it is told where no finder has told it.

use svcadapt_spec::Origin;
use svcadapt_spec::SpecError;

use super::{Unit, directive};
use crate::lint::file::whole;
use crate::lint::rules::file::{IGNORED, MASKED, REFUSED};
use crate::lint::{Findings, Kind, Lookup, json};
use crate::unit::{UnitFile, read};

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
                findings.unless_told(&REFUSED, origin, fault.refusal.cause);
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
    let of_a_line = |warning: &SpecError| {
        warning
            .place()
            .is_some_and(|(file, spot)| file == path && spot.is_some_and(|spot| strange.contains(&spot.line)))
    };
    for warning in warnings.into_iter().filter(|warning| !of_a_line(warning)) {
        let SpecError { origin, refusal, .. } = warning;
        findings.unless_told(&IGNORED, origin.unwrap_or(Origin::Option), refusal.cause);
    }
}

/// Where a fault is; one of the whole unit stands where the last directive is said that it names.
fn place(unit: &Unit, fault: &SpecError) -> Origin {
    let named = |word: &str| {
        let key = word.trim_end_matches(',').split_once('=').map(|(key, _)| key)?;
        unit.last(key)
    };
    let has_spot = fault.place().is_some_and(|(_, spot)| spot.is_some());
    match fault.refusal.cause.split(' ').rev().find_map(named).filter(|_| !has_spot) {
        Some(at) => at.origin(),
        None => fault.origin.clone().unwrap_or(Origin::Option),
    }
}
