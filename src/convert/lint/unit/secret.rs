//! Secrets in a file that everybody can read. They are never printed.

use svcadapt_spec::Origin;

use super::Unit;
use super::token::tokens;
use crate::lint::rules::file::SECRET;
use crate::lint::{Finding, Findings, Lookup};

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for at in unit.all("Service", "Environment") {
        let closed =
            matches!(unit.machine.inode(&at.file.path), Lookup::Found(inode) if inode.mode & 0o004 == 0);
        if closed {
            continue;
        }
        for token in tokens(at.value()) {
            let text = token.text();
            let Some((name, value)) = text.split_once('=') else { continue };
            if is_secret(name, value) {
                let message = format!("{name} is set where everybody can read it");
                findings.add(&SECRET, at.within(token.offset), message);
            }
        }
    }
}

/// Whether a variable is called like a secret and holds one, rather than the name of a file.
pub(in crate::lint) fn is_secret(name: &str, value: &str) -> bool {
    const WORDS: [&str; 8] =
        ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "API_KEY", "PRIVATE_KEY"];
    let upper = name.to_ascii_uppercase();
    let file = ["_FILE", "_PATH", "_DIR", "_URL", "_TTL", "_NAME", "_TIMEOUT", "_LENGTH"];
    WORDS.iter().any(|word| upper.contains(word))
        && !file.iter().any(|end| upper.ends_with(end))
        && value.len() > 3
        && !value.starts_with(['/', '%'])
}

/// Whether a line of `Environment=` holds a secret. Then no part of its value is for everybody's eyes.
pub(super) fn holds_secret(value: &str) -> bool {
    tokens(value).iter().any(|token| {
        let text = token.text();
        text.split_once('=').is_some_and(|(name, value)| is_secret(name, value))
    })
}

/// Takes what is secret out of the lines that are shown with the findings.
pub(super) fn hide(findings: &mut [Finding]) {
    for finding in findings {
        let Origin::File { spot: Some(spot), .. } = &mut finding.origin else { continue };
        let Some((key, value)) = spot.text.split_once('=') else { continue };
        if key.trim() == "Environment" && holds_secret(value) {
            let shown = key.chars().count() + 1;
            spot.text = format!("{key}=...");
            spot.column = spot.column.min(shown + 1);
        }
    }
}
