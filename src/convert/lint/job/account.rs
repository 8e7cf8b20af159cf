//! The user and the groups of the job.

use svcadapt_spec::Scope;

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::rules::key::{AGENT_USER, USER_MISSING, USER_NUMBER};

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    for key in ["UserName", "GroupName", "InitGroups"] {
        let Some(node) = view.node(key) else { continue };
        if view.scope == Scope::User {
            findings.add(&AGENT_USER, view.origin(node), format!("{key} has no effect in an agent"));
            continue;
        }
        let Some(name) = node.text() else { continue };
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            findings.add(
                &USER_NUMBER,
                view.origin(node),
                format!("{key} takes a name, but '{name}' is a number"),
            );
        } else if view.machine.has_launchd() {
            let missing = match key {
                "UserName" => view.machine.user(name).is_missing(),
                _ => view.machine.group(name).is_missing(),
            };
            if missing {
                let message = format!("{key}: '{}' does not exist on this machine", name.escape_debug());
                findings.add(&USER_MISSING, view.origin(node), message);
            }
        }
    }
}
