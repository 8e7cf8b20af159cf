//! Performs the steps, in the process that becomes the program.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use svcadapt_spec::{Capabilities, KeyringMode, ServiceSpec, Socket, Sockets, expand};

use super::closest_limit::number;
use super::explain::explain;
use super::failure::{PID_FILE, size_limit};
use super::leftovers::LeftoverPolicy;
use super::listen::open_socket;
use super::report::Report;
use super::stop_timeout::stop_timeout;
use super::streams::Streams;
use super::undo::Created;
use super::{
    LauncherLock, account, closest_limit, control_group, credentials, directory, dynamic_user, leftovers,
    memory, streams, undo,
};
use crate::error::StepError;
use crate::plan::{
    ControlGroup, DirectoryPlace, Ending, Plan, Resolution, SetupStep, StartedBy, Strategy, started_as,
};
use crate::registry;
use crate::registry::pid_file::PidFileError;
use crate::registry::{Lock, Record, Session, pid_file};
use crate::sys::cgroup::Group;
use crate::sys::{
    capability, descendants, environment, fd, file, identity, limits, process, process_settings, scheduling,
    signal,
};

/// The process that becomes the program, and everything it takes along.
#[derive(Debug)]
pub struct ServiceProcess<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) resolved: &'a Resolution,
    pub(super) environment: BTreeMap<OsString, OsString>,
    /// The pid of the process that was started. Variables that name it are changed to name this process.
    pub(super) launcher: i32,
    /// The process whose end ends the program ([`SetupStep::EndWithMonitor`]).
    pub(super) monitor: i32,
    /// Descriptors, and the numbers at which the program expects them.
    pub(super) placements: Vec<(OwnedFd, i32)>,
    /// The pipe to the launcher or helper that waits for reports. `None` if there is no such process.
    pub(super) report_pipe: Option<OwnedFd>,
    pub(super) streams: Streams,
    /// The device and the inode of the stream to the journal, if there is one.
    pub(super) journal_stream: Option<(u64, u64)>,
    pub(super) lock: Option<Lock>,
    /// The pipe to the process that writes the log file, if there is one.
    pub(super) log_pipe: Option<OwnedFd>,
    /// The descriptor numbers reserved for the program.
    pub(super) program_descriptors: Vec<i32>,
    /// The descriptors that the monitor holds for the program, and their names.
    pub(super) held: Vec<(OwnedFd, String)>,
    /// The names of the program's sockets and stored descriptors that were opened or taken over.
    pub(super) descriptor_names: Vec<String>,
    /// The identity of this process, if the system reports start times.
    pub(super) started_as: Option<String>,
    /// The lock taken by the launcher of a forking program.
    pub(super) launcher_lock: Option<Box<LauncherLock<'a>>>,
    pub(super) leftovers: LeftoverPolicy,
    /// The strategy, if the spec is stored by this process.
    pub(super) stores_spec: Option<Strategy>,
    /// Whether the process leads a session of its own.
    pub(super) own_session: bool,
    pub(super) created: Vec<Created>,
    pub(super) ending: Ending,
}

impl<'a> ServiceProcess<'a> {
    /// Prepares to become the program with this environment.
    pub fn new(
        spec: &'a ServiceSpec,
        resolved: &'a Resolution,
        environment: BTreeMap<OsString, OsString>,
        launcher: i32,
    ) -> Self {
        Self {
            spec,
            resolved,
            environment,
            launcher,
            monitor: process::own_pid(),
            placements: Vec::new(),
            report_pipe: None,
            streams: Streams::default(),
            journal_stream: None,
            lock: None,
            log_pipe: None,
            program_descriptors: Vec::new(),
            held: Vec::new(),
            descriptor_names: Vec::new(),
            started_as: None,
            launcher_lock: None,
            leftovers: LeftoverPolicy::Refuse,
            stores_spec: None,
            own_session: false,
            created: Vec::new(),
            ending: Ending::Exec,
        }
    }

    /// Gives the program a descriptor at this number.
    pub fn place(&mut self, descriptor: OwnedFd, number: i32) {
        self.placements.push((descriptor, number));
    }

    /// Gives the program these descriptors with these names ([`SetupStep::Held`]).
    pub fn hold(&mut self, held: Vec<(OwnedFd, String)>) {
        self.held = held;
    }

    /// Sends what would be appended to the log file to the process at the other end of this pipe, which does that.
    pub fn log_to(&mut self, pipe: OwnedFd) {
        self.log_pipe = Some(pipe);
    }

    /// Sends reports to the other end of this pipe.
    pub fn report_to(&mut self, pipe: OwnedFd) {
        self.report_pipe = Some(pipe);
    }

