//! Errors and warnings of the unit reader, unless a check has already reported the line.

use svcadapt_spec::{Origin, SpecError};

use super::{UnitView, directive};
use crate::lint::file::whole;
use crate::lint::rules::file::{IGNORED, MASKED, REFUSED};
use crate::lint::{FileKind, Findings, Lookup, json};
use crate::unit::{UnitFile, read};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let service = unit.service;
    let path = &service.unit.file.path;
    if service.unit.file.empty {
        // A link to /dev/null masks a unit on purpose.
        if matches!(unit.machine.inode(path), Lookup::Found(inode) if inode.kind == FileKind::File) {
            findings.add(&MASKED, whole(path), "file is empty");
        }
        return;
    }
    let drop_ins: Vec<UnitFile> = service.drop_ins.iter().map(|source| source.file.clone()).collect();
    let warnings = match read(&service.name, &service.unit.file, &drop_ins) {
        Ok(reading) => {
            // Only a unit with the section of svcadapt is meant as its spec.
            let ours =
                unit.sources().any(|source| source.file.sections.iter().any(|name| name == "X-Svcadapt"));
            if ours && let Err(problems) = reading.draft.finish() {
                for problem in problems {
                    json::add(problem, path, findings);
                }
            }
            reading.warnings
        }
        Err(problems) => {
            for problem in problems {
                let origin = place(unit, &problem);
                findings.add_unless_reported(&REFUSED, origin, problem.error.cause);
            }
            unit.sources().flat_map(|source| source.file.warnings.clone()).collect()
        }
    };
    // An unknown section is reported once, at its header.
    let unknown_section_lines: Vec<usize> = unit
        .lines()
        .filter(|at| !directive::SERVICE.into_iter().any(|known| known.to_string() == at.section()))
        .map(|at| at.line.spot.line)
        .collect();
    let is_in_unknown_section = |warning: &SpecError| {
        warning.place().is_some_and(|(file, spot)| {
            file == path && spot.is_some_and(|spot| unknown_section_lines.contains(&spot.line))
        })
    };
    for warning in warnings.into_iter().filter(|warning| !is_in_unknown_section(warning)) {
        let SpecError { origin, error, .. } = warning;
        findings.add_unless_reported(&IGNORED, origin.unwrap_or(Origin::Option), error.cause);
    }
}

/// The place of an error. An error of the whole unit gets the place of the last directive that its text names.
fn place(unit: &UnitView, problem: &SpecError) -> Origin {
    let named = |word: &str| {
        let key = word.trim_end_matches(',').split_once('=').map(|(key, _)| key)?;
        unit.last(key)
    };
    let has_spot = problem.place().is_some_and(|(_, spot)| spot.is_some());
    match problem.error.cause.split(' ').rev().find_map(named).filter(|_| !has_spot) {
        Some(at) => at.origin(),
        None => problem.origin.clone().unwrap_or(Origin::Option),
    }
}
