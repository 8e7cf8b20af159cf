//! Directives that need rights that a user manager does not have.

use svcadapt_spec::{Scope, boolean};

use super::UnitView;
use crate::directive::{Section, directive};
use crate::lint::Findings;
use crate::lint::rules::rights::NEEDS_ROOT;

/// Directives that need these rights in every case.
const IDENTITY: [&str; 3] = ["User", "Group", "SupplementaryGroups"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    if unit.service.host.scope != Scope::User {
        return;
    }
    // A service in its own user namespace may mount file systems (systemd.exec(5), "Sandboxing").
    let can_mount = unit.is_on("PrivateUsers");
    for at in unit.lines().filter(|at| at.section() == "Service") {
        let version = unit.service.host.version;
        let needs_root = directive(Section::Service, at.key()).is_some_and(|row| !row.user_manager(version));
        let is_off = at.value().is_empty() || boolean(at.value()) == Some(false);
        if (needs_root && !can_mount || IDENTITY.contains(&at.key())) && !is_off {
            let message = format!("{}= needs rights that a user manager does not have", at.key());
            findings.add(&NEEDS_ROOT, at.origin(), message);
        }
    }
}
