//! Becoming the service.

use std::fmt::Display;
use std::io;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use svcadapt_spec::ServiceSpec;

use super::handoff::Handoff;
use super::prepare::{StartInputs, different_request};
use super::reexec::{HandoffReceiver, HandoffSender};
use super::service::StartContext;
use super::supervisor::FromSupervisor;
use super::{Daemon, Error, Service, Signals, launcher};
use crate::detect::Detection;
use crate::error::StepError;
use crate::launch::Role;
use crate::plan::{Plan, Step, Strategy};
use crate::setup::{Report, ServiceProcess, Settled};
use crate::sys::{fd, process, signal};
use crate::{launch, setup};

/// Whether this process is a service, or on the way to be one.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// How often it was tried in this process.
static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

/// How long a thread that has been joined may still be counted.
const JOIN_TIMEOUT: Duration = Duration::from_millis(200);

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
    /// On macOS, and where [`Daemon::reexecute`] says so, the program is executed reexec between the forks and the other steps,
    /// and this function is called twice: it returns in the second `main`, in the process that is the service
    /// ([`crate::daemon`], "Executed reexec").
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
    /// built is used up, so that it cannot enter twice; another one can be built, and is refused ([`Error::AlreadyEntered`]).
    ///
    /// ```compile_fail,E0382
    /// let daemon = svcadapt::Daemon::new();
    /// let first = daemon.enter();
    /// let second = daemon.enter();
    /// ```
    pub fn enter(self) -> Result<Service, Error> {
        if let Some(refused) = setup::refuse_lent_rights() {
            return Err(Error::Refused(vec![refused]));
        }
        let attempt = ATTEMPTS.fetch_add(1, Ordering::SeqCst);
        let arrival = if ENTERED.load(Ordering::SeqCst) {
            None
        } else {
            HandoffReceiver::look().map_err(|lost| Error::Refused(vec![lost]))?
        };
        let early = match arrival {
            Some(due) if due.is_due(attempt) => {
                ENTERED.store(true, Ordering::SeqCst);
                return self.go_on(due);
            }
            early => early,
        };
        alone()?;
        if ENTERED.swap(true, Ordering::SeqCst) {
            return Err(Error::AlreadyEntered);
        }
        let entered = self.go(attempt, early);
        if let Err(Error::Refused(_) | Error::AlreadyRunning(_)) = entered {
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
            Err(error) => launcher::report_error(&error),
        }
    }

    fn go(self, attempt: u32, early: Option<HandoffReceiver>) -> Result<Service, Error> {
        let refused = |failure| Error::Refused(vec![failure]);
        let StartInputs { spec, mut resolved, detection } = self.prepare()?;
        let supervisor = FromSupervisor::take(&spec, &mut resolved, &detection).map_err(refused)?;
        resolved
            .notes
            .iter()
            .for_each(|note| launcher::write_stderr(&launcher::error_line(&StepError::from(note))));
        let plan = self.plan_of(&spec, &resolved, &detection);
        launch::check(&plan).map_err(refused)?;
        if let Some(failure) = launch::running_already(&spec, &resolved) {
            return Err(Error::AlreadyRunning(failure));
        }
        let departure = if plan.has_reexec() {
            Some(self.departure(&spec, &plan, &detection, attempt).map_err(refused)?)
        } else {
            None
        };
        if let Some(early) = early {
            // It was refused when it was tried the first time, or was another one.
            let (_, reports) = early.take().map_err(|error| lost(&error))?;
            fail_start(&reports, &different_request());
        }
        let held = Box::new(StartContext { spec, resolved, plan });
        // What is buffered would be written twice.
        let _ = io::stdout().flush();
        let work = match launch::divide(&held.spec, &held.plan, &held.resolved) {
            Role::Launcher(outcome) => launcher::exit_as(outcome),
            Role::Service(work) => match departure {
                Some(departure) => departure.leave(work, &held.resolved.program),
                None => work,
            },
        };
        let settled = self.settle(work, &held.plan);
        self.entered(held, settled, supervisor, detection)
    }

    /// Goes on in the process that was forked off, where the program has been executed again.
    fn go_on(self, arrival: HandoffReceiver) -> Result<Service, Error> {
        let (handoff, reports) = arrival.take().map_err(|error| lost(&error))?;
        let _ = Report::Entered.send(&reports);
        // What comes from here on is told when the signal map is there.
        let _ = signal::block_all();
        let (StartInputs { spec, resolved, detection }, supervisor) = match self.arrived(&handoff) {
            Ok(arrived) => arrived,
            Err(error) => match error.failures().first() {
                Some(failure) => fail_start(&reports, failure),
                None => return Err(error),
            },
        };
        let plan = self.plan_of(&spec, &resolved, &detection);
        let held = Box::new(StartContext { spec, resolved, plan });
        let work = launch::resume(&held.spec, &held.plan, &held.resolved, reports);
        let settled = self.settle(work, &held.plan);
        self.entered(held, settled, supervisor, detection)
    }

    fn arrived(&self, handoff: &Handoff) -> Result<(StartInputs, FromSupervisor), Error> {
        alone()?;
        let mut prepared = self.prepare_reexec(handoff)?;
        let supervisor = FromSupervisor::take(&prepared.spec, &mut prepared.resolved, &prepared.detection);
        Ok((prepared, supervisor.map_err(|failure| Error::Refused(vec![failure]))?))
    }

    fn departure(
        &self,
        spec: &ServiceSpec,
        plan: &Plan,
        detection: &Detection,
        attempt: u32,
    ) -> Result<HandoffSender, StepError> {
        if plan.steps.iter().any(|planned| matches!(planned.step, Step::Activate { .. })) {
            let cause =
                "what launchd has given to this process cannot be handed on to one that is executed again";
            return Err(StepError::about("launchd sockets", spec.launchd_sockets(), cause, super::USAGE));
        }
        HandoffSender::new(detection, self.fingerprint(spec), attempt)
            .map_err(|error| StepError::io(&Step::Fork, &error))
    }

    fn entered(
        &self,
        held: Box<StartContext>,
        settled: Result<(Settled, Signals), StepError>,
        supervisor: FromSupervisor,
        detection: Detection,
    ) -> Result<Service, Error> {
        match settled {
            Ok((settled, signals)) => {
                Ok(Service::new(held, settled, signals, supervisor, detection, self.privileges))
            }
            // Somebody waits for the truth, and has been told.
            Err(failure) if held.plan.strategy != Strategy::Exec => process::exit_now(failure.status),
            Err(failure) => Err(Error::Step(failure)),
        }
    }

    fn settle(&self, mut work: ServiceProcess<'_>, plan: &Plan) -> Result<(Settled, Signals), StepError> {
        let done = work.settle(plan, self.privileges).and_then(|()| {
            let signals = Signals::open(&self.signals);
            signals.inspect_err(|failure| work.tell(&Report::Failed(failure.clone())))
        });
        match done {
            Ok(signals) => {
                work.tell(&Report::Settled);
                Ok((work.settled(), signals))
            }
            Err(failure) => {
                if plan.strategy == Strategy::Exec {
                    work.take_away();
                }
                Err(failure)
            }
        }
    }
}

/// The end of a process that cannot go on, as the launcher is told it.
fn fail_start(reports: &OwnedFd, failure: &StepError) -> ! {
    let _ = Report::Failed(failure.clone()).send(reports);
    process::exit_now(failure.status)
}

fn lost(error: &io::Error) -> Error {
    Error::Refused(vec![StepError::kernel("daemon", "descriptors", error, super::USAGE)])
}

/// Makes sure that there is one thread. The kernel forgets one that has ended a moment after whoever has joined it goes on.
pub(super) fn alone() -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        match process::threads() {
            Ok(1) => return Ok(()),
            Ok(_) if begun.elapsed() < JOIN_TIMEOUT => {
                let none: [std::os::fd::BorrowedFd<'_>; 0] = [];
                // Nothing tells when that moment is over but the count.
                let _ = fd::wait_readable(&none, Some(Duration::from_millis(1)));
            }
            Ok(count) => return Err(Error::Threads { count }),
            Err(error) => {
                let failure = StepError::kernel("daemon", "threads", &error, super::USAGE);
                let failure = failure.hint("on Linux they are counted in /proc, which has to be mounted");
                return Err(Error::Refused(vec![failure]));
            }
        }
    }
}
