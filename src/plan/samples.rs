//! Plans for tests of the rooms that perform them.

use std::path::Path;

use svcadapt_spec::{Field, Scope};

use super::tests::{resolved, spec};
use super::{Plan, Reaper};
use crate::detect::{Detection, Manager, Mode};

/// Plans of every strategy, with every kind of the launcher's steps.
pub(crate) fn plans() -> Vec<Plan> {
    let forking = (Field::Type, "forking");
    let fields: [&[(Field, &str)]; 5] = [
        &[],
        &[forking],
        &[forking, (Field::PidFile, "/run/x.pid")],
        &[(Field::KillSignal, "QUIT")],
        &[(Field::Ready, "notify"), (Field::Ready, "tcp:80"), (Field::NotificationFd, "3")],
    ];
    let hosts = [
        (Mode::Classic, Manager::None),
        (Mode::Supervised, Manager::Systemd),
        (Mode::Supervised, Manager::S6),
        (Mode::Supervised, Manager::Launchd { label: None }),
        (Mode::Supervised, Manager::Container),
    ];
    let mut plans = Vec::new();
    let callers = [(Reaper::Subreaper, true), (Reaper::Subreaper, false), (Reaper::Init, false)];
    for fields in fields {
        for (mode, manager) in hosts.clone() {
            let scope = Scope::System;
            let detection = Detection { mode, manager, scope, evidence: Vec::new() };
            for (orphans, has_notify_socket) in callers {
                let (spec, mut resolved) = (spec(fields), resolved());
                resolved.caller.orphans = orphans;
                if has_notify_socket {
                    resolved.inherited.push(("NOTIFY_SOCKET".into(), "/n".into()));
                }
                // A program that becomes the service in place has no other type than notify.
                if !fields.contains(&forking) {
                    let in_place = Plan::becoming_this_program(&spec, &resolved, &detection);
                    plans.push(in_place.with_reexec(Path::new("/bin/x")));
                }
                plans.push(Plan::new(&spec, &resolved, &detection));
            }
        }
    }
    plans
}
