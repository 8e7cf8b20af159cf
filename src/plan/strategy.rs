//! The start strategy: which process becomes the program, and which stays.

use svcadapt_spec::{ServiceSpec, ServiceType, SignalName};

use super::life::{daemon_fields, leaves_files, life_fields};
use super::{Ending, Resolution, SocketSource};
use crate::detect::{Detection, Manager, Mode};

/// How the program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Fork twice, and exit when the service is ready (daemon(7)).
    Daemonize,
    /// Fork twice, into a process that starts the program as its child and stays until the service has ended; exit when it
    /// is ready.
    DaemonMonitor,
    /// Execute the program in this process.
    Exec,
    /// Fork once; when the program has forked itself into the background and the service is ready, report the main process
    /// to the manager (`MAINPID=`), and exit.
    ReportMainPid,
    /// Fork once, and stay while the program runs, because the manager watches its own child only.
    Monitor,
    /// Like `Monitor`, as process 1 of a container: reap orphans and forward signals.
    Init,
}

impl Strategy {
    /// A monitor stays only if it is needed: for what the spec asks for after the start and the host does not do; for a
    /// forking program under a manager that watches only its own child; for signals that the manager cannot send.
    pub(super) fn of(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection, end: Ending) -> Self {
        // A program that becomes the service in place starts itself.
        // A restart gives the program the same sockets, so that it loses no client: a process holds them meanwhile.
        let holds = !spec.sockets.listen.is_empty()
            && SocketSource::of(spec, resolved, detection) == SocketSource::Own;
        let lives = end == Ending::Exec && (holds || !life_fields(spec).is_empty());
        let stays = end == Ending::Exec && (holds || !daemon_fields(spec).is_empty());
        let forking = spec.service_type == Some(ServiceType::Forking);
        // systemd accepts MAINPID= (sd_notify(3)) if it has set NOTIFY_SOCKET.
        let listens = || resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET");
        // Where the manager hears of no readiness, and there is a record to ask, a process watches the probes, records the
        // result, and ends what is not ready in time.
        let watches = end == Ending::Exec
            && resolved.lock.is_some()
            && !spec.ready.is_empty()
            && spec.notification_fd.is_none()
            && !listens();
        match (detection.mode, &detection.manager) {
            (Mode::Classic, _) if stays => Self::DaemonMonitor,
            (Mode::Classic, _) => Self::Daemonize,
            (Mode::Supervised, Manager::Container) => Self::Init,
            (Mode::Supervised, Manager::Systemd)
                if forking
                    && spec.notification_fd.is_none()
                    && spec.watchdog_probe.is_none()
                    && listens() =>
            {
                Self::ReportMainPid
            }
            (Mode::Supervised, manager)
                if (lives || watches || end == Ending::Exec && leaves_files(spec))
                    && *manager != Manager::Systemd =>
            {
                Self::Monitor
            }
            (Mode::Supervised, _) if forking || !translated_signals(spec, detection).is_empty() => {
                Self::Monitor
            }
            (Mode::Supervised, _) => Self::Exec,
        }
    }
}

impl Strategy {
    /// The mode that it belongs to.
    pub fn mode(self) -> Mode {
        match self {
            Self::Daemonize | Self::DaemonMonitor => Mode::Classic,
            Self::Exec | Self::ReportMainPid | Self::Monitor | Self::Init => Mode::Supervised,
        }
    }

    /// Whether the process that becomes the program stores the spec: for a restart, which below a manager is the manager's,
    /// and for the signal by which the program opens its log again.
    pub fn stores_spec(self, spec: &ServiceSpec) -> bool {
        match self {
            Self::Daemonize => true,
            Self::Exec => spec.log_file.reopen_signal.is_some(),
            Self::DaemonMonitor | Self::ReportMainPid | Self::Monitor | Self::Init => false,
        }
    }

    /// Whether a process of svcadapt stays with the service until its end.
    pub fn stays(self) -> bool {
        match self {
            Self::DaemonMonitor | Self::Monitor | Self::Init => true,
            Self::Daemonize | Self::Exec | Self::ReportMainPid => false,
        }
    }
}

/// Whether the launcher forwards signals and can translate them. Under systemd it does not: systemd sends the configured
/// signals itself.
pub fn forwards_signals(detection: &Detection) -> bool {
    detection.mode == Mode::Supervised && detection.manager != Manager::Systemd
}

