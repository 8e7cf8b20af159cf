//! The parts that all start strategies share.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt_spec::{
    DirectoryKind, Input, Output, Probe, ServiceSpec, ServiceType, SocketAddress, WriteMode,
};

use super::intermediate::Channel;
use super::watch::Forking;
use crate::error::{StepError, tell};
use crate::logs;
use crate::plan::{
    CallerState, DirectoryPlace, LaunchStep, Plan, Resolution, SetupStep, Strategy, store_size,
};
use crate::readiness::{Bus, LogPlace, NotifyAccess, ProbeInputs, ProbeSource, Probes, RunAs, WatchdogProbe};
use crate::registry::{Starting, pid_file};
use crate::setup::{Created, LauncherLock, ServiceProcess};
use crate::sys::socket::NotifySocket;
use crate::sys::{error_text, fd, file, listen, process};
use crate::{plan, registry, setup};

/// A start.
pub(super) struct Start<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) plan: &'a Plan,
    pub(super) resolved: &'a Resolution,
    /// The pid of the process that was started. The launcher may be a fork of it.
    started: i32,
    /// What shows a person that the start goes on.
    pub(super) progress: Progress<'a>,
}

/// Called with the status text of the program now and then while a launcher waits. `None`: no person waits.
pub type Progress<'a> = Option<&'a dyn Fn(Option<&str>)>;

/// The resources of a start: some are for the waiting process, some for the process that becomes the program.
pub(super) struct StartResources<'a> {
    pub(super) probes: Probes,
    pub(super) reports: OwnedFd,
    pub(super) service: ServiceProcess<'a>,
    /// The notify socket's file, removed when the waiting ends.
    pub(super) socket: Option<SocketFile>,
    /// To the intermediate process, if it is kept.
    pub(super) channel: Option<Channel>,
}

impl<'a> Start<'a> {
    /// Called in the process that was started.
    pub(super) fn new(spec: &'a ServiceSpec, plan: &'a Plan, resolved: &'a Resolution) -> Self {
        Self::by(process::own_pid(), spec, plan, resolved)
    }

    /// Continues one. `started` is the pid of the process that was started.
    pub(super) fn by(started: i32, spec: &'a ServiceSpec, plan: &'a Plan, resolved: &'a Resolution) -> Self {
        Self { spec, plan, resolved, started, progress: None }
    }

    /// The pid of the process that was started: variables that name it are changed to name the program.
    pub(super) fn pid(&self) -> i32 {
        self.started
    }

    /// Marks the service as starting while its probes are awaited.
    pub(super) fn mark(&self, probes: &Probes) -> Option<Starting> {
        let lock = self.resolved.lock.as_ref().filter(|_| !probes.is_empty())?;
        Starting::mark(lock).ok()
    }

    /// The service's name in messages.
    pub(super) fn name(&self) -> String {
        let program = || self.spec.command.program.to_string_lossy().into_owned();
        self.spec.name.as_ref().map_or_else(program, ToString::to_string)
    }

    /// Whether the program is to finish its work and exit (Type=oneshot).
    pub(super) fn is_oneshot(&self) -> bool {
        self.spec.service_type == Some(ServiceType::Oneshot)
    }

    /// Whether the program forks itself into the background (Type=forking).
    pub(super) fn is_forking(&self) -> bool {
        self.spec.service_type == Some(ServiceType::Forking)
    }

    /// Takes the lock for a forking program, and lists the existing descendants before it is started. `None` for
    /// other programs, which take the lock themselves.
    pub(super) fn launcher_lock(&self) -> Result<Option<(LauncherLock<'a>, Forking)>, StepError> {
        if !self.is_forking() {
            return Ok(None);
        }
        let mut launcher_lock = LauncherLock::take(self.spec, self.resolved, self.plan.strategy)?;
        self.create_group(&mut launcher_lock)?;
        Ok(self.forking()?.map(|forking| (launcher_lock, forking)))
    }

