//! Dependencies on other units: valid names, existing targets, and a missing order.

use svcadapt_spec::Scope;

use super::install::{SYSTEM_TARGETS, is_unit};
use super::token::raw_words;
use super::unit_paths::unit_paths;
use super::{UnitLine, UnitView};
use crate::directive::NAMES_OF_UNITS;
use crate::directive::nearest_of;
use crate::lint::rules::lifecycle::{NO_DEPENDENCY, NO_TARGET, NOT_OF_USER, ONLINE, ORDER};
use crate::lint::{Findings, Severity};

/// Directives of `[Install]` that name units.
const INSTALL: [&str; 3] = ["WantedBy", "RequiredBy", "UpheldBy"];

/// Well-known targets (systemd.special(7)).
const TARGETS: [&str; 24] = [
    "basic.target",
    "bluetooth.target",
    "default.target",
    "final.target",
    "getty.target",
    "graphical-session.target",
    "graphical.target",
    "local-fs-pre.target",
    "local-fs.target",
    "multi-user.target",
    "network-online.target",
    "network-pre.target",
    "network.target",
    "nss-lookup.target",
    "nss-user-lookup.target",
    "paths.target",
    "remote-fs-pre.target",
    "remote-fs.target",
    "shutdown.target",
    "sockets.target",
    "sysinit.target",
    "time-set.target",
    "time-sync.target",
    "timers.target",
];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let names_units = |key: &str| NAMES_OF_UNITS.contains(&key) || INSTALL.contains(&key);
    for at in unit.lines().filter(|at| ["Unit", "Install"].contains(&at.section()) && names_units(at.key())) {
        for (offset, word) in raw_words(at.value()) {
            if findings.is_full() {
                return;
            }
            one(unit, &at, offset, word, findings);
        }
    }
    online(unit, findings);
    order(unit, findings);
}

fn one(unit: &UnitView, at: &UnitLine, offset: usize, word: &str, findings: &mut Findings) {
    let key = at.key();
    // A specifier may include the suffix, as %n does.
    let name = unit.resolved(at, word.as_bytes()).and_then(|name| name.into_string().ok());
    let is_valid = name.is_none_or(|name| is_unit(&name)) || word.contains(['"', '\'']);
    if at.section() == "Unit" && !is_valid {
        let message = format!("{key}=: '{}' is not the name of a unit", word.escape_debug());
        return findings.add(&NO_DEPENDENCY, at.within(offset), message);
    }
    let user = unit.service.host.scope == Scope::User;
    if user
        && at.section() == "Unit"
        && SYSTEM_TARGETS.contains(&word)
        && !["Before", "Conflicts"].contains(&key)
    {
        let needs = ["Requires", "Requisite", "BindsTo"].contains(&key);
        let severity = if needs { Severity::Warning } else { Severity::Note };
        let message = format!("{key}=: a user manager has no {word}");
        return findings.add_with_severity(severity, &NOT_OF_USER, at.within(offset), message);
    }
    let is_unknown = word.ends_with(".target") && !TARGETS.contains(&word) && !SYSTEM_TARGETS.contains(&word);
    if !is_unknown || word.contains('%') {
        return;
    }
    let known = unit_paths(at.file, word).iter().any(|path| unit.machine.inode(path).found().is_some());
    if let Some(meant) = nearest_of(TARGETS.into_iter(), word).filter(|_| !known) {
        let message = format!("{key}=: systemd has no target {}", word.escape_debug());
        findings.add_with_hint(&NO_TARGET, at.within(offset), message, format!("did you mean {meant}?"));
    }
}

/// The words of some directives of `[Unit]`, each with its place.
fn words<'a>(unit: &UnitView<'a>, keys: &[&str]) -> Vec<(UnitLine<'a>, usize, &'a str)> {
    let all = keys.iter().flat_map(|key| unit.all("Unit", key));
    all.flat_map(|at| raw_words(at.value()).into_iter().map(move |(offset, word)| (at, offset, word)))
        .collect()
}

fn online(unit: &UnitView, findings: &mut Findings) {
    const NET: &str = "network-online.target";
    let pulled = words(unit, &["Wants", "Requires", "BindsTo", "Upholds", "Requisite"]);
    if unit.service.host.scope == Scope::User || pulled.iter().any(|(.., word)| *word == NET) {
        return;
    }
    if let Some((at, offset, _)) = words(unit, &["After"]).into_iter().find(|(.., word)| *word == NET) {
        findings.add(&ONLINE, at.within(offset), format!("no directive of this unit starts {NET}"));
    }
}

fn order(unit: &UnitView, findings: &mut Findings) {
    let ordered = words(unit, &["After", "Before"]);
    for (at, offset, word) in words(unit, &["Requires", "BindsTo"]) {
        let service = word.ends_with(".service") && is_unit(word);
        if service && !ordered.iter().any(|(.., other)| *other == word) {
            let message = format!("{}= without an order starts {word} at the same time", at.key());
            findings.add_with_hint(&ORDER, at.within(offset), message, format!("add After={word}"));
        }
    }
}
