//! Secrets in a world-readable file. They are never printed.

use svcadapt_spec::Origin;

use super::UnitView;
use super::token::tokens;
use crate::lint::rules::file::SECRET;
use crate::lint::{Finding, Findings, Lookup};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.all("Service", "Environment") {
        let is_private =
            matches!(unit.machine.inode(&at.file.path), Lookup::Found(inode) if inode.mode & 0o004 == 0);
        if is_private {
            continue;
        }
        for token in tokens(at.value()) {
            let text = token.text();
            let Some((name, value)) = text.split_once('=') else { continue };
            if is_secret(name, value) {
                let message = format!("{name} is set in a world-readable file");
                findings.add(&SECRET, at.within(token.offset), message);
            }
        }
    }
}

/// Whether the name of a variable is one of a secret, and the value is not the name of a file.
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

/// Whether a value of `Environment=` contains a secret. Then no part of it is printed.
pub(super) fn holds_secret(value: &str) -> bool {
    tokens(value).iter().any(|token| {
        let text = token.text();
        text.split_once('=').is_some_and(|(name, value)| is_secret(name, value))
    })
}

/// Removes secrets from the lines that are printed with the findings.
pub(super) fn hide(findings: &mut [Finding]) {
    for finding in findings {
        let Origin::File { spot: Some(spot), .. } = &mut finding.origin else { continue };
        let Some((key, value)) = spot.text.split_once('=') else { continue };
        if key.trim() == "Environment" && holds_secret(value) {
            let visible = key.chars().count() + 1;
            spot.text = format!("{key}=...");
            spot.column = spot.column.min(visible + 1);
        }
    }
}
