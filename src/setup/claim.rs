//! The identity of a service whose program forks itself into the background.
//!
//! The lock goes with the process that took it, and the first process of such a program leaves. So it is taken by the
//! one that waits, which is recorded as the service for as long as it starts it: whoever stops the service then stops
//! the start. When the main process is known it is recorded instead; and once nobody waits any more the record alone
//! stands in for the lock.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use svcadapt_spec::ServiceSpec;

use super::perform::ServiceProcess;
use super::succession::Remains;
use super::{perform, succession};
use crate::error::StepError;
use crate::plan::{FORKING, Plan, Resolution, Step, Strategy};
use crate::registry;
use crate::registry::{Lock, Record, Session};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, process, process_info};

/// What a start that is told to stop may take longer than the service: it ends what it has started first.
const LAUNCHER_EXTRA: Duration = Duration::from_secs(15);

/// The lock of a service, held by the process that waits for it.
#[derive(Debug)]
pub struct LauncherLock<'a> {
    spec: &'a ServiceSpec,
    resolved: &'a Resolution,
    /// With what was recorded at first; none where the service has neither a name nor a pid file.
    lock: Option<(Lock, Record)>,
}

impl<'a> LauncherLock<'a> {
    /// Takes the lock and records this process, or says that the service runs already.
    pub fn take(
        spec: &'a ServiceSpec,
        resolved: &'a Resolution,
        strategy: Strategy,
    ) -> Result<Self, StepError> {
        let mut claim = Self { spec, resolved, lock: None };
        let Some(path) = &resolved.lock else { return Ok(claim) };
        let step = Step::Lock { path: path.clone(), descriptor: 0 };
        let failed = |error: io::Error| StepError::io(&step, &error);
        registry::prepare_directory().map_err(|unusable| StepError::unusable(&step, unusable))?;
        let longer = u64::try_from(LAUNCHER_EXTRA.as_micros()).unwrap_or(u64::MAX);
        let timeout = perform::stop_timeout(spec).map(|timeout| timeout.saturating_add(longer));
        let record = Record::own(claim.pid_file(), resolved.program.clone(), timeout).map_err(failed)?;
        let record = Record { user: resolved.account.uid, ..record };
        let taken = succession::take(path, Remains::of(strategy), || Lock::take_here(path, &record))
            .map_err(failed)?;
        claim.lock = Some((taken.map_err(|taken| succession::refused(spec, taken))?, record));
        Ok(claim)
    }

    /// In the process that becomes the program: records the mark of all that this one starts, and gives the descriptor
    /// that all of them have.
    pub(super) fn join(&self, mark: Option<String>) -> io::Result<Option<OwnedFd>> {
        let Some((lock, record)) = &self.lock else { return Ok(None) };
        lock.record(&Record { mark, ..record.clone() })?;
        fd::duplicate(lock, 3).map(Some)
    }

    /// Records the main process. Its session is its own if it is not ours: then it was made since we started it.
    ///
    /// What was found out by its number is true of it only if it has not ended by then, which `held` tells. One that has
    /// is not recorded; its end is news of its own.
    pub fn hand_over(&self, main: i32, held: &ProcessHandle) -> Result<(), StepError> {
        let failed = |error: io::Error| StepError::io(&Step::MainProcess(self.pid_file()), &error);
        let looked = self.record_of(main);
        if held.has_ended().map_err(failed)? {
            return Ok(());
        }
        looked.and_then(|record| self.write(&record)).map_err(failed)
    }

    fn record_of(&self, main: i32) -> io::Result<Record> {
        let timeout = perform::stop_timeout(self.spec);
        let record = Record::of(main, self.pid_file(), self.resolved.program.clone(), timeout)?;
        let session = process::session(main)?;
        let own = session != process_info::own().session;
        Ok(Record {
            mark: self.lock.as_ref().and_then(|(lock, _)| lock.mark()),
            user: self.resolved.account.uid,
            stop_signal: self.spec.kill_signal.map(|signal| signal.to_string()),
            session: if own { Session::Own(session) } else { Session::Shared },
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
    /// Belongs to a service whose lock another process has taken.
    pub fn claimed(&mut self, claim: Option<LauncherLock<'a>>) {
        self.claim = claim.map(Box::new);
    }

    /// Hands down to a program that forks itself away what all of its processes are known by, and records that before it
    /// runs: whoever waits for it may be killed before the main one is found.
    pub(super) fn join(&mut self, plan: &Plan) -> Result<(), StepError> {
        let lock = plan.steps.iter().find_map(|planned| match &planned.step {
            Step::Lock { descriptor, .. } => Some((&planned.step, *descriptor)),
            _ => None,
        });
        let (Some(claim), Some((step, number))) = (self.claim.take(), lock) else { return Ok(()) };
        let failed = |error: io::Error| StepError::io(step, &error);
        let mark = self.started_as.as_deref().map(|started_as| format!("{started_as}{FORKING}"));
        self.started_as.clone_from(&mark);
        if let Some(descriptor) = claim.join(mark).map_err(failed)? {
            let aside = fd::move_off(descriptor, &self.program_descriptors).map_err(failed)?;
            self.place(aside, number);
        }
        Ok(())
    }
}
