//! How the service starts, reloads and stops.

use svcadapt_spec::boolean;

use super::Unit;
use crate::divide::NOTIFY_RELOAD;
use crate::lint::Findings;
use crate::lint::rules::life::{FORKING, KILL_NONE, ONESHOT, RELOAD, RELOAD_OLD, SEVERAL};
use crate::unit::commands;

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let said = unit.last("Type");
    let kind = said.map_or("", |at| at.value());
    let starts = unit.all("Service", "ExecStart");
    // Without a type and without a bus name, ExecStart= makes it simple.
    let oneshot = kind == "oneshot";
    let mut count = 0;
    for at in &starts {
        let read = commands(at.value(), &unit.service.name, &at.file.path);
        count += read.map_or(1, |read| read.commands.len());
        if count > 1 && !oneshot {
            findings.add(&SEVERAL, at.origin(), "only Type=oneshot has more than one ExecStart=");
            break;
        }
    }
    if let Some(at) =
        unit.last("Restart").filter(|at| oneshot && ["always", "on-success"].contains(&at.value()))
    {
        findings.add(&ONESHOT, at.origin(), format!("Type=oneshot cannot be with Restart={}", at.value()));
    }
    if let Some(at) = said {
        let guesses = unit.last("GuessMainPID").is_none_or(|at| boolean(at.value()) != Some(false));
        if kind == "forking" && unit.last("PIDFile").is_none() && guesses {
            findings.add(&FORKING, at.origin(), "systemd has to guess the main process");
        }
        if kind == "notify-reload" {
            let version = unit.service.host.version;
            if version.has(NOTIFY_RELOAD) {
                findings.add(&RELOAD, at.origin(), "the program has to handle SIGHUP before it is ready");
            } else {
                let message =
                    format!("systemd {version} does not know this type: the service becomes simple");
                findings.add(&RELOAD_OLD, at.origin(), message);
            }
        }
    }
    if let Some(at) = unit.last("KillMode").filter(|at| at.value() == "none") {
        findings.add(&KILL_NONE, at.origin(), "what the service has started is left running");
    }
}
