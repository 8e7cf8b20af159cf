//! Builds the list of steps. The module documentation of `plan` gives the reasons for the order.

mod descriptors;

use std::path::{Path, PathBuf};

use svcadapt_spec::{
    DirectoryKind, FileMode, Input, Limit, LimitValue, Probe, Resource, ServiceSpec, ServiceType,
    SocketMoment,
};

use super::life::store_size;
use super::strategy::translated_signals;
use super::{
    DirectoryPlace, Ending, LaunchStep, Reaper, Resolution, SetupStep, SocketSource, StartedBy, Step,
    Strategy, group_steps, process_settings, scheduling, streams,
};
use crate::detect::{Detection, Manager, Mode};

/// The steps of a start, in order.
pub(super) fn steps(
    spec: &ServiceSpec,
    resolved: &Resolution,
    detection: &Detection,
    started_by: StartedBy,
    strategy: Strategy,
    end: Ending,
    listening: SocketSource,
) -> Vec<Step> {
    let (mode, alone) = (detection.mode, !strategy.stays());
    let mut draft =
        StepList { spec, resolved, mode, started_by, strategy, end, listening, alone, steps: Vec::new() };
    draft.launch(detection, strategy);
    match end {
        Ending::Exec => draft.until_exec(detection, strategy),
        // Privilege drops come last, so that a program can do them later.
        Ending::Return => {
            draft.service(SetupStep::InheritedSignals);
            draft.service(SetupStep::Environment);
            draft.streams_and_files();
            draft.limits();
            draft.umask();
            let kept = draft.open_descriptors();
            draft.service(SetupStep::InheritedDescriptors(kept));
            draft.root();
            draft.identity();
            draft.end_with_monitor(detection, strategy);
            draft.working_directory();
        }
    }
    draft.after_exec(detection, strategy);
    draft.steps
}

/// The steps of a command of the service, in order: those of the program's process.
pub(super) fn command_steps(
    spec: &ServiceSpec,
    resolved: &Resolution,
    detection: &Detection,
    started_by: StartedBy,
) -> Vec<Step> {
    let (mode, strategy, end) = (detection.mode, Strategy::Exec, Ending::Exec);
    let (listening, alone) = (SocketSource::Program, false);
    let mut draft =
        StepList { spec, resolved, mode, started_by, strategy, end, listening, alone, steps: Vec::new() };
    draft.service(SetupStep::NewSession);
    // Its parent is the monitor, with which it ends.
    draft.until_exec(detection, Strategy::Monitor);
    draft.steps.into_iter().map(group_steps::of_command).collect()
}

struct StepList<'a> {
    spec: &'a ServiceSpec,
    resolved: &'a Resolution,
    mode: Mode,
    started_by: StartedBy,
    strategy: Strategy,
    end: Ending,
    listening: SocketSource,
    /// Whether no other process of the service performs steps.
    alone: bool,
    steps: Vec<Step>,
}

