//! Keys that launchd does not know, and values that it does not expect: it passes over both in silence.

use std::collections::BTreeSet;

use svcadapt_spec::Origin;

use super::View;
use crate::lint::rules::file::SECRET;
use crate::lint::rules::key::{DEAD, KIND, SHELL, UNKNOWN};
use crate::lint::unit::{is_secret, variable};
use crate::lint::{Finding, Findings, Lookup};
use crate::plist::{Node, Oddity};

pub(super) fn find(view: &View, findings: &mut Findings) {
    for odd in view.document.oddities() {
        let rule = match odd.oddity {
            Oddity::Unknown => &UNKNOWN,
            Oddity::Kind => &KIND,
            Oddity::Dead => &DEAD,
        };
        // The reader's hint says which key was meant, where it can tell.
        match odd.refusal.hint.filter(|hint| hint.contains('\'')) {
            Some(hint) => findings.cured(rule, odd.origin, odd.refusal.cause, hint),
            None => findings.add(rule, odd.origin, odd.refusal.cause),
        }
    }
    if let Some(node) = view.node("OnDemand") {
        findings.add(
            &DEAD,
            view.origin(node),
            "OnDemand is an old name of KeepAlive, and means the opposite",
        );
    }
    variables(view, findings);
}

fn variables(view: &View, findings: &mut Findings) {
    let closed = matches!(view.machine.inode(view.path), Lookup::Found(inode) if inode.mode & 0o004 == 0);
    for entry in view.node("EnvironmentVariables").map_or(&[][..], Node::entries) {
        match entry.node.text() {
            None => {
                let kind = entry.node.value.kind();
                let message = format!("the variable '{}' is {kind}, not a string", entry.key.escape_debug());
                findings.add(&KIND, view.origin(&entry.node), message);
            }
            Some(value) if is_secret(&entry.key, value) && !closed => {
                let message = format!("{} is set where everybody can read it", entry.key.escape_debug());
                findings.add(&SECRET, view.origin(&entry.node), message);
            }
            Some(value) => {
                let home = value.starts_with("~/").then(|| "~".to_owned());
                if let Some(sign) =
                    variable(value.as_bytes()).or_else(|| variable(format!("={value}").as_bytes())).or(home)
                {
                    let message = format!("{sign} in {} stays as it is written", entry.key.escape_debug());
                    findings.add(&SHELL, view.origin(&entry.node), message);
                }
            }
        }
    }
}

/// Takes secrets out of the lines that are shown with the findings: such a line may have other keys, too.
pub(super) fn hide(view: &View, findings: &mut [Finding]) {
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
