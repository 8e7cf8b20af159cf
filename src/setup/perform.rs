//! Doing the steps, in the process that becomes the program.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use svcadapt_spec::{Capabilities, Output, ServiceSpec, Socket, Sockets, expand};

use super::failure::PID_FILE;
use super::journal::Created;
use super::listen::Unopened;
use super::nearest::number;
use super::report::Report;
use super::streams::Streams;
use super::succession::Remains;
use super::{LauncherLock, account, directory, journal, listen, nearest, succession};
use crate::error::StepError;
use crate::plan::{Actor, Plan, Resolution, Step, started_as};
use crate::registry;
use crate::registry::pid_file;
use crate::registry::pid_file::Untrusted;
use crate::registry::{Lock, Record, Session};
use crate::sys::{capability, descendants, environment, fd, file, identity, limits, process, signal};

/// What becomes the program, and what it takes with it.
#[derive(Debug)]
pub struct ServiceProcess<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) resolved: &'a Resolution,
    pub(super) environment: BTreeMap<OsString, OsString>,
    /// The process that was started; variables that name it will name us.
    pub(super) launcher: i32,
    /// Descriptors and the numbers that the program expects them at.
    pub(super) placements: Vec<(OwnedFd, i32)>,
    /// Where somebody waits for reports.
    pub(super) listener: Option<OwnedFd>,
    pub(super) streams: Streams,
    pub(super) lock: Option<Lock>,
    /// The numbers that the program is promised.
    pub(super) program_descriptors: Vec<i32>,
    /// How many sockets were opened for it, or taken over.
    pub(super) sockets: usize,
    /// Which process this is, where the kernel says so.
    pub(super) started_as: Option<String>,
    /// What the process that waits for a program that forks itself away has taken.
    pub(super) claim: Option<Box<LauncherLock<'a>>>,
    pub(super) remains: Remains,
    /// Whether its session is its own.
    pub(super) own_session: bool,
    pub(super) made: Vec<Created>,
    pub(super) stays: Stays,
}

