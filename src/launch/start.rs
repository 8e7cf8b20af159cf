//! The parts that all start strategies share.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Input, Output, Probe, ServiceSpec, ServiceType};

use super::intermediate::Channel;
use super::life::Constants;
use super::watch::Forking;
use crate::error::StepError;
use crate::plan::{Account, CallerState, LaunchStep, Place, Plan, Resolution, SetupStep};
use crate::readiness::{ProbeInputs, Probes, RunAs};
use crate::registry::{SOCKET, pid_file};
use crate::setup::{Created, LauncherLock, ServiceProcess};
use crate::sys::socket::NotifySocket;
use crate::sys::{fd, file, listen, process};
use crate::{plan, registry, setup};

/// A start.
pub(super) struct Start<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) plan: &'a Plan,
    pub(super) resolved: &'a Resolution,
    /// The pid of the process that was started. The launcher may be a fork of it.
    started: i32,
}

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
        Self { spec, plan, resolved, started: process::own_pid() }
    }

    /// Continues one in a later image of the monitor. `started` is the pid of the process that was started.
    pub(super) fn resumed(
        spec: &'a ServiceSpec,
        plan: &'a Plan,
        resolved: &'a Resolution,
        started: i32,
    ) -> Self {
        Self { spec, plan, resolved, started }
    }

    /// What a later image of the monitor needs.
    pub(super) fn constants(&self) -> Constants {
        let Account { uid, gid, groups, .. } = &self.resolved.account;
        Constants {
            detection: self.plan.detection.clone(),
            uid: *uid,
            gid: *gid,
            groups: groups.clone(),
            passed: self.resolved.caller.passed_descriptors.clone(),
            started: self.started,
            program: self.resolved.program.clone(),
            lock: self.resolved.lock.clone(),
        }
    }

    /// The file of this process's notify socket, if it has one.
    pub(super) fn notify_socket_file() -> Option<SocketFile> {
        let path = registry::directory().join(format!("{SOCKET}{}", process::own_pid()));
        path.exists().then(|| SocketFile(path))
    }

    /// The pid of the process that was started: variables that name it are changed to name the program.
    pub(super) fn pid(&self) -> i32 {
        self.started
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
        let launcher_lock = LauncherLock::take(self.spec, self.resolved, self.plan.strategy)?;
        Ok(self.forking()?.map(|forking| (launcher_lock, forking)))
    }

    /// Takes the lock for a service with which this process stays. `None` if its program takes it.
    pub(super) fn lock(&self) -> Result<Option<LauncherLock<'a>>, StepError> {
        let locks = self.plan.launch_steps().any(|step| matches!(step, LaunchStep::Lock { .. }));
        let take = || LauncherLock::take(self.spec, self.resolved, self.plan.strategy);
        locks.then(take).transpose()
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
        let found = setup::resolve(spec, self.plan.started_by, first.inherited.clone());
        let found = found.map_err(|mut failures| failures.swap_remove(0))?;
        let working_directory = found.caller.working_directory;
        let caller = CallerState { working_directory, ..first.caller.clone() };
        let named = spec.name.is_some() || spec.pid_file.is_some();
        let lock = first.lock.clone().filter(|_| named);
        Ok(Resolution { caller, lock, ..found })
    }

    /// The same start with another spec and its plan.
    pub(super) fn again<'b>(
        &self,
        spec: &'b ServiceSpec,
        plan: &'b Plan,
        resolved: &'b Resolution,
    ) -> Start<'b> {
        Start { spec, plan, resolved, started: self.started }
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
        if let (Some(path), Some(main)) = (&self.spec.pid_file, main) {
            // Best effort: it may belong to another instance by now.
            let _ = pid_file::remove(path.as_path(), main);
        }
        if keeps_runtime_directory {
            return;
        }
        for directory in self.spec.directories.iter().filter(|one| one.kind == DirectoryKind::Runtime) {
            // The host removes what it has made.
            if let Place::Own(path) = self.resolved.place(self.plan.started_by, directory) {
                let _ = std::fs::remove_dir_all(path);
            }
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
        let identity = if self.resolved.caller.is_root() {
            RunAs::Other {
                uid: self.resolved.account.uid,
                gid: self.resolved.account.gid,
                groups: self.resolved.account.groups.clone(),
                member: self.resolved.account.member.clone(),
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
        let mut means = ProbeInputs { socket, pipes: Vec::new(), identity, environment: variables.collect() };
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
            probes: Probes::new(&self.spec.ready, means),
            reports,
            service,
            socket: file,
            channel,
        })
    }

    /// After a failure: removes what was created, if it is still the same.
    pub(super) fn undo_start(&self, made: &[Created], main: Option<i32>) {
        setup::undo_start(self.spec, self.resolved, made, main);
    }

    fn pipe(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        let (out, input) = fd::pipe()?;
        Ok((self.aside(out)?, self.aside(input)?))
    }

    /// Moves a descriptor to a number that is not reserved for the program.
    fn aside(&self, descriptor: OwnedFd) -> io::Result<OwnedFd> {
        fd::move_off(descriptor, self.plan.program_descriptors())
    }

    /// The notify socket of the program: a file in the lock directory, owned by the program's user; or an abstract
    /// address, if the program has another root directory or the lock directory is not usable.
    fn listen(&self) -> Result<(NotifySocket, OsString, Option<SocketFile>), StepError> {
        let without = || {
            let (socket, name) =
                NotifySocket::abstract_name().map_err(LaunchStep::NotifySocket.io_error())?;
            let mut address = b"@".to_vec();
            address.extend(name);
            Ok((socket, <OsString as std::os::unix::ffi::OsStringExt>::from_vec(address), None))
        };
        let path = registry::directory().join(format!("{SOCKET}{}", process::own_pid()));
        if self.spec.root_directory.is_some() || path.as_os_str().len() > NotifySocket::MAX_PATH_BYTES {
            return without();
        }
        if let Err(unusable) = registry::prepare_directory() {
            return without().map_err(|_| StepError::unusable(&LaunchStep::NotifySocket, unusable));
        }
        sweep(&registry::directory());
        let before = file::set_umask(0o177);
        let bound = NotifySocket::at(&path);
        file::set_umask(before);
        let socket = bound.map_err(LaunchStep::NotifySocket.io_error())?;
        let guard = SocketFile(path.clone());
        if self.resolved.caller.is_root() {
            let account = &self.resolved.account;
            std::os::unix::fs::lchown(&path, Some(account.uid), Some(account.gid))
                .map_err(LaunchStep::NotifySocket.io_error())?;
        }
        Ok((socket, path.into_os_string(), Some(guard)))
    }
}

/// Removes the sockets of launchers that were killed.
///
/// A pid proves little, since it may belong to another pid namespace. So a socket that a process still has open is
/// kept, and so is one with the pid of any live process: it may be about to be opened. A socket with this process's
/// own pid is stale: ours does not exist yet.
fn sweep(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let listener =
            name.to_str().and_then(|name| name.strip_prefix(SOCKET)).and_then(|pid| pid.parse().ok());
        if listener.is_some_and(|pid: i32| pid == process::own_pid() || process::identity(pid).is_err())
            && listen::is_open(listen::Kind::Datagram, &entry.path()).is_ok_and(|open| !open)
        {
            // Another launcher may have removed it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A socket's file, removed on drop.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