/// The signals to translate: a manager without `KillSignal=` sends SIGTERM, and SIGHUP for a reload.
pub(super) fn translated_signals(spec: &ServiceSpec, detection: &Detection) -> Vec<(SignalName, SignalName)> {
    if !forwards_signals(detection) {
        return Vec::new();
    }
    let mut all = Vec::new();
    if let Some(stop) = spec.kill_signal {
        all.push((SignalName::TERM, stop));
        // The interrupt key of a terminal, in a container that runs in the foreground.
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
    use svcadapt_spec::{DirectoryKind, Field, Scope};

    use super::*;
    use crate::plan::tests::{resolved, spec};
    use crate::plan::{Plan, SetupStep, Step};

    fn plan(fields: &[(Field, &str)], manager: Manager, socket: bool) -> Plan {
        planned(fields, manager, socket, resolved())
    }

    fn planned(fields: &[(Field, &str)], manager: Manager, socket: bool, mut resolved: Resolution) -> Plan {
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
    const PROBE: (Field, &str) = (Field::Ready, "tcp:80");
    const QUIT: (Field, &str) = (Field::KillSignal, "QUIT");
    const RUNTIME: (Field, &str) = (Field::Directory(DirectoryKind::Runtime), "x");

    #[test]
    fn monitor_stays_only_under_a_manager_that_needs_it() {
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
            // It removes what goes with the service.
            (&[(Field::PidFile, "/run/x.pid")], Manager::S6, false, Strategy::Monitor),
            (&[(Field::PidFile, "/run/x.pid")], Manager::Systemd, false, Strategy::Exec),
            (&[RUNTIME], Manager::Runit, false, Strategy::Monitor),
            (&[RUNTIME, (Field::RuntimeDirectoryPreserve, "yes")], Manager::Runit, false, Strategy::Exec),
            // Who hears of the readiness needs no process that watches it.
            (&[PROBE], Manager::Runit, false, Strategy::Monitor),
            (&[PROBE], Manager::Launchd { label: None }, false, Strategy::Monitor),
            (&[PROBE], Manager::Runit, true, Strategy::Exec),
            (&[PROBE, (Field::NotificationFd, "3")], Manager::S6, false, Strategy::Exec),
            (&[PROBE], Manager::Systemd, false, Strategy::Exec),
        ] {
            assert_eq!(plan(fields, manager.clone(), socket).strategy, strategy, "{fields:?} {manager:?}");
        }
    }

    #[test]
    fn probes_of_a_service_without_a_record_are_not_watched() {
        let resolved = Resolution { lock: None, ..resolved() };
        assert_eq!(planned(&[PROBE], Manager::Runit, false, resolved).strategy, Strategy::Exec);
    }

    #[test]
    fn plan_lists_the_steps_after_the_exec() {
        let last = |plan: Plan| {
            let exec = |step: &Step| matches!(step, Step::Service(SetupStep::Execute(_)));
            let at = plan.steps.iter().position(exec).unwrap();
            plan.steps[at + 1..].iter().map(|step| step.label().to_string()).collect::<Vec<_>>()
        };
        let fields = [FORKING, (Field::PidFile, "/run/x.pid")];
        assert_eq!(
            last(plan(&fields, Manager::Systemd, true)),
            ["main process /run/x.pid", "report main process"]
        );
        assert_eq!(
            last(plan(&[FORKING, QUIT], Manager::S6, false)),
            ["main process the only process left", "monitor SIGTERM as SIGQUIT"]
        );
        let signals = [QUIT, (Field::ReloadSignal, "USR1")];
        let expected = ["monitor SIGTERM as SIGQUIT, SIGINT as SIGQUIT, SIGHUP as SIGUSR1"];
        assert_eq!(last(plan(&signals, Manager::Container, false)), expected);
        assert_eq!(last(plan(&[QUIT], Manager::Systemd, false)), [""; 0]);
        let tied = |fields, manager| {
            plan(fields, manager, false).setup_steps().any(|step| *step == SetupStep::EndWithMonitor)
        };
        assert!(tied(&[QUIT], Manager::S6));
        // launchd kills the rest of a job itself, and children of a forking program do not inherit the death signal.
        assert!(!tied(&[QUIT], Manager::Launchd { label: None }) && !tied(&[QUIT, FORKING], Manager::S6));
    }
}
