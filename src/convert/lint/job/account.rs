//! Whom the job runs as.

use svcadapt_spec::Scope;

use super::View;
use crate::lint::Findings;
use crate::lint::rules::key::{AGENT_USER, USER_MISSING, USER_NUMBER};

pub(super) fn find(view: &View, findings: &mut Findings) {
    for key in ["UserName", "GroupName", "InitGroups"] {
        let Some(node) = view.node(key) else { continue };
        if view.scope == Scope::User {
            findings.add(&AGENT_USER, view.origin(node), format!("{key} does nothing in an agent"));
            continue;
        }
        let Some(name) = node.text() else { continue };
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            findings.add(
                &USER_NUMBER,
                view.origin(node),
                format!("{key} takes a name, and '{name}' is a number"),
            );
        } else if view.machine.has_launchd() {
            let missing = match key {
                "UserName" => view.machine.user(name).missing(),
                _ => view.machine.group(name).missing(),
            };
            if missing {
                let message = format!("{key}: there is no '{}' here", name.escape_debug());
                findings.add(&USER_MISSING, view.origin(node), message);
            }
        }
    }
}