/// Whether the process becomes another program at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// It does; numbers of descriptors are for that program, and none is ours.
    No,
    /// It stays what it is, with descriptors of its own.
    Itself,
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
            placements: Vec::new(),
            listener: None,
            streams: Streams::default(),
            lock: None,
            program_descriptors: Vec::new(),
            sockets: 0,
            started_as: None,
            claim: None,
            remains: Remains::Refuse,
            own_session: false,
            made: Vec::new(),
            stays: Stays::No,
        }
    }

    /// Gives the program a descriptor at this number.
    pub fn place(&mut self, descriptor: OwnedFd, number: i32) {
        self.placements.push((descriptor, number));
    }

    /// Reports to somebody who waits at the other end of this pipe.
    pub fn report_to(&mut self, pipe: OwnedFd) {
        self.listener = Some(pipe);
    }

    /// Tells whoever waits.
    pub fn tell(&self, report: &Report) {
        if let Some(pipe) = &self.listener {
            // Nobody reads any more: then nobody waits for the truth, and the start goes on or ends without them.
            let _ = report.send(pipe);
        }
    }

    /// Does the steps that are left to the service's process. Returns only if one failed.
    pub fn become_program(&mut self, plan: &Plan) -> StepError {
        if plan.steps.iter().any(|planned| planned.step == Step::NewSession) {
            self.own_session = true;
        }
        self.remains = Remains::of(plan.strategy);
        self.program_descriptors = plan.program_descriptors().to_vec();
        // Asked now: behind the change of root there may be nobody who knows.
        let own = process::own_pid();
        self.started_as = process::identity(own).ok().map(|found| started_as(own, found.start_time));
        if let Err(failure) = self.join(plan) {
            self.tell(&Report::Failed(failure.clone()));
            return failure;
        }
        let mut steps = plan.steps.iter().filter(|planned| planned.by == Actor::Service);
        let failed = steps.find_map(|planned| self.perform(&planned.step).err());
        let failure =
            failed.unwrap_or_else(|| StepError::about("plan", "exec", "the plan ends before the program", 2));
        self.tell(&Report::Failed(failure.clone()));
        failure
    }

    /// Takes away what was made, as far as this process still may. Where a launcher waits it is for that one to do:
    /// it has the rights that this process has dropped.
    pub fn take_away(&self) {
        take_away(self.spec, self.resolved, &self.made, Some(process::own_pid()));
    }

    pub(super) fn perform(&mut self, step: &Step) -> Result<(), StepError> {
        let done = match step {
            Step::Lock { path, descriptor } => return self.lock(step, path, *descriptor),
            Step::PidFile(path) => return self.pid_file(path, |write| Ok(write())),
            Step::OwnPidFile(path) => {
                let account = &self.resolved.account;
                return self.pid_file(path, |write| account::with_its_rights(account, || Ok(write())));
            }
            Step::Execute(path) => return Err(self.execute(step, path)),
            Step::Directory { path, mode, owner, .. } => self.directory(path, mode.bits().into(), *owner),
            Step::Listen { socket, descriptor } => return self.listen(step, socket, *descriptor),
            Step::Activate { given, .. } => self.activate(given),
            Step::StandardInput(input) => self.streams.input(input, &self.resolved.account),
            Step::StandardOutput(output) => self.output(1, output),
            Step::StandardError(output) => self.output(2, output),
            Step::Descriptors(kept) => self.descriptors(kept),
            Step::InheritedDescriptors(kept) => self.inherited_descriptors(kept),
            Step::ResetSignals => {
                signal::reset_for_set_up();
                Ok(())
            }
            Step::InheritedSignals => {
                // Ignored by Rust's own runtime, so that a peer that hangs up is an error and no death.
                signal::reset_ignored(&[signal::SIGPIPE]);
                signal::ignore_default(signal::SIGXFSZ)
            }
            Step::Environment => environment::replace(&self.environment),
            Step::NewSession => process::new_session(),
            Step::Terminal => process::take_terminal(),
            Step::EndWithMonitor => descendants::die_with_parent(self.launcher),
            Step::OomScore(score) => {
                wanted(self.spec.oom_score_adjust.is_some(), limits::set_oom_score_adjust(*score))
            }
            Step::Nice(level) => wanted(self.spec.nice.is_some(), limits::set_nice(*level)),
            Step::RootDirectory(path) => file::change_root(path),
            Step::BoundingSet(set) => self.bound(*set),
            Step::Groups(groups) => identity::set_groups(groups, self.resolved.account.member.as_deref()),
            Step::Group(gid) => identity::set_group(*gid),
            Step::Limit(resource, limit) => {
                limits::set(resource.name(), number(limit.soft), number(limit.hard))
            }
            Step::SoftLimit(resource, soft) => nearest::soften(resource.name(), number(*soft)),
            Step::User(uid) => self.user(*uid),
            Step::Ambient(set) => self.ambient(*set),
            Step::NoNewPrivileges => capability::no_new_privileges(),
            Step::Umask(mode) => {
                file::set_umask(mode.bits());
                Ok(())
            }
            Step::WorkingDirectory(path) => file::change_directory(path),
            // These are the launcher's.
            Step::AdoptOrphans
            | Step::KeepIntermediate
            | Step::Reexec(_)
            | Step::NotifySocket
            | Step::ReadinessHelper
            | Step::Fork
            | Step::ForkAgain
            | Step::MainProcess(_)
            | Step::HandOver
            | Step::Monitor(_) => Ok(()),
        };
        done.map_err(|error| explain(step, &error))
    }

    fn made(&mut self, made: Created) {
        self.tell(&Report::Created(made.clone()));
        self.made.push(made);
    }

    fn output(&mut self, number: usize, output: &Output) -> io::Result<()> {
        let mut streams = std::mem::take(&mut self.streams);
        let account = &self.resolved.account;
        let opened = streams.output(number, output, account, |made| self.made(made));
        self.streams = streams;
        opened
    }

    fn lock(&mut self, step: &Step, path: &Path, descriptor: i32) -> Result<(), StepError> {
        let failed = |error: io::Error| StepError::io(step, &error);
        registry::prepare_directory().map_err(|unusable| StepError::unusable(step, unusable))?;
        let timeout = stop_timeout(self.spec);
        let pid_file = self.spec.pid_file.as_ref().map(|path| path.as_path().to_owned());
        let record = Record::own(pid_file, self.resolved.program.clone(), timeout).map_err(failed)?;
        let stop_signal = self.spec.kill_signal.map(|signal| signal.to_string());
        let session = if self.own_session {
            Session::Own(process::session(process::own_pid()).map_err(failed)?)
        } else {
            Session::Shared
        };
        let record = Record { stop_signal, session, user: self.resolved.account.uid, ..record };
        let taken = succession::take(path, self.remains, || match self.stays {
            Stays::No => Lock::take(path, descriptor, &record),
            Stays::Itself => Lock::take_here(path, &record),
        });
        self.lock = Some(taken.map_err(failed)?.map_err(|taken| succession::refused(self.spec, taken))?);
        Ok(())
    }

    /// Writes it in this way.
    fn pid_file(
        &self,
        path: &Path,
        act: impl FnOnce(&dyn Fn() -> Result<(), Untrusted>) -> io::Result<Result<(), Untrusted>>,
    ) -> Result<(), StepError> {
        let judge = account::judge(&self.resolved.account);
        let written = act(&|| pid_file::write(path, process::own_pid(), judge));
        written.unwrap_or_else(|error| Err(error.into())).map_err(|Untrusted { cause, hint, errno }| {
            StepError {
                hint,
                errno,
                ..StepError::about("pid file", path.display().to_string(), cause, PID_FILE)
            }
        })
    }

    fn directory(&mut self, path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
        let judge = account::judge(&self.resolved.account);
        directory::make(path, mode, owner, judge, &mut |made| self.made(made))
    }

    fn listen(&mut self, step: &Step, socket: &Socket, descriptor: i32) -> Result<(), StepError> {
        let (sockets, resolved) = (&self.spec.sockets, self.resolved);
        let mut made = |one| self.made(one);
        let opened = listen::open(socket, sockets, resolved.socket_owner, &resolved.account, &mut made);
        let failed =
            |Unopened { cause, hint, errno }| StepError { hint, errno, ..StepError::at(step, cause) };
        let opened = opened.map_err(failed)?;
        self.hand_over(opened, descriptor).map_err(|error| StepError::io(step, &error))
    }

    fn activate(&mut self, given: &[i32]) -> io::Result<()> {
        for (&number, descriptor) in given.iter().zip(Sockets::FIRST_DESCRIPTOR..) {
            let socket = fd::duplicate_raw(number, Sockets::FIRST_DESCRIPTOR)?;
            // As it would be with systemd, whose sockets wait unless a service says NonBlocking=.
            fd::nonblocking(&socket, false)?;
            self.hand_over(socket, descriptor)?;
        }
        Ok(())
    }

    /// Gives the program a socket at this number. Until then it has one that the program is not promised.
    fn hand_over(&mut self, socket: OwnedFd, number: i32) -> io::Result<()> {
        let aside = fd::move_off(socket, &self.program_descriptors)?;
        self.place(aside, number);
        self.sockets += 1;
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
        if self.spec.ambient_capabilities.is_some_and(|set| set != Capabilities::EMPTY) {
            capability::keep_over_user_change()?;
        }
        if let (true, true, Some(entry)) =
            (self.own_session, self.resolved.caller.is_root(), &self.resolved.account.entry)
        {
            // A service does its work under a wrong name of its session as well.
            let _ = identity::set_login(&entry.name);
        }
        // Of another than root they are what they were.
        let groups = self.resolved.caller.is_root().then_some(&*self.resolved.account.groups);
        identity::set_user(uid, groups).map(drop)
    }

    fn execute(&mut self, step: &Step, path: &Path) -> StepError {
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
            return StepError::at(step, "an argument or a variable holds a NUL byte");
        };
        if let Some(pipe) = &self.listener
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
}

