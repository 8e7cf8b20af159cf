//! A spec in JSON, which no host reads: it only has to be one.

use std::path::Path;

use crate::format::json::read;
use crate::spec::Origin;
use crate::spec::Problem;

use super::Finding;
use super::Findings;
use super::file::whole;
use super::rules::file::SPEC;

/// Everything that keeps a text from being a spec.
pub fn json(bytes: &[u8], path: &Path) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Err(problems) = read(bytes, path).and_then(|draft| draft.finish().map(drop)) {
        for problem in problems {
            add(problem, path, &mut findings);
        }
    }
    findings.sorted()
}

/// A problem of the spec as a finding.
pub(super) fn add(problem: Problem, path: &Path, findings: &mut Findings) {
    let origin = match problem.origin {
        Some(origin @ Origin::File { .. }) => origin,
        Some(Origin::Option) | None => whole(path),
    };
    let name = problem.field.map(|field| format!("{}=: ", field.directive())).unwrap_or_default();
    let message = name + &problem.refusal.cause;
    match problem.refusal.hint {
        Some(hint) => findings.cured(&SPEC, origin, message, hint),
        None => findings.add(&SPEC, origin, message),
    }
}
