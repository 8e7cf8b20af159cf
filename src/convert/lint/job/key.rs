//! Unknown keys, and values of the wrong type: launchd ignores both without a message.

use std::collections::BTreeSet;

use svcadapt_spec::Origin;

use super::view::JobView;
use crate::lint::rules::file::SECRET;
use crate::lint::rules::key::{DEAD, KIND, SHELL, UNKNOWN};
use crate::lint::unit::{is_secret, variable};
use crate::lint::{Finding, Findings, Lookup};
use crate::plist::{MismatchKind, Node};

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    for mismatch in view.document.mismatches() {
        let rule = match mismatch.kind {
            MismatchKind::UnknownKey => &UNKNOWN,
            MismatchKind::WrongType => &KIND,
            MismatchKind::Obsolete => &DEAD,
        };
        // The reader's hint contains a quote if it suggests another key.
        match mismatch.error.hint.filter(|hint| hint.contains('\'')) {
            Some(hint) => findings.add_with_hint(rule, mismatch.origin, mismatch.error.cause, hint),
            None => findings.add(rule, mismatch.origin, mismatch.error.cause),
        }
    }
    if let Some(node) = view.node("OnDemand") {
        findings.add(
            &DEAD,
            view.origin(node),
            "OnDemand is obsolete; KeepAlive replaces it, with the opposite meaning",
        );
    }
    variables(view, findings);
}

fn variables(view: &JobView, findings: &mut Findings) {
    let closed = matches!(view.machine.inode(view.path), Lookup::Found(inode) if inode.mode & 0o004 == 0);
    for entry in view.node("EnvironmentVariables").map_or(&[][..], Node::entries) {
        match entry.node.text() {
            None => {
                let kind = entry.node.value.kind();
                let message = format!("variable '{}' is {kind}, not a string", entry.key.escape_debug());
                findings.add(&KIND, view.origin(&entry.node), message);
            }
            Some(value) if is_secret(&entry.key, value) && !closed => {
                let message = format!("{} is set in a world-readable file", entry.key.escape_debug());
                findings.add(&SECRET, view.origin(&entry.node), message);
            }
            Some(value) => {
                let home = value.starts_with("~/").then(|| "~".to_owned());
                if let Some(sign) =
                    variable(value.as_bytes()).or_else(|| variable(format!("={value}").as_bytes())).or(home)
                {
                    let message = format!("{sign} in {} is not expanded", entry.key.escape_debug());
                    findings.add(&SHELL, view.origin(&entry.node), message);
                }
            }
        }
    }
}

/// Removes secrets from the lines that are printed with the findings. Such a line may contain other keys.
pub(super) fn hide(view: &JobView, findings: &mut [Finding]) {
    let mut secret = BTreeSet::new();
    for entry in view.node("EnvironmentVariables").map_or(&[][..], Node::entries) {
        if let Some(value) = entry.node.text().filter(|value| is_secret(&entry.key, value))
            && let Origin::File { spot: Some(spot), .. } = view.origin(&entry.node)
        {
            secret.extend(spot.line..=spot.line + value.matches('\n').count());
        }
    }
    for finding in findings {
        if let Origin::File { spot: Some(spot), .. } = &mut finding.origin
            && secret.contains(&spot.line)
        {
            "...".clone_into(&mut spot.text);
            spot.column = 1;
        }
    }
}