    /// Sends a report to the waiting process, if there is one.
    pub fn report(&self, report: &Report) {
        if let Some(pipe) = &self.report_pipe {
            // If the reader has gone, the start goes on without it.
            let _ = report.send(pipe);
        }
    }

    /// Performs the steps of the service's process. Returns only if one failed.
    pub fn become_program(&mut self, plan: &Plan) -> StepError {
        self.own_session |= plan.has_new_session();
        self.leftovers = LeftoverPolicy::of(plan.strategy);
        self.stores_spec = Some(plan.strategy).filter(|strategy| strategy.stores_spec(self.spec));
        self.program_descriptors = plan.program_descriptors().to_vec();
        // Read before the root directory changes: /proc may be missing afterwards.
        let own = process::own_pid();
        self.started_as = process::identity(own).ok().map(|found| started_as(own, found.start_time));
        if let Err(failure) = self.join(plan) {
            self.report(&Report::Failed(failure.clone()));
            return failure;
        }
        let failed = plan.setup_steps().find_map(|step| self.perform(step).err());
        let failure =
            failed.unwrap_or_else(|| StepError::about("plan", "exec", "the plan has no exec step", 2));
        self.report(&Report::Failed(failure.clone()));
        failure
    }

    /// Removes what was created, as far as this process still may. If a launcher waits, the launcher does this: it
    /// still has the rights that this process has dropped.
    pub fn undo_start(&self) {
        undo_start(self.spec, self.resolved, &self.created, Some(process::own_pid()));
    }

    pub(super) fn perform(&mut self, step: &SetupStep) -> Result<(), StepError> {
        let done = match step {
            SetupStep::Lock { path, descriptor } => return self.lock(step, path, *descriptor),
            SetupStep::PidFile(path) => return self.pid_file(path, |write| Ok(write())),
            SetupStep::OwnPidFile(path) => {
                let account = &self.resolved.account;
                return self.pid_file(path, |write| account::with_service_rights(account, || Ok(write())));
            }
            SetupStep::Execute(path) => return Err(self.execute(step, path)),
            SetupStep::ControlGroup(group) => return self.control_group(step, group),
            SetupStep::EnterControlGroup(path) => Group::open(path).and_then(|group| group.enter()),
            SetupStep::Directory { path, mode, owner, .. } => {
                self.directory(path, mode.bits().into(), *owner)
            }
            SetupStep::Credentials { path, fresh } => self.credentials(path, *fresh),
            SetupStep::Listen { socket, descriptor } => return self.listen(step, socket, *descriptor),
            SetupStep::Held(numbers) => self.held(numbers),
            SetupStep::Activate { given, .. } => self.activate(given),
            SetupStep::PrepareTerminal(terminal) => {
                streams::prepare_terminal(terminal);
                Ok(())
            }
            SetupStep::StandardInput(input) => self.input(input),
            SetupStep::StandardOutput(output) => self.output(1, output),
            SetupStep::StandardError(output) => self.output(2, output),
            SetupStep::Descriptors(kept) => self.descriptors(kept),
            SetupStep::InheritedDescriptors(kept) => self.inherited_descriptors(kept),
            SetupStep::ResetSignals => {
                signal::reset_for_set_up();
                Ok(())
            }
            SetupStep::IgnoreSigpipe => signal::ignore(signal::SIGPIPE),
            SetupStep::InheritedSignals => {
                // Rust's runtime ignores SIGPIPE, so that a peer that hangs up causes an error instead of a death.
                signal::reset_ignored(&[signal::SIGPIPE]);
                signal::ignore_default(signal::SIGXFSZ)
            }
            SetupStep::Environment => environment::replace(&self.environment),
            SetupStep::NewSession => process::new_session(),
            SetupStep::Terminal => process::take_terminal(),
            SetupStep::EndWithMonitor => descendants::die_with_parent(self.monitor),
            SetupStep::OomScore(score) => ignore_default_denied(
                self.spec.oom_score_adjust.is_some(),
                limits::set_oom_score_adjust(*score),
            ),
            SetupStep::Nice(level) => {
                ignore_default_denied(self.spec.nice.is_some(), limits::set_nice(*level))
            }
            SetupStep::CpuPolicy { policy, priority, reset_on_fork } => {
                scheduling::set_cpu_policy(policy.name(), *priority, *reset_on_fork)
            }
            SetupStep::CpuAffinity(set) => scheduling::set_cpu_affinity(set.iter()),
            SetupStep::IoPriority(class, level) => scheduling::set_io_priority(class.number(), *level),
            SetupStep::TimerSlack(span) => scheduling::set_timer_slack(span.finite()),
            SetupStep::CoredumpFilter(filter) => process_settings::set_coredump_filter(filter.bits()),
            SetupStep::NumaPolicy(policy, nodes) => memory::numa_policy(*policy, nodes.as_ref()),
            SetupStep::Personality(machine) => self.personality(*machine),
            SetupStep::Keyring(mode) => process_settings::join_session_keyring(*mode == KeyringMode::Shared),
            SetupStep::SecureBits(bits) => self.secure_bits(*bits),
            SetupStep::RootDirectory(path) => file::change_root(path),
            SetupStep::BoundingSet(set) => self.bound(*set),
            SetupStep::Groups(groups) => {
                identity::set_groups(groups, self.resolved.account.member.as_deref())
            }
            SetupStep::Group(gid) => identity::set_group(*gid),
            SetupStep::Limit(resource, limit) => {
                limits::set(resource.name(), number(limit.soft), number(limit.hard))
            }
            SetupStep::SoftLimit(resource, soft) => closest_limit::soften(resource.name(), number(*soft)),
            SetupStep::User(uid) => self.user(*uid),
            SetupStep::Ambient(set) => self.ambient(*set),
            SetupStep::NoNewPrivileges => capability::no_new_privileges(),
            SetupStep::Umask(mode) => {
                file::set_umask(mode.bits());
                Ok(())
            }
            SetupStep::WorkingDirectory(path) => file::change_directory(path),
        };
        done.map_err(|error| explain(step, &error))
    }

