//! Start, reload and stop of the service.

use svcadapt_spec::boolean;

use super::UnitView;
use crate::divide::NOTIFY_RELOAD;
use crate::lint::Findings;
use crate::lint::rules::lifecycle::{FORKING, KILL_NONE, ONESHOT, RELOAD, RELOAD_OLD, SEVERAL};
use crate::unit::commands;

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let type_line = unit.last("Type");
    let kind = type_line.map_or("", |at| at.value());
    let starts = unit.all("Service", "ExecStart");
    // Without Type= and BusName=, a unit with ExecStart= is simple.
    let oneshot = kind == "oneshot";
    let mut count = 0;
    for at in &starts {
        let read = commands(at.value(), &unit.service.name, &at.file.path);
        count += read.map_or(1, |read| read.commands.len());
        if count > 1 && !oneshot {
            findings.add(&SEVERAL, at.origin(), "only Type=oneshot can have more than one ExecStart=");
            break;
        }
    }
    if let Some(at) =
        unit.last("Restart").filter(|at| oneshot && ["always", "on-success"].contains(&at.value()))
    {
        findings.add(&ONESHOT, at.origin(), format!("Type=oneshot excludes Restart={}", at.value()));
    }
    if let Some(at) = type_line {
        let guesses = unit.last("GuessMainPID").is_none_or(|at| boolean(at.value()) != Some(false));
        if kind == "forking" && unit.last("PIDFile").is_none() && guesses {
            findings.add(&FORKING, at.origin(), "systemd has to guess the main process");
        }
        if kind == "notify-reload" {
            let version = unit.service.host.version;
            if version.has(NOTIFY_RELOAD) {
                findings.add(&RELOAD, at.origin(), "program must handle SIGHUP before it is ready");
            } else {
                let message =
                    format!("systemd {version} does not know Type=notify-reload: the type becomes simple");
                findings.add(&RELOAD_OLD, at.origin(), message);
            }
        }
    }
    if let Some(at) = unit.last("KillMode").filter(|at| at.value() == "none") {
        findings.add(&KILL_NONE, at.origin(), "processes of the service keep running after the stop");
    }
}
