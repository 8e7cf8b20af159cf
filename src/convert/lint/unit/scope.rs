//! What a user's manager has not the rights for.

use svcadapt_spec::{Scope, boolean};

use super::Unit;
use crate::directive::{Section, directive};
use crate::lint::Findings;
use crate::lint::rules::rights::NEEDS_ROOT;

/// These need rights whatever else is said.
const IDENTITY: [&str; 3] = ["User", "Group", "SupplementaryGroups"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    if unit.service.host.scope != Scope::User {
        return;
    }
    // In a user namespace of its own a service may mount as it likes (systemd.exec(5), "Sandboxing").
    let mounts = unit.says("PrivateUsers");
    for at in unit.lines().filter(|at| at.section() == "Service") {
        let version = unit.service.host.version;
        let wants = directive(Section::Service, at.key()).is_some_and(|row| !row.user_manager(version));
        let nothing = at.value().is_empty() || boolean(at.value()) == Some(false);
        if (wants && !mounts || IDENTITY.contains(&at.key())) && !nothing {
            let message = format!("{}= needs rights that a user's manager has not", at.key());
            findings.add(&NEEDS_ROOT, at.origin(), message);
        }
    }
}