    pub(super) fn report_created(&mut self, created: Created) {
        self.report(&Report::Created(created.clone()));
        self.created.push(created);
    }

    fn lock(&mut self, step: &SetupStep, path: &Path, descriptor: i32) -> Result<(), StepError> {
        registry::prepare_directory().map_err(|unusable| StepError::unusable(step, unusable))?;
        // A program below `svcadapt run` that has the name of its service: the monitor has the lock.
        if self.ending == Ending::Return && registry::is_monitored_by_parent(path) {
            return Ok(());
        }
        let timeout = stop_timeout(self.spec);
        let pid_file = self.spec.pid_file.as_ref().map(|path| path.as_path().to_owned());
        let record =
            Record::own(pid_file, self.resolved.program.clone(), timeout).map_err(step.io_error())?;
        let stop_signal = self.spec.kill_signal.map(|signal| signal.to_string());
        let session = if self.own_session {
            Session::Own(process::session(process::own_pid()).map_err(step.io_error())?)
        } else {
            Session::Shared
        };
        let record = Record { stop_signal, session, user: self.resolved.account.uid, ..record };
        let taken = leftovers::take(path, self.leftovers, || match self.ending {
            Ending::Exec => Lock::take(path, descriptor, &record),
            Ending::Return => Lock::take_here(path, &record),
        });
        let taken = taken.map_err(step.io_error())?;
        let lock = taken.map_err(|taken| leftovers::already_running(self.spec, taken))?;
        dynamic_user::verify(self.spec, self.resolved)?;
        if let Some(strategy) = self.stores_spec {
            lock.store_spec(self.spec, strategy.mode().name()).map_err(step.io_error())?;
        }
        self.lock = Some(lock);
        Ok(())
    }

    /// Writes the pid file, with the rights that `act` provides.
    fn pid_file(
        &self,
        path: &Path,
        act: impl FnOnce(&dyn Fn() -> Result<(), PidFileError>) -> io::Result<Result<(), PidFileError>>,
    ) -> Result<(), StepError> {
        let judge = account::judge(&self.resolved.account);
        let written = act(&|| pid_file::write(path, process::own_pid(), judge));
        written.unwrap_or_else(|error| Err(error.into())).map_err(|PidFileError { cause, hint, errno }| {
            StepError {
                hint: hint.or_else(|| size_limit(&io::Error::from_raw_os_error(errno?))),
                errno,
                ..StepError::about("pid file", path.display().to_string(), cause, PID_FILE)
            }
        })
    }

    fn directory(&mut self, path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
        let judge = account::judge(&self.resolved.account);
        directory::make(path, mode, owner, judge, &mut |made| self.report_created(made))
    }

    fn listen(&mut self, step: &SetupStep, socket: &Socket, descriptor: i32) -> Result<(), StepError> {
        let (spec, resolved) = (self.spec, self.resolved);
        let opened = open_socket(socket, spec, resolved, &mut |one| self.report_created(one))?;
        self.place_socket(opened, descriptor, spec.socket_name()).map_err(step.io_error())
    }

    fn held(&mut self, numbers: &[i32]) -> io::Result<()> {
        for (&number, (descriptor, name)) in numbers.iter().zip(std::mem::take(&mut self.held)) {
            self.place_socket(descriptor, number, name)?;
        }
        Ok(())
    }

