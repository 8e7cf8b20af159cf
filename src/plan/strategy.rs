//! How this process and the program's come to be two, or stay one.

use svcadapt_spec::{ServiceSpec, ServiceType, SignalName};

use super::Resolution;
use crate::detect::{Detection, Manager, Mode};

/// The way to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Fork twice, and leave when the service is ready.
    Daemonize,
    /// Become the program.
    Exec,
    /// Fork once; when the program has forked itself into the background and the service is ready, tell the manager
    /// which process is the main one, and leave.
    ReportMainPid,
    /// Fork once, and stay for as long as the program runs, because the manager wants its child to.
    Monitor,
    /// The same as process 1: reap orphans and pass signals on.
    Init,
}

impl Strategy {
    /// A process stays only where one is needed: for a program that forks itself away from a manager that follows
    /// nobody but its child, and for signals that the manager cannot send.
    pub(super) fn of(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Self {
        let forking = spec.service_type == Some(ServiceType::Forking);
        // systemd believes MAINPID= (sd_notify(3)) where it listens.
        let listens = || resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET");
        match (detection.mode, &detection.manager) {
            (Mode::Classic, _) => Self::Daemonize,
            (Mode::Supervised, Manager::Container) => Self::Init,
            (Mode::Supervised, Manager::Systemd)
                if forking && spec.notification_fd.is_none() && listens() =>
            {
                Self::ReportMainPid
            }
            (Mode::Supervised, _) if forking || !translated_signals(spec, detection).is_empty() => {
                Self::Monitor
            }
            (Mode::Supervised, _) => Self::Exec,
        }
    }
}

/// Whether signals reach the program through us, so that one can come as another. systemd sends the right ones itself.
pub fn forwards_signals(detection: &Detection) -> bool {
    detection.mode == Mode::Supervised && detection.manager != Manager::Systemd
}

/// The signals that are passed on as others, because whoever stands above knows only these.
pub(super) fn translated_signals(spec: &ServiceSpec, detection: &Detection) -> Vec<(SignalName, SignalName)> {
    if !forwards_signals(detection) {
        return Vec::new();
    }
    let mut all = Vec::new();
    if let Some(stop) = spec.kill_signal {
        all.push((SignalName::TERM, stop));
        // What a terminal sends to a container that is run in its foreground.
        if detection.manager == Manager::Container {
            all.push((SignalName::INT, stop));
        }
    }
    all.extend(spec.reload_signal.map(|reload| (SignalName::HUP, reload)));
    all.retain(|(from, to)| from != to);
    all
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Scope};

    use super::*;
    use crate::plan::tests::{resolved, spec};
    use crate::plan::{Plan, Step};

    fn plan(fields: &[(Field, &str)], manager: Manager, socket: bool) -> Plan {
        let mut resolved = resolved();
        if socket {
            resolved.inherited.push(("NOTIFY_SOCKET".into(), "/n".into()));
        }
        let mode = Mode::Supervised;
        Plan::new(
            &spec(fields),
            &resolved,
            &Detection { mode, manager, scope: Scope::System, evidence: vec![] },
        )
    }

    const FORKING: (Field, &str) = (Field::Type, "forking");
    const QUIT: (Field, &str) = (Field::KillSignal, "QUIT");

    #[test]
    fn a_process_stays_only_where_the_manager_needs_it() {
        for (fields, manager, socket, strategy) in [
            (&[FORKING][..], Manager::Systemd, true, Strategy::ReportMainPid),
            (&[FORKING], Manager::Systemd, false, Strategy::Monitor),
            (&[FORKING], Manager::S6, false, Strategy::Monitor),
            (&[FORKING], Manager::Container, true, Strategy::Init),
            (&[QUIT], Manager::Systemd, true, Strategy::Exec),
            (&[QUIT], Manager::Runit, false, Strategy::Monitor),
            (&[(Field::KillSignal, "TERM")], Manager::Runit, false, Strategy::Exec),
            (&[(Field::ReloadSignal, "USR1")], Manager::Launchd { label: None }, false, Strategy::Monitor),
            (&[(Field::ReloadSignal, "HUP")], Manager::S6, false, Strategy::Exec),
            (&[], Manager::S6, false, Strategy::Exec),
        ] {
            assert_eq!(plan(fields, manager.clone(), socket).strategy, strategy, "{fields:?} {manager:?}");
        }
    }

    #[test]
    fn a_plan_says_what_comes_after_the_program_was_executed() {
        let last = |plan: Plan| {
            let at = plan.steps.iter().position(|planned| matches!(planned.step, Step::Execute(_))).unwrap();
            plan.steps[at + 1..].iter().map(|planned| planned.step.to_string()).collect::<Vec<_>>()
        };
        let fields = [FORKING, (Field::PidFile, "/run/x.pid")];
        assert_eq!(last(plan(&fields, Manager::Systemd, true)), ["main process /run/x.pid", "hand over"]);
        assert_eq!(
            last(plan(&[FORKING, QUIT], Manager::S6, false)),
            ["main process the only one left", "monitor SIGTERM as SIGQUIT"]
        );
        let signals = [QUIT, (Field::ReloadSignal, "USR1")];
        let expected = ["monitor SIGTERM as SIGQUIT, SIGINT as SIGQUIT, SIGHUP as SIGUSR1"];
        assert_eq!(last(plan(&signals, Manager::Container, false)), expected);
        assert_eq!(last(plan(&[QUIT], Manager::Systemd, false)), [""; 0]);
        let tied = |fields, manager| {
            plan(fields, manager, false).steps.iter().any(|p| p.step == Step::EndWithMonitor)
        };
        assert!(tied(&[QUIT], Manager::S6));
        // launchd sees to it, and of a program that forks itself away nobody would have it.
        assert!(!tied(&[QUIT], Manager::Launchd { label: None }) && !tied(&[QUIT, FORKING], Manager::S6));
    }
}