    /// Takes the lock for a service with which this process stays. `None` if its program takes it.
    pub(super) fn lock(&self) -> Result<Option<LauncherLock<'a>>, StepError> {
        let is_its =
            |step: &LaunchStep| matches!(step, LaunchStep::Lock { .. } | LaunchStep::ControlGroup(_));
        if !self.plan.launch_steps().any(is_its) {
            return Ok(None);
        }
        let mut lock = LauncherLock::take(self.spec, self.resolved, self.plan.strategy)?;
        self.create_group(&mut lock)?;
        Ok(Some(lock))
    }

    fn create_group(&self, lock: &mut LauncherLock<'_>) -> Result<(), StepError> {
        let step = self.plan.launch_steps().find_map(|step| match step {
            LaunchStep::ControlGroup(group) => Some((step, group)),
            _ => None,
        });
        step.map_or(Ok(()), |(step, group)| lock.create_group(step, group))
    }

    /// Lists the existing descendants before a forking program is started. `None` for other programs.
    pub(super) fn forking(&self) -> Result<Option<Forking>, StepError> {
        if !self.is_forking() {
            return Ok(None);
        }
        let pid_file = self.spec.pid_file.as_ref().map(|path| path.as_path().to_owned());
        Forking::new(pid_file, self.resolved.account.uid).map(Some).map_err(LaunchStep::Fork.io_error())
    }

    /// Looks up again what a spec of this service means: accounts and environment files may have changed.
    pub(super) fn resolve_again(&self, spec: &ServiceSpec) -> Result<Resolution, StepError> {
        let first = self.resolved;
        // A command has no lock, and so no name.
        let whole = ServiceSpec { name: self.spec.name.clone(), ..spec.clone() };
        let found = setup::resolve(&whole, self.plan.started_by, first.inherited.clone());
        let found = found.map_err(|mut failures| failures.swap_remove(0))?;
        // What is permitted was found by a trial; a monitor that goes on in another image has not tried before.
        let CallerState { working_directory, highest_limits, lowest_nice, lowest_oom_score, .. } =
            found.caller;
        let caller = CallerState {
            working_directory,
            highest_limits,
            lowest_nice,
            lowest_oom_score,
            ..first.caller.clone()
        };
        let named = spec.name.is_some() || spec.pid_file.is_some();
        let lock = first.lock.clone().filter(|_| named);
        Ok(Resolution { caller, lock, control_group: first.control_group.clone(), ..found })
    }

    /// The same start with another spec and its plan.
    pub(super) fn again<'b>(
        &self,
        spec: &'b ServiceSpec,
        plan: &'b Plan,
        resolved: &'b Resolution,
    ) -> Start<'b> {
        Start::by(self.started, spec, plan, resolved)
    }

    /// Closes the streams of the process that was started, unless the service inherits them.
    pub(super) fn leave_streams(&self) -> io::Result<()> {
        let inherited: Vec<i32> = self
            .plan
            .setup_steps()
            .filter_map(|step| match step {
                SetupStep::StandardInput(Input::Inherit) => Some(0),
                SetupStep::StandardOutput(Output::Inherit) => Some(1),
                SetupStep::StandardError(Output::Inherit) => Some(2),
                _ => None,
            })
            .collect();
        let null = file::open_null()?;
        (0..3)
            .filter(|number| !inherited.contains(number))
            .try_for_each(|number| fd::duplicate_to(&null, number))
    }

    /// Removes what belongs to a service that has ended: its pid file, and its runtime directories unless they are kept.
    pub(super) fn tidy(&self, main: Option<i32>, keeps_runtime_directory: bool) {
        for path in [&self.spec.pid_file, &self.spec.removed_pid_file].into_iter().flatten() {
            // Best effort: it may belong to another instance by now.
            let _ = main.map_or(Ok(()), |main| pid_file::remove(path.as_path(), main));
        }
        self.remove_credentials();
        if keeps_runtime_directory {
            return;
        }
        for directory in self.spec.directories.iter().filter(|one| one.kind == DirectoryKind::Runtime) {
            // The host removes what it has made.
            if let DirectoryPlace::Own(path) = self.resolved.place(self.plan.started_by, directory) {
                let _ = std::fs::remove_dir_all(path);
            }
        }
    }

    /// Whether this process keeps descriptors for the program. Where a manager hears the program, it does.
    pub(super) fn stores(&self) -> bool {
        self.plan.strategy.stays() && self.plan.has(&LaunchStep::NotifySocket) && store_size(self.spec) > 0
    }

    /// Whether a socket of the service lies in its runtime directory.
    pub(super) fn listens_in_runtime_directory(&self) -> bool {
        let runtime = || self.spec.directories.iter().filter(|one| one.kind == DirectoryKind::Runtime);
        self.spec.sockets.listen.iter().any(|socket| match &socket.address {
            SocketAddress::Path(path) => runtime().any(|directory| {
                path.as_path().starts_with(self.resolved.place(self.plan.started_by, directory).into_path())
            }),
            _ => false,
        })
    }

    /// Removes the credentials of the last start.
    pub(super) fn remove_credentials(&self) {
        if let Some(DirectoryPlace::Own(path)) = self.resolved.credentials(self.plan.started_by) {
            setup::remove_credentials(&path);
        }
    }

    /// The environment of the program, without the variables of this start.
    pub(super) fn environment(&self) -> BTreeMap<OsString, OsString> {
        plan::environment(self.spec, self.resolved, self.plan.started_by)
    }

    /// Creates everything that must exist before the fork.
    ///
    /// Descriptors for internal use get numbers that are not reserved for the program.
    pub(super) fn prepare(&self) -> Result<StartResources<'a>, StepError> {
        self.prepare_with(&[])
    }

    /// The same, with these variables beside the environment.
    pub(super) fn prepare_with(
        &self,
        variables: &[(&'static str, String)],
    ) -> Result<StartResources<'a>, StepError> {
        let mut environment = self.environment();
        for (name, value) in variables {
            environment.entry((*name).into()).or_insert_with(|| value.into());
        }
        let listens = self.plan.has(&LaunchStep::NotifySocket);
        let mut file = None;
        let socket = if listens {
            let (socket, address, path) = self.listen()?;
            environment.insert("NOTIFY_SOCKET".into(), address);
            file = path;
            Some(socket)
        } else {
            None
        };
        let ProbeSource { identity, environment: environment_of_probes } = self.probe_source(&environment);
        let buses = self.buses();
        let mut means = ProbeInputs {
            socket,
            pipes: Vec::new(),
            identity,
            environment: environment_of_probes,
            logs: self.logs(),
            buses,
        };
        let mut service = ServiceProcess::new(self.spec, self.resolved, environment, self.started);
        for probe in &self.spec.ready {
            if let Probe::Fd(number) = probe {
                let (out, input) = self.pipe().map_err(LaunchStep::NotifySocket.io_error())?;
                means.pipes.push((*number, out));
                service.place(input, *number);
            }
        }
        let (reports, reporter) = self.pipe().map_err(LaunchStep::NotifySocket.io_error())?;
        fd::fresh_nonblocking(&reports).map_err(LaunchStep::NotifySocket.io_error())?;
        service.report_to(reporter);
        let stays = self.plan.has(&LaunchStep::KeepIntermediate);
        let channel =
            stays.then(Channel::new).transpose().map_err(LaunchStep::KeepIntermediate.io_error())?;
        Ok(StartResources {
            probes: Probes::new(&self.spec.ready, means)
                .with_store(self.stores())
                .with_access(NotifyAccess::of(self.spec)),
            reports,
            service,
            socket: file,
            channel,
        })
    }

    /// What the probes need that are tried from this process: the user and the environment of the service.
    pub(super) fn probe_source(&self, environment: &BTreeMap<OsString, OsString>) -> ProbeSource {
        let account = &self.resolved.account;
        let identity = if self.resolved.caller.is_root() {
            RunAs::Other {
                uid: account.uid,
                gid: account.gid,
                groups: account.groups.clone(),
                member: account.member.clone(),
            }
        } else {
            RunAs::Own
        };
        let variables = environment.iter().filter_map(|(name, value)| {
            let mut text = name.clone();
            text.push("=");
            text.push(value);
            CString::new(text.as_bytes()).ok()
        });
        ProbeSource { identity, environment: variables.collect() }
    }

    /// The probe that feeds a watchdog of this time, if the service has one.
    pub(super) fn watchdog_probe(&self, watchdog: Duration) -> Option<WatchdogProbe> {
        let probe = self.spec.watchdog_probe.as_ref()?;
        Some(WatchdogProbe::new(probe, self.probe_source(&self.environment()), watchdog))
    }

    /// The time of the watchdog of the manager of this process (`WATCHDOG_USEC`, sd_watchdog_enabled(3)).
    pub(super) fn managers_watchdog(&self) -> Option<Duration> {
        let named = |(name, _): &&(OsString, OsString)| name == "WATCHDOG_USEC";
        let micros = self.resolved.inherited.iter().find(named)?.1.to_str()?.parse().ok()?;
        Some(Duration::from_micros(micros)).filter(|time| !time.is_zero())
    }

    /// After a failure: removes what was created, if it is still the same.
    pub(super) fn undo_start(&self, made: &[Created], main: Option<i32>) {
        setup::undo_start(self.spec, self.resolved, made, main);
    }

    /// The files that the output goes to, for `log` probes.
    fn logs(&self) -> Vec<LogPlace> {
        if !self.spec.ready.iter().any(|probe| matches!(probe, Probe::Log(_))) {
            return Vec::new();
        }
        let stays = self.plan.strategy != Strategy::Daemonize;
        let mut all: Vec<LogPlace> = Vec::new();
        for output in [&self.spec.standard_output, &self.spec.standard_error].into_iter().flatten() {
            let Output::File(mode @ (WriteMode::Append | WriteMode::Truncate), path) = output else {
                continue;
            };
            if all.iter().all(|place| place.path != path.as_path()) {
                let has_times = all.is_empty() && self.spec.log_file.timestamps == Some(true);
                let prefix = if has_times { logs::TIME_BYTES } else { 0 };
                let appends = *mode == WriteMode::Append;
                all.push(LogPlace { path: path.as_path().to_owned(), appends, prefix, stays });
            }
        }
        all
    }

    /// A connection for each `dbus` probe. Where no bus answers, as in most containers, the service starts all the same.
    fn buses(&self) -> Vec<Bus> {
        let connect = |probe: &Probe| {
            let Probe::Dbus(name) = probe else { return None };
            let connected = Bus::connect(&self.resolved.inherited);
            connected.map_err(|(address, error)| tell(&no_bus(name, &address, &error))).ok()
        };
        self.spec.ready.iter().filter_map(connect).collect()
    }

    pub(super) fn pipe(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        let (out, input) = fd::pipe()?;
        Ok((self.aside(out)?, self.aside(input)?))
    }

    /// Moves a descriptor to a number that is not reserved for the program.
    fn aside(&self, descriptor: OwnedFd) -> io::Result<OwnedFd> {
        fd::move_off(descriptor, self.plan.program_descriptors())
    }

    /// The notify socket of the program: a file in the lock directory, owned by the program's user; or an abstract
    /// address, if the program has another root directory or the lock directory is not usable. A program of root may
    /// change its user before it is ready, so all users may send to its socket; the sender of each message is checked.
    fn listen(&self) -> Result<(NotifySocket, OsString, Option<SocketFile>), StepError> {
        let without = || {
            let (socket, name) =
                NotifySocket::abstract_name().map_err(LaunchStep::NotifySocket.io_error())?;
            let mut address = b"@".to_vec();
            address.extend(name);
            Ok((socket, <OsString as std::os::unix::ffi::OsStringExt>::from_vec(address), None))
        };
        let path = registry::notify_socket();
        if self.spec.root_directory.is_some() || path.as_os_str().len() > NotifySocket::MAX_PATH_BYTES {
            return without();
        }
        if let Err(unusable) = registry::prepare_directory() {
            return without().map_err(|_| StepError::unusable(&LaunchStep::NotifySocket, unusable));
        }
        sweep(&registry::directory());
        let changes_user = self.resolved.account.uid == 0;
        let before = file::set_umask(if changes_user { 0o111 } else { 0o177 });
        let bound = NotifySocket::at(&path);
        file::set_umask(before);
        let socket = match bound {
            // A restart goes on where nothing more can be written.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return without(),
            bound => bound.map_err(LaunchStep::NotifySocket.io_error())?,
        };
        let guard = SocketFile(path.clone());
        if self.resolved.caller.is_root() {
            let account = &self.resolved.account;
            std::os::unix::fs::lchown(&path, Some(account.uid), Some(account.gid))
                .map_err(LaunchStep::NotifySocket.io_error())?;
        }
        Ok((socket, path.into_os_string(), Some(guard)))
    }
}

fn no_bus(name: &str, address: &str, error: &io::Error) -> String {
    let cause =
        format!("its owner is not waited for, because no bus answers at {address}: {}", error_text(error));
    StepError::about("ready", format!("dbus:{name}"), cause, 0).to_string()
}

/// Removes the sockets of launchers and monitors that were killed.
///
/// A pid proves little, since it may belong to another pid namespace. So a socket that a process still has open is
/// kept, and so is one with the pid of any live process: it may be about to be opened. A socket with this process's
/// own pid is stale: ours does not exist yet.
fn sweep(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let listener = registry::socket_pid(&entry.file_name());
        if listener.is_some_and(|pid| pid == process::own_pid() || process::identity(pid).is_err())
            && listen::is_open(listen::Kind::Datagram, &entry.path()).is_ok_and(|open| !open)
        {
            // Another launcher may have removed it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A socket's file, removed on drop.
pub(super) struct SocketFile(PathBuf);

impl SocketFile {
    /// The file of a socket that an earlier image of this process has opened.
    pub(super) fn of(socket: &NotifySocket) -> Option<Self> {
        socket.path().map(Self)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
