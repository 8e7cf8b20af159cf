//! The `[Install]` section.

use svcadapt_spec::Scope;

use super::UnitView;
use super::token::raw_words;
use crate::lint::Findings;
use crate::lint::rules::lifecycle::{NO_UNIT, USER_TARGET};

const KEYS: [&str; 5] = ["WantedBy", "RequiredBy", "UpheldBy", "Also", "Alias"];

/// The suffixes of unit names (systemd.unit(5)).
const SUFFIXES: [&str; 11] = [
    ".service",
    ".socket",
    ".target",
    ".timer",
    ".path",
    ".mount",
    ".automount",
    ".swap",
    ".slice",
    ".scope",
    ".device",
];

/// Targets that only the system manager has (systemd.special(7)).
pub(super) const SYSTEM_TARGETS: [&str; 17] = [
    "emergency.target",
    "getty.target",
    "graphical.target",
    "initrd.target",
    "local-fs.target",
    "multi-user.target",
    "network-online.target",
    "network-pre.target",
    "network.target",
    "remote-fs.target",
    "rescue.target",
    "runlevel2.target",
    "runlevel3.target",
    "runlevel4.target",
    "runlevel5.target",
    "swap.target",
    "sysinit.target",
];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for key in KEYS {
        for at in unit.all("Install", key) {
            for (offset, word) in raw_words(at.value()) {
                if findings.is_full() {
                    return;
                }
                if !is_unit(word) {
                    let message = format!("{key}=: '{}' is not the name of a unit", word.escape_debug());
                    findings.add(&NO_UNIT, at.within(offset), message);
                } else if unit.service.host.scope == Scope::User
                    && key.ends_with("By")
                    && SYSTEM_TARGETS.contains(&word)
                {
                    let message = format!("{key}=: a user manager has no {word}");
                    findings.add(&USER_TARGET, at.within(offset), message);
                }
            }
        }
    }
}

/// Whether a word can be the name of a unit. A specifier can be any part of it but the suffix.
pub(super) fn is_unit(word: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@%".contains(c);
    let suffix = SUFFIXES.iter().any(|suffix| word.len() > suffix.len() && word.ends_with(suffix));
    suffix && word.len() <= 255 && word.chars().all(is_allowed)
}
