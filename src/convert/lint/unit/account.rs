//! Users and groups: valid names that exist.

use std::ffi::OsStr;

use svcadapt_spec::{Principal, Scope};

use super::token::raw_words;
use super::{UnitLine, UnitView};
use crate::lint::Findings;
use crate::lint::rules::rights::{GROUP, NAME, USER};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    // `scope` reports that a user manager ignores them.
    if unit.service.host.scope == Scope::User {
        return;
    }
    // systemd allocates the user, and a group of the same name.
    let dynamic = unit.is_on("DynamicUser");
    for key in ["User", "Group"] {
        if let Some(at) = unit.last(key) {
            one(unit, &at, key, 0, at.value(), dynamic, findings);
        }
    }
    for at in unit.all("Service", "SupplementaryGroups") {
        for (offset, word) in raw_words(at.value()) {
            one(unit, &at, "SupplementaryGroups", offset, word, false, findings);
        }
    }
}

fn one(
    unit: &UnitView,
    at: &UnitLine,
    key: &str,
    offset: usize,
    written: &str,
    dynamic: bool,
    findings: &mut Findings,
) {
    let Some(name) = unit.resolved(at, written.as_bytes()).and_then(|name| name.into_string().ok()) else {
        return;
    };
    match Principal::parse(OsStr::new(&name)) {
        Err(error) => {
            let message = format!("{key}=: '{}' is not a valid name: {}", name.escape_debug(), error.cause);
            findings.add(&NAME, at.within(offset), message);
        }
        Ok(Principal::Name(_)) if dynamic => {}
        Ok(Principal::Name(_)) if key == "User" => {
            if unit.machine.user(&name).is_missing() {
                findings.add(
                    &USER,
                    at.within(offset),
                    format!("user '{name}' does not exist on this machine"),
                );
            }
        }
        Ok(Principal::Name(_)) => {
            if unit.machine.group(&name).is_missing() {
                findings.add(
                    &GROUP,
                    at.within(offset),
                    format!("group '{name}' does not exist on this machine"),
                );
            }
        }
        Ok(Principal::Id(_)) => {}
    }
}
