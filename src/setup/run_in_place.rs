//! Becomes the service without executing another program.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use svcadapt_spec::{Capabilities, Personality, SecureBits};

use super::credentials;
use super::leftovers::LeftoverPolicy;
use super::perform::ServiceProcess;
use super::report::Report;
use crate::error::StepError;
use crate::plan::{Ending, Plan, SetupStep};
use crate::registry;
use crate::registry::Lock;
use crate::sys::limits::NOFILE;
use crate::sys::{capability, fd, file, limits, process_settings, signal};

/// What a program has after it became the service in place.
#[derive(Debug)]
pub struct SetupResult {
    /// The pipe to the process that waits for reports. `None` if there is none.
    pub report_pipe: Option<OwnedFd>,
    /// The lock against a second instance. It must stay open while the service runs.
    pub lock: Option<Lock>,
    /// The sockets that were opened for the program, in order.
    pub sockets: Vec<OwnedFd>,
    /// What standard error becomes when the service is ready. Until then the starter's stays open.
    pub deferred_stderr: Option<OwnedFd>,
}

/// When privileges are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivilegeDrop {
    /// With the other steps.
    #[default]
    Drop,
    /// Later, by [`ServiceProcess::drop_privileges`].
    Keep,
}

impl ServiceProcess<'_> {
    /// Performs the steps of the service's process without an exec. After a failure the process is only partly set up
    /// and must exit.
    pub fn run_in_place(&mut self, plan: &Plan, privileges: PrivilegeDrop) -> Result<(), StepError> {
        self.ending = Ending::Return;
        self.own_session |= plan.has_new_session();
        self.leftovers = LeftoverPolicy::of(plan.strategy);
        let now = |step: &SetupStep| privileges == PrivilegeDrop::Drop || !step.drops_privileges();
        self.perform_matching(plan, now)
    }

    /// Performs the steps that [`PrivilegeDrop::Keep`] has deferred.
    pub fn drop_privileges(&mut self, plan: &Plan) -> Result<(), StepError> {
        self.ending = Ending::Return;
        self.perform_matching(plan, SetupStep::drops_privileges)
    }

    fn perform_matching(&mut self, plan: &Plan, which: impl Fn(&SetupStep) -> bool) -> Result<(), StepError> {
        let done = plan.setup_steps().filter(|step| which(step)).try_for_each(|step| self.perform(step));
        let _ = signal::restore_ignored(signal::SIGXFSZ);
        done.inspect_err(|failure| self.report(&Report::Failed(failure.clone())))
    }

    /// The report pipe, for a program that is re-executed.
    pub fn into_report_pipe(self) -> Option<OwnedFd> {
        self.report_pipe
    }

    /// The resources that are left after all steps.
    pub fn into_result(self) -> SetupResult {
        let Self { report_pipe, lock, mut streams, placements, .. } = self;
        // In place, only sockets are placed.
        let sockets = placements.into_iter().map(|(socket, _)| socket).collect();
        SetupResult { report_pipe, lock, sockets, deferred_stderr: streams.deferred_stderr() }
    }

    /// Descriptors that this process opened are close-on-exec and stay. The others were inherited and are not used
    /// here: `/dev/null` replaces them, so that a process that waits for their end (of a pipe, a terminal) sees it,
    /// and their numbers stay occupied.
    pub(super) fn inherited_descriptors(&mut self, kept: &[i32]) -> io::Result<()> {
        self.streams.place_without_null_stderr()?;
        let null = file::open_null()?;
        // Closing any descriptor of the file drops a POSIX lock (fcntl(2)); keep it.
        let locks = registry::inherited();
        let foreign =
            fd::inherited()?.into_iter().filter(|one| !kept.contains(&one.number())).collect::<Vec<_>>();
        // dup2(2) refuses a number above the soft limit, even if it is open; so the soft limit is raised, but only as
        // far as needed: macOS has hard limits that setrlimit(2) rejects as soft ones (COMPATIBILITY). A number above
        // the hard limit can never be assigned again, so closing it is safe.
        let (soft, hard) = limits::get(NOFILE)?;
        let highest = foreign.iter().map(fd::InheritedFd::number).max();
        let needed = highest.and_then(|number| u64::try_from(number).ok()).unwrap_or(0) + 1;
        let raised = needed > soft && hard > soft;
        if raised {
            limits::set(NOFILE, needed.min(hard), hard)?;
        }
        for inherited in foreign {
            if locks.contains(&inherited.number()) {
                inherited.close_on_exec_raw()?;
            } else if u64::try_from(inherited.number()).is_ok_and(|number| number < hard) {
                inherited.replace(&null)?;
            } else {
                inherited.close()?;
            }
        }
        if raised { limits::set(NOFILE, soft, hard) } else { Ok(()) }
    }

    /// Without an exec, capabilities outside the bounding set must be dropped explicitly.
    pub(super) fn bound(&self, set: Capabilities) -> io::Result<()> {
        capability::bound(set.bits())?;
        // Changing groups and user still needs some of them.
        if self.ending == Ending::Return && self.resolved.account.uid == 0 {
            capability::limit_own(set.bits())?;
        }
        Ok(())
    }

    pub(super) fn credentials(&mut self, path: &Path, fresh: bool) -> io::Result<()> {
        let (spec, resolved) = (self.spec, self.resolved);
        credentials::provide(path, fresh, spec, resolved, &mut |made| self.report_created(made))
    }

    /// A personality of other processors: systemd ignores such a line of a unit, which was reported before the start.
    pub(super) fn personality(&self, machine: Personality) -> io::Result<()> {
        match process_settings::set_personality(machine.name()) {
            Err(error)
                if error.kind() == io::ErrorKind::Unsupported && self.spec.native.systemd.is_some() =>
            {
                Ok(())
            }
            done => done,
        }
    }

    pub(super) fn secure_bits(&self, bits: SecureBits) -> io::Result<()> {
        capability::set_secure_bits(bits.bits())?;
        // The change of the user kept all capabilities for this one step.
        let ambient = self.spec.ambient_capabilities.unwrap_or(Capabilities::EMPTY);
        if self.ending == Ending::Return && ambient == Capabilities::EMPTY && self.resolved.account.uid != 0 {
            capability::limit_own(0)?;
        }
        Ok(())
    }

    pub(super) fn ambient(&self, set: Capabilities) -> io::Result<()> {
        capability::set_ambient(set.bits())?;
        // The change of the user kept all capabilities for this one step.
        if self.ending == Ending::Return && set != Capabilities::EMPTY && self.resolved.account.uid != 0 {
            capability::limit_own(set.bits())?;
        }
        Ok(())
    }
}