/// What a service is called where it is found running: by its name, or its pid file.
pub(super) fn what(spec: &ServiceSpec) -> String {
    let name = spec.name.as_ref().map(ToString::to_string);
    name.or_else(|| spec.pid_file.as_ref().map(ToString::to_string)).unwrap_or_default()
}

/// How long a stop may take, in microseconds; none for ever.
pub(super) fn stop_timeout(spec: &ServiceSpec) -> Option<u64> {
    match spec.timeout_stop {
        Some(span) => span.finite().map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        None => Some(super::DEFAULT_STOP_MICROS),
    }
}

/// After a failed start: takes away what was made, and the pid file and the lock of this main process, as far as each
/// is still what it was. What belongs to another instance stays: each of these looks whose it is.
pub fn take_away(spec: &ServiceSpec, resolved: &Resolution, made: &[Created], main: Option<i32>) {
    if let (Some(pid_file), Some(main)) = (&spec.pid_file, main) {
        let _ = pid_file::remove(pid_file.as_path(), main);
    }
    journal::undo(made, &resolved.account);
    if let Some(path) = &resolved.lock {
        let _ = registry::remove(path);
    }
}

/// What nobody asked for is put right as far as we may: what a `nice` shell or the manager of a container has taken,
/// it may be that only root gets back.
fn wanted(asked: bool, done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if !asked && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// The kernel's word, and where that is known to puzzle people what can be done.
fn explain(step: &Step, error: &io::Error) -> StepError {
    let failure = StepError::io(step, error);
    match (step, error.kind()) {
        (Step::Nice(_) | Step::OomScore(_) | Step::Limit(..), io::ErrorKind::PermissionDenied)
            if identity::effective_user() != 0 =>
        {
            failure.hint("only root can raise this")
        }
        (Step::RootDirectory(_), io::ErrorKind::PermissionDenied) => {
            failure.hint("only root can change the root")
        }
        (Step::StandardOutput(_) | Step::StandardError(_), io::ErrorKind::Other) => {
            failure.hint("remove it, or log to a directory in which only root can make files")
        }
        (Step::WorkingDirectory(_), io::ErrorKind::PermissionDenied) => {
            failure.hint("the user that the service runs as may not enter it")
        }
        (Step::Execute(_), io::ErrorKind::NotFound) => {
            failure.hint("the file is there, but its loader or interpreter is not")
        }
        _ => failure,
    }
}
