//! The lock of a service whose program forks itself into the background.
//!
//! The lock belongs to the process that took it, and the first process of such a program exits. So the launcher takes
//! the lock and records itself as the service while the start lasts: a `stop` then stops the start. When the main
//! process is found, it is recorded instead. After the launcher has exited, the record alone replaces the lock.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use svcadapt_spec::{ServiceSpec, ServiceType};

use super::failure::service_label;
use super::leftovers::LeftoverPolicy;
use super::perform::ServiceProcess;
use super::stop_timeout::stop_timeout;
use super::{control_group, dynamic_user, leftovers};
use crate::error::{StepError, tell};
use crate::plan::{ControlGroup, FORKING, LaunchStep, Plan, Resolution, StepLabel, Strategy};
use crate::registry;
use crate::registry::{GroupRecord, Lock, Monitor, Record, Session};
use crate::sys::cgroup::Group;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{error_text, fd, process, process_info};

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
    /// The service's control group.
    control_group: Option<Group>,
    writes: Writes,
}

/// Whether the record must be written.
#[derive(Debug)]
enum Writes {
    /// A first start fails without.
    Required,
    /// A restart goes on with the record that exists, which names the monitor, if the file system is full.
    IfPossible {
        /// Whether that was reported since the record was last written.
        reported: Cell<bool>,
    },
    /// Not at all, by a process that is one of many.
    Never,
}

impl<'a> LauncherLock<'a> {
    /// Takes the lock and records this process. Fails if the service is already running.
    pub fn take(
        spec: &'a ServiceSpec,
        resolved: &'a Resolution,
        strategy: Strategy,
    ) -> Result<Self, StepError> {
        let stays = strategy.stays();
        let (control_group, writes) = (None, Writes::Required);
        let mut launcher_lock = Self { spec, resolved, stays, lock: None, control_group, writes };
        let Some(path) = &resolved.lock else { return Ok(launcher_lock) };
        let failed = |error| StepError::io(StepLabel::lock(path), &error);
        registry::prepare_directory()
            .map_err(|unusable| StepError::unusable(StepLabel::lock(path), unusable))?;
        let longer = u64::try_from(LAUNCHER_EXTRA.as_micros()).unwrap_or(u64::MAX);
        let timeout = stop_timeout(spec).map(|timeout| timeout.saturating_add(longer));
        let record =
            Record::own(launcher_lock.pid_file(), resolved.program.clone(), timeout).map_err(failed)?;
        let monitor = stays.then(Monitor::own);
        let record = Record { user: resolved.account.uid, monitor, ..record };
        let taken = leftovers::take(path, LeftoverPolicy::of(strategy), || Lock::take_here(path, &record))
            .map_err(failed)?;
        let lock = taken.map_err(|taken| leftovers::already_running(spec, taken))?;
        dynamic_user::verify(spec, resolved)?;
        lock.store_spec(spec, strategy.mode().name()).map_err(failed)?;
        launcher_lock.lock = Some((lock, record));
        Ok(launcher_lock)
    }

    /// Goes on with the lock of an earlier image of this process, which stays with the service.
    pub fn inherit(spec: &'a ServiceSpec, resolved: &'a Resolution, descriptor: OwnedFd) -> io::Result<Self> {
        let control_group = resolved.control_group.as_ref().and_then(|group| Group::open(&group.path).ok());
        let writes = Writes::IfPossible { reported: Cell::new(false) };
        let mut launcher_lock = Self { spec, resolved, stays: true, lock: None, control_group, writes };
        let Some(path) = &resolved.lock else { return Ok(launcher_lock) };
        let timeout = stop_timeout(spec);
        let record = Record::own(launcher_lock.pid_file(), resolved.program.clone(), timeout)?;
        let record = Record { user: resolved.account.uid, monitor: Some(Monitor::own()), ..record };
        launcher_lock.lock = Some((Lock::inherit(descriptor, path), record));
        Ok(launcher_lock)
    }

    /// From now on a record that cannot be written ends no service: it was running before.
    pub fn restarts(&mut self) {
        if matches!(self.writes, Writes::Required) {
            self.writes = Writes::IfPossible { reported: Cell::new(false) };
        }
    }

    /// In a process that is one of many of its service: it leaves the record to the monitor. They start at the same time,
    /// and would write it together.
    pub fn leave_record(&mut self) {
        self.writes = Writes::Never;
    }

    /// Creates the service's control group, and records it.
    pub fn create_group(&mut self, step: &LaunchStep, group: &ControlGroup) -> Result<(), StepError> {
        self.control_group = Some(control_group::create(group).map_err(step.io_error())?);
        self.lock.as_ref().map_or(Ok(()), |(_, record)| self.write(record)).map_err(step.io_error())
    }

    /// The service's control group.
    pub fn control_group(&self) -> Option<&Group> {
        self.control_group.as_ref()
    }

    /// The number of the lock's descriptor.
    pub fn number(&self) -> Option<i32> {
        self.lock.as_ref().map(|(lock, _)| lock.as_fd().as_raw_fd())
    }

    /// In the process that becomes the program: records the mark that all processes of the service carry, and returns
    /// the lock's descriptor that they inherit.
    pub(super) fn join(&self, mark: Option<String>) -> io::Result<Option<OwnedFd>> {
        let Some((lock, record)) = &self.lock else { return Ok(None) };
        if let Writes::IfPossible { reported } = &self.writes {
            // The monitor, which this process is a copy of, reports it.
            reported.set(true);
        }
        self.write(&Record { mark, ..record.clone() })?;
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
        if matches!(self.writes, Writes::Never) {
            return Ok(());
        }
        let control_group = self.control_group.as_ref().map(GroupRecord::of).transpose()?;
        let record = Record { control_group, ..record.clone() };
        let Some((lock, _)) = &self.lock else { return Ok(()) };
        let written = lock.record(&record);
        let Writes::IfPossible { reported } = &self.writes else { return written };
        match written {
            Err(error) if is_full(&error) => {
                if !reported.replace(true) {
                    let cause = format!(
                        "{}; the service goes on, and its monitor answers for it",
                        error_text(&error)
                    );
                    tell(&StepError::about("record", service_label(self.spec), cause, 0).to_string());
                }
                Ok(())
            }
            written => {
                reported.set(written.is_err());
                written
            }
        }
    }
}

/// Whether nothing more can be written to a file system.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
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
