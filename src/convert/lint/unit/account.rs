//! Users and groups: whether they are names, and whether they are there.

use std::ffi::OsStr;

use svcadapt_spec::{Principal, Scope};

use super::token::raw_words;
use super::{At, Unit};
use crate::lint::Findings;
use crate::lint::rules::rights::{GROUP, NAME, USER};

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    // A user's manager takes none, which another finder tells.
    if unit.service.host.scope == Scope::User {
        return;
    }
    // systemd makes the user up, and a group of the same name.
    let dynamic = unit.says("DynamicUser");
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
    unit: &Unit,
    at: &At,
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
        Err(refusal) => {
            let message = format!("{key}=: '{}' is no name: {}", name.escape_debug(), refusal.cause);
            findings.add(&NAME, at.within(offset), message);
        }
        Ok(Principal::Name(_)) if dynamic => {}
        Ok(Principal::Name(_)) if key == "User" => {
            if unit.machine.user(&name).missing() {
                findings.add(&USER, at.within(offset), format!("there is no user '{name}' here"));
            }
        }
        Ok(Principal::Name(_)) => {
            if unit.machine.group(&name).missing() {
                findings.add(&GROUP, at.within(offset), format!("there is no group '{name}' here"));
            }
        }
        Ok(Principal::Id(_)) => {}
    }
}
