//! Keys that launchd does not know, and values that it does not expect: it passes over both in silence.

use crate::check::Findings;
use crate::check::Look;
use crate::check::rules::file::SECRET;
use crate::check::rules::key::DEAD;
use crate::check::rules::key::KIND;
use crate::check::rules::key::UNKNOWN;
use crate::check::unit::is_secret;
use crate::format::plist::Oddity;
use crate::spec::Origin;

use super::View;

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
    let Some(variables) = view.node("EnvironmentVariables") else { return };
    let closed = matches!(view.machine.inode(view.path), Look::There(inode) if inode.mode & 0o004 == 0);
    for entry in variables.entries() {
        match entry.node.text() {
            None => {
                let message = format!(
                    "the variable '{}' is {}, not a string",
                    entry.key.escape_debug(),
                    entry.node.value.kind()
                );
                findings.add(&KIND, view.origin(&entry.node), message);
            }
            Some(value) if is_secret(&entry.key, value) && !closed => {
                let message = format!("{} is set where everybody can read it", entry.key.escape_debug());
                findings.add(&SECRET, without_line(view.origin(&entry.node)), message);
            }
            Some(_) => {}
        }
    }
}

/// The place without what stands there, which is not for everybody's eyes.
fn without_line(mut origin: Origin) -> Origin {
    if let Origin::File { spot: Some(spot), .. } = &mut origin {
        "...".clone_into(&mut spot.text);
        spot.column = spot.column.min(1);
    }
    origin
}
