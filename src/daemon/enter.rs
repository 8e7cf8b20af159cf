//! Becoming the service.

use std::fmt::Display;
use std::io;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::plan::Course;
use crate::plan::Plan;
use crate::setup::Failure;
use crate::setup::Report;
use crate::setup::Settled;
use crate::setup::Work;
use crate::supervise;
use crate::supervise::Divided;
use crate::sys::fd;
use crate::sys::process;

use super::Daemon;
use super::Error;
use super::Service;
use super::Signals;
use super::above::Above;
use super::builder::Prepared;
use super::launcher;
use super::service::Held;

/// Whether this process is a service, or on the way to be one.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// How long a thread that has been joined may still be counted.
const JOINED: Duration = Duration::from_millis(200);

impl Daemon<'_> {
    /// Becomes the service, and returns in its process.
    ///
    /// Where nobody supervises the program, it is forked twice. The process that was started stays as the launcher: it
    /// never returns from here, runs none of the program's code any more, and ends when the service is ready (status 0)
    /// or has failed (one line on standard error and a status, and nothing of it is left). As process 1 of a container
    /// it stays to reap orphans and to pass signals on. Under a supervisor it is this very process that returns.
    ///
    /// The steps and their order are those of [`Daemon::plan`]. What can be wrong is looked at before anything is changed;
    /// what fails after the fork is told by the launcher.
    ///
    /// It has to come before anything that makes threads:
    ///
    /// ```
    /// use svcadapt::Daemon;
    /// use svcadapt::daemon::Error;
    ///
    /// let other = std::thread::spawn(std::thread::park);
    /// assert!(matches!(Daemon::new().enter(), Err(Error::Threads { .. })));
    /// other.thread().unpark();
    /// ```
    ///
    /// and before children are started: of those the launcher would be the parent, and the service would not. What has been
    /// built is used up, so that it cannot enter twice; another one can be built, and is refused ([`Error::Entered`]).
    ///
    /// ```compile_fail,E0382
    /// let daemon = svcadapt::Daemon::new();
    /// let first = daemon.enter();
    /// let second = daemon.enter();
    /// ```
    pub fn enter(self) -> Result<Service, Error> {
        alone()?;
        if ENTERED.swap(true, Ordering::SeqCst) {
            return Err(Error::Entered);
        }
        let entered = self.go();
        if let Err(Error::Refused(_) | Error::Running(_)) = entered {
            // Nothing has been changed, so it may be tried again.
            ENTERED.store(false, Ordering::SeqCst);
        }
        entered
    }

    /// Becomes the service, does `body` in its process, and gives what `main` is to return: all that a `main` needs.
    ///
    /// An error of `body` is told to whoever waits, or on standard error ([`Service::fail`]); one of entering on standard
    /// error, in the program's name, with the status that says the same.
    pub fn run<E: Display>(self, body: impl FnOnce(&mut Service) -> Result<(), E>) -> ExitCode {
        match self.enter() {
            Ok(mut service) => match body(&mut service) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => service.fail(error),
            },
            Err(error) => launcher::complain(&error),
        }
    }

    fn go(self) -> Result<Service, Error> {
        let Prepared { spec, mut resolved, detection } = self.prepare()?;
        let above =
            Above::take(&spec, &mut resolved, &detection).map_err(|failure| Error::Refused(vec![failure]))?;
        let plan = Plan::of_itself(&spec, &resolved, &detection);
        supervise::check(&plan).map_err(|failure| Error::Refused(vec![failure]))?;
        if let Some(failure) = supervise::running_already(&spec, &resolved) {
            return Err(Error::Running(failure));
        }
        let held = Box::new(Held { spec, resolved, plan });
        // What is buffered would be written twice.
        let _ = io::stdout().flush();
        let work = match supervise::divide(&held.spec, &held.plan, &held.resolved) {
            Divided::Launcher(outcome) => launcher::leave(outcome),
            Divided::Service(work) => work,
        };
        let (settled, signals) = match self.settle(work, &held.plan) {
            Ok(settled) => settled,
            // Somebody waits for the truth, and has been told.
            Err(failure) if held.plan.course != Course::Exec => process::exit_now(failure.status),
            Err(failure) => return Err(Error::Step(failure)),
        };
        Ok(Service::new(held, settled, signals, above, detection, self.privileges))
    }

    fn settle(&self, mut work: Work<'_>, plan: &Plan) -> Result<(Settled, Signals), Failure> {
        let done = work.settle(plan, self.privileges.into()).and_then(|()| {
            let signals = Signals::open(&self.signals);
            signals.inspect_err(|failure| work.tell(&Report::Failed(failure.clone())))
        });
        match done {
            Ok(signals) => {
                work.tell(&Report::Settled);
                Ok((work.settled(), signals))
            }
            Err(failure) => {
                if plan.course == Course::Exec {
                    work.take_away();
                }
                Err(failure)
            }
        }
    }
}

/// Makes sure that there is one thread. The kernel forgets one that has ended a moment after whoever has joined it goes on.
pub(super) fn alone() -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        match process::threads() {
            Ok(1) => return Ok(()),
            Ok(_) if begun.elapsed() < JOINED => {
                let none: [std::os::fd::BorrowedFd<'_>; 0] = [];
                // Nothing tells when that moment is over but the count.
                let _ = fd::wait_readable(&none, Some(Duration::from_millis(1)));
            }
            Ok(count) => return Err(Error::Threads { count }),
            Err(error) => {
                let failure = Failure::kernel("daemon", "threads", &error, super::USAGE);
                return Err(Error::Refused(vec![failure]));
            }
        }
    }
}