impl StepList<'_> {
    fn launcher(&mut self, step: LaunchStep) {
        self.steps.push(Step::Launcher(step));
    }

    fn service(&mut self, step: SetupStep) {
        self.steps.push(Step::Service(step));
    }

    /// Adds a step, performed by the host if it is done already, else by the service process.
    fn by_host_if(&mut self, done: bool, step: SetupStep) {
        self.steps.push(if done { Step::Host(step) } else { Step::Service(step) });
    }

    fn is_unmanaged(&self) -> bool {
        self.started_by == StartedBy::Nobody
    }

    /// The steps of the process that executes a program.
    fn until_exec(&mut self, detection: &Detection, strategy: Strategy) {
        self.service(SetupStep::ResetSignals);
        self.steps.extend(process_settings::of_signals(&self.spec.process).map(Step::Service));
        self.streams_and_files();
        self.root();
        self.identity();
        self.end_with_monitor(detection, strategy);
        self.umask();
        self.working_directory();
        let kept = self.open_descriptors();
        self.service(SetupStep::Descriptors(kept));
        self.service(SetupStep::Execute(self.resolved.program.clone()));
    }

    /// Whether the process that was started holds the lock: it stays, or the first process of the program exits.
    fn launcher_locks(&self) -> bool {
        self.forking() || self.strategy.stays() && self.end == Ending::Exec
    }

    fn forking(&self) -> bool {
        self.spec.service_type == Some(ServiceType::Forking)
    }

    fn launch(&mut self, detection: &Detection, strategy: Strategy) {
        // systemd has checked those of its unit.
        let checked = detection.mode == Mode::Supervised && detection.manager == Manager::Systemd;
        if self.end == Ending::Exec && !checked {
            let conditions = self.spec.conditions.iter().map(|condition| format!("Condition{condition}"));
            let assertions = self.spec.assertions.iter().map(|assertion| format!("Assert{assertion}"));
            let all: Vec<String> = conditions.chain(assertions).collect();
            if !all.is_empty() {
                self.launcher(LaunchStep::Conditions(all));
            }
        }
        self.steps.extend(group_steps::before_fork(self.resolved));
        let hears = self.spec.watchdog.is_some() || store_size(self.spec) > 0;
        if (self.spec.ready.contains(&Probe::Notify) || hears && strategy.stays()) && self.listens() {
            self.launcher(LaunchStep::NotifySocket);
        }
        let launchd = matches!(detection.manager, Manager::Launchd { .. });
        // launchd and process 1 adopt all orphans themselves.
        let adopts = self.resolved.caller.orphans == Reaper::Subreaper;
        let adopting = matches!(
            strategy,
            Strategy::Daemonize | Strategy::DaemonMonitor | Strategy::ReportMainPid | Strategy::Monitor
        );
        if adopting && adopts && !launchd {
            self.launcher(LaunchStep::AdoptOrphans);
        }
        if strategy == Strategy::Daemonize && !adopts {
            self.launcher(LaunchStep::KeepIntermediate);
        }
        if self.launcher_locks()
            && let Some((path, descriptor)) = self.lock()
        {
            self.launcher(LaunchStep::Lock { path, descriptor });
        }
        self.steps.extend(group_steps::in_launcher(self.resolved).filter(|_| self.launcher_locks()));
        if self.monitor_listens() {
            self.socket_commands(SocketMoment::StartPre);
            for socket in &self.spec.sockets.listen {
                self.launcher(LaunchStep::Listen(socket.clone()));
            }
            self.socket_commands(SocketMoment::StartPost);
        }
        match strategy {
            Strategy::Daemonize => {
                self.launcher(LaunchStep::Fork);
                self.launcher(LaunchStep::NewSession);
                self.launcher(LaunchStep::ForkAgain);
                // Only the leader of a session can take a terminal.
                if matches!(self.spec.standard_input, Some(Input::Terminal(_))) {
                    self.service(SetupStep::NewSession);
                }
            }
            Strategy::DaemonMonitor => {
                self.launcher(LaunchStep::Fork);
                self.launcher(LaunchStep::NewSession);
                self.launcher(LaunchStep::ForkAgain);
                self.service(SetupStep::NewSession);
            }
            Strategy::ReportMainPid => self.launcher(LaunchStep::Fork),
            Strategy::Monitor | Strategy::Init => {
                self.launcher(LaunchStep::Fork);
                // launchd kills the process group of a job that has ended; a new session would keep a program alive whose
                // monitor was killed.
                if strategy == Strategy::Init && self.keeps_the_terminal() {
                    self.service(SetupStep::Terminal);
                } else if !launchd {
                    self.service(SetupStep::NewSession);
                }
            }
            Strategy::Exec => {
                if self.needs_readiness_helper() {
                    self.launcher(LaunchStep::ReadinessHelper);
                }
                if self.spec.watchdog_probe.is_some() {
                    self.launcher(LaunchStep::WatchdogHelper);
                }
            }
        }
    }

    /// Whether the program keeps the terminal (`docker run -it`): in a session of its own it would lose it.
    fn keeps_the_terminal(&self) -> bool {
        self.resolved.caller.terminal && matches!(self.spec.standard_input, None | Some(Input::Inherit))
    }

    /// Adds the launcher's steps after the program has been executed.
    fn after_exec(&mut self, detection: &Detection, strategy: Strategy) {
        if self.forking() {
            let pid_file = self.spec.pid_file.as_ref().map(|path| path.as_path().to_owned());
            self.launcher(LaunchStep::MainProcess(pid_file));
        }
        match strategy {
            Strategy::ReportMainPid => self.launcher(LaunchStep::HandOver),
            Strategy::DaemonMonitor | Strategy::Monitor | Strategy::Init => {
                self.launcher(LaunchStep::Monitor(translated_signals(self.spec, detection)));
            }
            Strategy::Daemonize | Strategy::Exec => {}
        }
    }

    /// The lock file and its descriptor in the program.
    fn lock(&self) -> Option<(PathBuf, i32)> {
        Some((self.resolved.lock.clone()?, self.lock_descriptor()))
    }

    /// Whether a readiness helper is needed: the manager waits for readiness, and the program does not report it itself.
    fn needs_readiness_helper(&self) -> bool {
        let program_reports = match self.spec.ready.as_slice() {
            // notification-fd takes precedence: the socket may belong to a manager further up.
            [Probe::Notify] => self.notify_socket() && self.spec.notification_fd.is_none(),
            [Probe::Fd(number)] => self.spec.notification_fd == Some(*number),
            // Without a Type= the program may notify by itself; with simple or exec it does not.
            [] => !matches!(self.spec.service_type, Some(ServiceType::Simple | ServiceType::Exec)),
            _ => false,
        };
        (self.notify_socket() || self.spec.notification_fd.is_some()) && !program_reports
    }

    /// Whether the program's notifications go to svcadapt's socket, not to the manager's.
    fn listens(&self) -> bool {
        match self.mode {
            Mode::Classic => true,
            // The manager knows the monitor's process, which hears the program and passes on what it says.
            Mode::Supervised if self.strategy.stays() => true,
            Mode::Supervised => self.spec.notification_fd.is_some(),
        }
    }

    /// Whether the manager listens for notifications.
    fn notify_socket(&self) -> bool {
        !self.is_unmanaged() && self.resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET")
    }

    fn streams_and_files(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        let caller = &resolved.caller;
        if !self.launcher_locks()
            && let Some((path, descriptor)) = self.lock()
        {
            self.service(SetupStep::Lock { path, descriptor });
        }
        self.steps.extend(group_steps::in_service(resolved, self.launcher_locks()));
        let owner = caller.is_root().then_some((resolved.account.uid, resolved.account.gid));
        for directory in &spec.directories {
            let place = resolved.place(self.started_by, directory);
            let owner = if directory.kind == DirectoryKind::Configuration { None } else { owner };
            let passed = matches!(place, DirectoryPlace::Passed(_));
            let (kind, path, mode) = (directory.kind, place.into_path(), directory.mode);
            self.by_host_if(passed, SetupStep::Directory { kind, path, mode, owner });
        }
        if let Some(place) = resolved.credentials(self.started_by) {
            let passed = matches!(place, DirectoryPlace::Passed(_));
            let (path, fresh) = (place.into_path(), self.alone);
            self.by_host_if(passed, SetupStep::Credentials { path, fresh });
        }
        self.sockets();
        let detached = self.is_unmanaged() && self.mode == Mode::Classic;
        self.steps.extend(streams::steps(spec, detached).map(Step::Service));
        if let Some(path) = &spec.pid_file
            && !self.forking()
        {
            let path = path.as_path().to_owned();
            let own = owner.is_some_and(|(uid, _)| uid != 0) && self.is_in_own_directory(&path);
            self.service(if own { SetupStep::OwnPidFile(path) } else { SetupStep::PidFile(path) });
        }
        // Only Linux has an OOM score adjustment.
        let usual = caller.oom_score_adjust.filter(|_| self.is_unmanaged()).map(|_| 0);
        let no_less = |wanted: i32, lowest: Option<i32>| lowest.map_or(wanted, |lowest| wanted.max(lowest));
        let asked = spec.oom_score_adjust.map(|score| no_less(score, caller.lowest_oom_score));
        if let Some(score) = asked.or(usual) {
            self.by_host_if(caller.oom_score_adjust == Some(score), SetupStep::OomScore(score));
        }
        let asked = spec.nice.map(|level| no_less(level, caller.lowest_nice));
        if let Some(level) = asked.or(self.is_unmanaged().then_some(0)) {
            self.by_host_if(caller.nice == Some(level), SetupStep::Nice(level));
        }
        self.steps.extend(scheduling::steps(&spec.scheduling).map(Step::Service));
        self.steps.extend(process_settings::before_identity(&spec.process).map(Step::Service));
    }

    /// Whether a path is inside a directory that is created for the service and owned by its user.
    fn is_in_own_directory(&self, path: &Path) -> bool {
        let given = self.spec.directories.iter().filter(|one| one.kind != DirectoryKind::Configuration);
        let mut places = given.map(|one| self.resolved.place(self.started_by, one).into_path());
        places.any(|place| path.starts_with(place))
    }

    fn root(&mut self) {
        if let Some(path) = &self.spec.root_directory {
            self.service(SetupStep::RootDirectory(path.as_path().to_owned()));
        }
    }

    fn sockets(&mut self) {
        self.opened_sockets();
        let held = self.held_descriptors();
        if !held.is_empty() {
            self.service(SetupStep::Held(held));
        }
    }

    /// Those that the host passes, or the service process opens.
    fn opened_sockets(&mut self) {
        let sockets = &self.spec.sockets;
        let all = sockets.listen.iter().zip(sockets.descriptors());
        let passed = match self.listening {
            SocketSource::Passed => true,
            SocketSource::Own if self.monitor_listens() => return,
            SocketSource::Own => false,
            SocketSource::Program => return,
            SocketSource::Launchd => {
                let (name, given) =
                    (self.spec.launchd_sockets(), self.resolved.caller.launchd_descriptors.clone());
                return self.service(SetupStep::Activate { name, given });
            }
        };
        for (socket, descriptor) in all {
            self.by_host_if(passed, SetupStep::Listen { socket: socket.clone(), descriptor });
        }
    }

    fn identity(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        let (account, caller) = (&resolved.account, &resolved.caller);
        if let Some(set) = spec.capability_bounding_set {
            self.service(SetupStep::BoundingSet(set));
        }
        self.by_host_if(caller.ids_are_final && caller.gid == account.gid, SetupStep::Group(account.gid));
        self.by_host_if(
            !caller.is_root() || caller.groups == account.groups,
            SetupStep::Groups(account.groups.clone()),
        );
        if self.end == Ending::Exec {
            self.limits();
        }
        self.by_host_if(caller.ids_are_final && caller.uid == account.uid, SetupStep::User(account.uid));
        self.steps.extend(process_settings::after_identity(&spec.process).map(Step::Service));
        if self.is_unmanaged() || spec.ambient_capabilities.is_some() {
            self.service(SetupStep::Ambient(spec.ambient_capabilities.unwrap_or_default()));
        }
        // systemd.exec(5), `DynamicUser=`.
        if spec.no_new_privileges == Some(true) || account.is_dynamic {
            self.service(SetupStep::NoNewPrivileges);
        }
    }

    /// Adds the limits. Without a manager an unset soft limit becomes the kernel's initial value
    /// (include/asm-generic/resource.h), if that is fixed, instead of the calling shell's.
    fn limits(&mut self) {
        const FIRST: [(Resource, LimitValue); 9] = [
            (Resource::Cpu, LimitValue::Infinity),
            (Resource::Fsize, LimitValue::Infinity),
            (Resource::Data, LimitValue::Infinity),
            (Resource::Stack, LimitValue::At(8 * 1024 * 1024)),
            (Resource::Core, LimitValue::At(0)),
            (Resource::Rss, LimitValue::Infinity),
            (Resource::Nofile, LimitValue::At(1024)),
            (Resource::As, LimitValue::Infinity),
            (Resource::Locks, LimitValue::Infinity),
        ];
        if self.is_unmanaged() {
            for (resource, soft) in FIRST {
                if self.resolved.caller.limits.contains(&resource)
                    && !self.spec.limits.contains_key(&resource)
                {
                    self.service(SetupStep::SoftLimit(resource, soft));
                }
            }
        }
        let caller = &self.resolved.caller;
        for (&resource, &limit) in &self.spec.limits {
            self.service(SetupStep::Limit(resource, caller.nearest(resource, limit)));
        }
        if self.spec.prevent_core {
            // A limit of 1 also disables the core dump helper (core_pattern with `|`), and is too small for a core file
            // (core(5)).
            let one = LimitValue::At(1);
            let limit = caller.nearest(Resource::Core, Limit { soft: one, hard: one });
            self.service(SetupStep::Limit(Resource::Core, limit));
        }
    }

    fn end_with_monitor(&mut self, detection: &Detection, strategy: Strategy) {
        // Children do not inherit the parent-death signal, and launchd kills the rest of a job itself.
        let launchd = matches!(detection.manager, Manager::Launchd { .. });
        let monitored = matches!(strategy, Strategy::Monitor | Strategy::DaemonMonitor);
        if monitored && !self.forking() && !launchd {
            self.service(SetupStep::EndWithMonitor);
        }
    }

    fn umask(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        if let Some(mode) = spec.umask.or(self.is_unmanaged().then_some(FileMode::DEFAULT_UMASK)) {
            self.by_host_if(resolved.caller.umask == Some(mode), SetupStep::Umask(mode));
        }
    }

    fn working_directory(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        let root = || self.is_unmanaged().then(|| PathBuf::from("/"));
        if let Some(path) =
            spec.working_directory.as_ref().map(|path| path.as_path().to_owned()).or_else(root)
        {
            let there =
                spec.root_directory.is_none() && resolved.caller.working_directory.as_ref() == Some(&path);
            self.by_host_if(there, SetupStep::WorkingDirectory(path));
        }
    }
}
