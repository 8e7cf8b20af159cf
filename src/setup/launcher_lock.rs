//! The lock of a service whose program forks itself into the background.
//!
//! The lock belongs to the process that took it, and the first process of such a program exits. So the launcher takes
//! the lock and records itself as the service while the start lasts: a `stop` then stops the start. When the main
//! process is found, it is recorded instead. After the launcher has exited, the record alone replaces the lock.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use svcadapt_spec::{ServiceSpec, ServiceType};

use super::leftovers;
use super::leftovers::LeftoverPolicy;
use super::perform::ServiceProcess;
use super::stop_timeout::stop_timeout;
use crate::error::StepError;
use crate::plan::{FORKING, Label, LaunchStep, Plan, Resolution, Strategy};
use crate::registry;
use crate::registry::{Lock, Monitor, Record, Session};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, process, process_info};

/// A launcher that is asked to stop first ends what it has started; this is added to the service's stop timeout.
const LAUNCHER_EXTRA: Duration = Duration::from_secs(15);

/// The lock of a service, held by the launcher.
#[derive(Debug)]
pub struct LauncherLock<'a> {
    spec: &'a ServiceSpec,
    resolved: &'a Resolution,
    /// Whether this process stays with the service.
    stays: bool,
    /// The lock and the first record. `None` if the service has neither a name nor a pid file.
    lock: Option<(Lock, Record)>,
}

impl<'a> LauncherLock<'a> {
    /// Takes the lock and records this process. Fails if the service is already running.
    pub fn take(
        spec: &'a ServiceSpec,
        resolved: &'a Resolution,
        strategy: Strategy,
    ) -> Result<Self, StepError> {
        let stays = strategy.stays();
        let mut launcher_lock = Self { spec, resolved, stays, lock: None };
        let Some(path) = &resolved.lock else { return Ok(launcher_lock) };
        let failed = |error| StepError::io(Label::lock(path), &error);
        registry::prepare_directory().map_err(|unusable| StepError::unusable(Label::lock(path), unusable))?;
        let longer = u64::try_from(LAUNCHER_EXTRA.as_micros()).unwrap_or(u64::MAX);
        let timeout = stop_timeout(spec).map(|timeout| timeout.saturating_add(longer));
        let record =
            Record::own(launcher_lock.pid_file(), resolved.program.clone(), timeout).map_err(failed)?;
        let monitor = stays.then(Monitor::own);
        let record = Record { user: resolved.account.uid, monitor, ..record };
        let taken = leftovers::take(path, LeftoverPolicy::of(strategy), || Lock::take_here(path, &record))
            .map_err(failed)?;
        let lock = taken.map_err(|taken| leftovers::already_running(spec, taken))?;
        lock.store_spec(spec, strategy.mode().name()).map_err(failed)?;
        launcher_lock.lock = Some((lock, record));
        Ok(launcher_lock)
    }

    /// Goes on with the lock of an earlier image of this process, which stays with the service.
    pub fn inherit(spec: &'a ServiceSpec, resolved: &'a Resolution, descriptor: OwnedFd) -> io::Result<Self> {
        let mut launcher_lock = Self { spec, resolved, stays: true, lock: None };
        let Some(path) = &resolved.lock else { return Ok(launcher_lock) };
        let timeout = stop_timeout(spec);
        let record = Record::own(launcher_lock.pid_file(), resolved.program.clone(), timeout)?;
        let record = Record { user: resolved.account.uid, monitor: Some(Monitor::own()), ..record };
        launcher_lock.lock = Some((Lock::inherit(descriptor, path), record));
        Ok(launcher_lock)
    }

    /// The number of the lock's descriptor.
    pub fn number(&self) -> Option<i32> {
        self.lock.as_ref().map(|(lock, _)| lock.as_fd().as_raw_fd())
    }

    /// In the process that becomes the program: records the mark that all processes of the service carry, and returns
    /// the lock's descriptor that they inherit.
    pub(super) fn join(&self, mark: Option<String>) -> io::Result<Option<OwnedFd>> {
        let Some((lock, record)) = &self.lock else { return Ok(None) };
        lock.record(&Record { mark, ..record.clone() })?;
        fd::duplicate(lock, 3).map(Some)
    }

    /// Records the main process. If its session differs from the launcher's, the session was created after the start
    /// and is its own.
    ///
    /// The facts read by pid are valid only if the process still lives afterwards, which `held` proves. A process
    /// that has ended is not recorded; its end is reported separately.
    pub fn record_main(&self, main: i32, held: &ProcessHandle) -> Result<(), StepError> {
        let step = LaunchStep::MainProcess(self.pid_file());
        let looked = self.record_of(main);
        if held.has_ended().map_err(step.io_error())? {
            return Ok(());
        }
        looked.and_then(|record| self.write(&record)).map_err(step.io_error())
    }

    /// Records that this process stays with the service, which has no main process now.
    pub fn record_monitor(&self) -> Result<(), StepError> {
        let step = LaunchStep::MainProcess(self.pid_file());
        let Some((_, first)) = &self.lock else { return Ok(()) };
        let mark = self.lock.as_ref().and_then(|(lock, _)| lock.mark());
        self.write(&Record { mark, monitor: Some(Monitor::own()), ..first.clone() }).map_err(step.io_error())
    }

    fn record_of(&self, main: i32) -> io::Result<Record> {
        let timeout = stop_timeout(self.spec);
        let record = Record::of(main, self.pid_file(), self.resolved.program.clone(), timeout)?;
        let session = process::session(main)?;
        let own = session != process_info::own().session;
        Ok(Record {
            mark: self.lock.as_ref().and_then(|(lock, _)| lock.mark()),
            user: self.resolved.account.uid,
            stop_signal: self.spec.kill_signal.map(|signal| signal.to_string()),
            session: if own { Session::Own(session) } else { Session::Shared },
            monitor: self.stays.then(Monitor::own),
            ..record
        })
    }

    fn pid_file(&self) -> Option<PathBuf> {
        self.spec.pid_file.as_ref().map(|path| path.as_path().to_owned())
    }

    fn write(&self, record: &Record) -> io::Result<()> {
        self.lock.as_ref().map_or(Ok(()), |(lock, _)| lock.record(record))
    }
}

impl<'a> ServiceProcess<'a> {
    /// Uses a lock that the launcher has taken.
    pub fn use_launcher_lock(&mut self, launcher_lock: Option<LauncherLock<'a>>) {
        self.launcher_lock = launcher_lock.map(Box::new);
    }

    /// Gives a forking program the mark and the lock's descriptor, by which all its processes are found, and records
    /// the mark before the program runs: the launcher may be killed before it finds the main process.
    pub(super) fn join(&mut self, plan: &Plan) -> Result<(), StepError> {
        let lock = plan.launch_steps().find_map(|step| match step {
            LaunchStep::Lock { descriptor, .. } => Some((step, *descriptor)),
            _ => None,
        });
        let (Some(launcher_lock), Some((step, number))) = (self.launcher_lock.take(), lock) else {
            return Ok(());
        };
        let forking = self.spec.service_type == Some(ServiceType::Forking);
        let suffix = if forking { FORKING } else { "" };
        let mark = self.started_as.as_deref().map(|started_as| format!("{started_as}{suffix}"));
        self.started_as.clone_from(&mark);
        if let Some(descriptor) = launcher_lock.join(mark).map_err(step.io_error())? {
            let aside = fd::move_off(descriptor, &self.program_descriptors).map_err(step.io_error())?;
            self.place(aside, number);
        }
        Ok(())
    }
}
