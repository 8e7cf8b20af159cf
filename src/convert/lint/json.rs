//! A spec in JSON, which no host reads: it only has to be one.

use std::path::Path;

use svcadapt_spec::{Origin, SpecError};

use super::file::whole;
use super::rules::file::SPEC;
use super::{Finding, Findings, Severity};
use crate::json::read;

/// Everything that keeps a text from being a spec.
pub fn json(bytes: &[u8], path: &Path) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Err(problems) = read(bytes, path).and_then(|draft| draft.finish().map(drop)) {
        for problem in problems {
            // The program may be said after `--`, as every other field may be said by an option.
            let open = problem.field.is_none() && problem.value.is_none() && problem.origin.is_none();
            if open {
                findings.as_bad(Severity::Note, &SPEC, whole(path), problem.refusal.cause);
            } else {
                add(problem, path, &mut findings);
            }
        }
    }
    findings.sorted()
}

/// A problem of the spec as a finding.
pub(super) fn add(problem: SpecError, path: &Path, findings: &mut Findings) {
    let origin = match problem.origin {
        Some(origin @ Origin::File { .. }) => origin,
        Some(Origin::Option) | None => whole(path),
    };
    let name = problem.field.map(|field| format!("{}: ", origin.name(field))).unwrap_or_default();
    let message = name + &problem.refusal.cause;
    match problem.refusal.hint {
        Some(hint) => findings.cured(&SPEC, origin, message, hint),
        None => findings.add(&SPEC, origin, message),
    }
}