    fn activate(&mut self, given: &[i32]) -> io::Result<()> {
        for (&number, descriptor) in given.iter().zip(Sockets::FIRST_DESCRIPTOR..) {
            let socket = fd::duplicate_raw(number, Sockets::FIRST_DESCRIPTOR)?;
            // As with systemd: sockets block unless the unit sets NonBlocking=.
            fd::nonblocking(&socket, false)?;
            self.place_socket(socket, descriptor, self.spec.socket_name())?;
        }
        Ok(())
    }

    /// Gives the program a socket at this number. Until the exec it has a number that is not reserved for the
    /// program.
    fn place_socket(&mut self, socket: OwnedFd, number: i32, name: String) -> io::Result<()> {
        let aside = fd::move_off(socket, &self.program_descriptors)?;
        self.place(aside, number);
        self.descriptor_names.push(name);
        Ok(())
    }

    fn descriptors(&mut self, kept: &[i32]) -> io::Result<()> {
        self.streams.place()?;
        for (descriptor, number) in &self.placements {
            fd::duplicate_to(descriptor, *number)?;
        }
        fd::keep_only(kept)
    }

    fn user(&self, uid: u32) -> io::Result<()> {
        // Setting secure bits needs a capability.
        if self.spec.ambient_capabilities.is_some_and(|set| set != Capabilities::EMPTY)
            || self.spec.process.secure_bits.is_some() && self.resolved.caller.is_root()
        {
            capability::keep_over_user_change()?;
        }
        if let (true, true, Some(entry)) =
            (self.own_session, self.resolved.caller.is_root(), &self.resolved.account.entry)
        {
            // Best effort: the login name of the session is only informative.
            let _ = identity::set_login(&entry.name);
        }
        // Without root the groups were not changed.
        let groups = self.resolved.caller.is_root().then_some(&*self.resolved.account.groups);
        identity::set_user(uid, groups).map(drop)
    }

    fn execute(&mut self, step: &SetupStep, path: &Path) -> StepError {
        self.tell_variables();
        let command = &self.spec.command;
        let mut words = vec![self.spec.argv0.as_ref().unwrap_or(&command.program).clone()];
        let arguments = command.arguments.iter().map(OsString::as_os_str);
        if self.spec.expand_variables {
            words.extend(expand(arguments, &self.environment));
        } else {
            words.extend(arguments.map(OsString::from));
        }
        let variables = std::mem::take(&mut self.environment).into_iter();
        let environment = variables.map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            CString::new(name.into_vec())
        });
        let words = words.into_iter().map(|word| CString::new(word.into_vec()));
        let (Ok(environment), Ok(words)) =
            (environment.collect::<Result<Vec<_>, _>>(), words.collect::<Result<Vec<_>, _>>())
        else {
            return StepError::at(step, "an argument or a variable contains a NUL byte");
        };
        if let Some(pipe) = &self.report_pipe
            && let Err(error) = Report::Executing.send(pipe)
        {
            return StepError::io(step, &error);
        }
        let last = signal::restore_default(signal::SIGXFSZ).and_then(|()| signal::unblock_all());
        if let Err(error) = last {
            return StepError::io(step, &error);
        }
        explain(step, &process::execute(path.as_os_str(), &words, &environment))
    }

    /// Creates the group, records it, and moves this process into it.
    fn control_group(&mut self, step: &SetupStep, group: &ControlGroup) -> Result<(), StepError> {
        let made = control_group::create(group).map_err(step.io_error())?;
        match &self.lock {
            Some(lock) => lock.record_group(&made).map_err(step.io_error())?,
            // The launcher removes it if the start fails.
            None => self.report_created(Created::of(&group.path, &made.metadata().map_err(step.io_error())?)),
        }
        made.enter().map_err(step.io_error())
    }
}

/// After a failed start: removes what was created, and the pid file and the lock of this main process. Each removal
/// first verifies that the file still belongs to this start, so that another instance keeps its own.
pub fn undo_start(spec: &ServiceSpec, resolved: &Resolution, made: &[Created], main: Option<i32>) {
    for path in [&spec.pid_file, &spec.removed_pid_file].into_iter().flatten() {
        let _ = main.map_or(Ok(()), |main| pid_file::remove(path.as_path(), main));
    }
    let place = resolved.credentials(StartedBy::Nobody).map(DirectoryPlace::into_path);
    if let Some(path) = place.filter(|path| made.iter().any(|one| one.path == *path)) {
        credentials::remove(&path);
    }
    undo::remove_all(made, &resolved.account);
    match &resolved.lock {
        Some(path) => {
            let _ = registry::remove(path);
        }
        // Without a lock the name has this process's pid.
        None => control_group::remove(resolved),
    }
}

/// Ignores a denied reset of a value that the spec does not set: a lower priority from a `nice` shell or a
/// container's manager may need root to be raised again.
fn ignore_default_denied(asked: bool, done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if !asked && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}
