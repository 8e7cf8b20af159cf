//! A spec in JSON. Only svcadapt reads it, so the check is whether it is a valid spec.

use std::path::Path;

use svcadapt_spec::{Origin, SpecError};

use super::file::whole;
use super::rules::file::SPEC;
use super::{Finding, Findings, Severity};
use crate::json::read;

/// Checks a spec in JSON. Each error that svcadapt would report for it is a finding.
pub fn json(bytes: &[u8], path: &Path) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Err(problems) = read(bytes, path).and_then(|draft| draft.finish().map(drop)) {
        for problem in problems {
            // The program may follow `--`, as every other field may be set by an option.
            let may_be_option =
                problem.field.is_none() && problem.value.is_none() && problem.origin.is_none();
            if may_be_option {
                findings.add_with_severity(Severity::Note, &SPEC, whole(path), problem.error.cause);
            } else {
                add(problem, path, &mut findings);
            }
        }
    }
    findings.sorted()
}

/// Adds an error of the spec as a finding.
pub(super) fn add(problem: SpecError, path: &Path, findings: &mut Findings) {
    let origin = match problem.origin {
        Some(origin @ Origin::File { .. }) => origin,
        Some(Origin::Option) | None => whole(path),
    };
    let name = problem.field.map(|field| format!("{}: ", origin.name(field))).unwrap_or_default();
    let message = name + &problem.error.cause;
    match problem.error.hint {
        Some(hint) => findings.add_with_hint(&SPEC, origin, message, hint),
        None => findings.add(&SPEC, origin, message),
    }
}
