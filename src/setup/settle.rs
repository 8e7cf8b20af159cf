//! Becoming the service without becoming another program: what differs from that for a process that stays what it is.

use std::io;
use std::os::fd::OwnedFd;

use svcadapt_spec::Capabilities;

use super::perform::{ServiceProcess, Stays};
use super::report::Report;
use super::succession::Remains;
use crate::error::StepError;
use crate::plan::{Actor, Plan, Step};
use crate::registry;
use crate::registry::Lock;
use crate::sys::limits::NOFILE;
use crate::sys::{capability, fd, file, limits, signal};

/// What a program that has become the service itself is left with.
#[derive(Debug)]
pub struct Settled {
    /// Where somebody waits for reports.
    pub listener: Option<OwnedFd>,
    /// What keeps a second instance away. It has to stay open as long as the service runs.
    pub lock: Option<Lock>,
    /// The sockets that were opened for it, in their order.
    pub sockets: Vec<OwnedFd>,
    /// What standard error becomes when the service is ready. Until then it is the starter's.
    pub last_stream: Option<OwnedFd>,
}

/// When rights are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileges {
    /// With the other steps.
    #[default]
    Drop,
    /// Later, by [`ServiceProcess::drop_privileges`].
    Keep,
}

impl ServiceProcess<'_> {
    /// Does the steps that are left to the service's process, which stays the program that it is. After a failure that
    /// process is half of what it should be, and has to end.
    pub fn settle(&mut self, plan: &Plan, privileges: Privileges) -> Result<(), StepError> {
        self.stays = Stays::Itself;
        if plan.steps.iter().any(|planned| planned.step == Step::NewSession) {
            self.own_session = true;
        }
        self.remains = Remains::of(plan.strategy);
        let now = |step: &Step| privileges == Privileges::Drop || !step.drops_privileges();
        self.perform_those(plan, now)
    }

    /// Does the steps that [`Privileges::Keep`] has left for later.
    pub fn drop_privileges(&mut self, plan: &Plan) -> Result<(), StepError> {
        self.stays = Stays::Itself;
        self.perform_those(plan, Step::drops_privileges)
    }

    fn perform_those(&mut self, plan: &Plan, which: impl Fn(&Step) -> bool) -> Result<(), StepError> {
        let mine = plan.steps.iter().filter(|planned| planned.by == Actor::Service && which(&planned.step));
        let done = mine.into_iter().try_for_each(|planned| self.perform(&planned.step));
        let _ = signal::restore_ignored(signal::SIGXFSZ);
        done.inspect_err(|failure| self.tell(&Report::Failed(failure.clone())))
    }

    /// Where somebody waits for reports, for a program that goes on in another image.
    pub fn into_listener(self) -> Option<OwnedFd> {
        self.listener
    }

    /// What is left when all steps are done.
    pub fn settled(self) -> Settled {
        let Self { listener, lock, mut streams, placements, .. } = self;
        // Nothing else is placed for a process that stays what it is.
        let sockets = placements.into_iter().map(|(socket, _)| socket).collect();
        Settled { listener, lock, sockets, last_stream: streams.last() }
    }

    /// Whatever this process has opened itself is close-on-exec, and stays. What is not came through the exec, and nobody
    /// in here has asked for it: the null device takes its place, so that whoever waits for its end (a pipe, a terminal)
    /// has it, and its number is still nobody else's.
    pub(super) fn inherited_descriptors(&mut self, kept: &[i32]) -> io::Result<()> {
        self.streams.place_but_last()?;
        let null = file::open_null()?;
        // To let go of a lock's descriptor would be to let go of the lock.
        let locks = registry::inherited();
        let foreign =
            fd::inherited()?.into_iter().filter(|one| !kept.contains(&one.number())).collect::<Vec<_>>();
        // dup2(2) refuses a number that the soft limit forbids, also one that is open. What the hard limit forbids is a
        // number that nobody here can be given again, so to close it harms nobody. No more is asked for than is needed:
        // macOS has hard limits that it takes for no soft one (setrlimit(2), COMPATIBILITY).
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

    /// Without an exec a capability outside of the set has to be given up as well.
    pub(super) fn bound(&self, set: Capabilities) -> io::Result<()> {
        capability::bound(set.bits())?;
        // Changing groups and user still needs some.
        if self.stays == Stays::Itself && self.resolved.account.uid == 0 {
            capability::limit_own(set.bits())?;
        }
        Ok(())
    }

    pub(super) fn ambient(&self, set: Capabilities) -> io::Result<()> {
        capability::set_ambient(set.bits())?;
        // The change of the user has left all of root's, for this one step.
        if self.stays == Stays::Itself && set != Capabilities::EMPTY && self.resolved.account.uid != 0 {
            capability::limit_own(set.bits())?;
        }
        Ok(())
    }
}
