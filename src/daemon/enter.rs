//! Becoming the service.

use std::fmt::Display;
use std::io;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use svcadapt_spec::ServiceSpec;

use super::handoff::Handoff;
use super::prepare::{StartInputs, different_request};
use super::reexec::{HandoffReceiver, HandoffSender};
use super::service::StartContext;
use super::single_thread::require_single_thread;
use super::supervisor::FromSupervisor;
use super::{Daemon, Error, Service, Signals, launcher};
use crate::detect::Detection;
use crate::error::{StepError, USAGE};
use crate::launch::Role;
use crate::plan::{LaunchStep, Plan, SetupStep, Strategy};
use crate::setup::{Report, ServiceProcess, SetupResult};
use crate::sys::{process, signal};
use crate::{launch, setup};

/// Whether this process is a service, or about to become one.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The number of calls of [`Daemon::enter`] in this process.
static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

impl Daemon<'_> {
    /// Becomes the service, and returns in the service's process.
    ///
    /// If no service manager supervises the program, it forks twice. The process that was started becomes the launcher:
    /// this function never returns in it, it runs none of the program's code any more, and it ends when the service is
    /// ready (status 0) or has failed (one line on standard error, a non-zero status, and no remains). As process 1 of
    /// a container it stays to reap orphans and to forward signals. Under a supervisor this function returns in the
    /// same process.
    ///
    /// The steps and their order are those of [`Daemon::plan`]. Everything that can be checked is checked before
    /// anything is changed; failures after the fork are reported by the launcher.
    ///
    /// On macOS, and with [`Daemon::reexecute`], the forked process executes the program again before the other steps,
    /// and this function is called twice: it returns in the second `main`, in the process that is the service
    /// ([`crate::daemon`], "Re-execution").
    ///
    /// Call it before anything that starts threads:
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
    /// and before starting children: they would be children of the launcher, not of the service. The builder is
    /// consumed, so it cannot enter twice; a second builder is rejected with [`Error::AlreadyEntered`].
    ///
    /// ```compile_fail,E0382
    /// let daemon = svcadapt::Daemon::new();
    /// let first = daemon.enter();
    /// let second = daemon.enter();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Threads`], [`Error::AlreadyEntered`], [`Error::Refused`] and [`Error::AlreadyRunning`]: nothing has been changed.
    /// [`Error::Step`], only without a fork: the process is partly set up and must end.
    pub fn enter(self) -> Result<Service, Error> {
        if let Some(refused) = setup::refuse_lent_rights() {
            return Err(Error::Refused(vec![refused]));
        }
        let attempt = ATTEMPTS.fetch_add(1, Ordering::SeqCst);
        let receiver = if ENTERED.load(Ordering::SeqCst) {
            None
        } else {
            HandoffReceiver::find().map_err(|error| Error::Refused(vec![error]))?
        };
        let early = match receiver {
            Some(receiver) if receiver.is_due(attempt) => {
                ENTERED.store(true, Ordering::SeqCst);
                return self.resume(receiver);
            }
            early => early,
        };
        require_single_thread()?;
        if ENTERED.swap(true, Ordering::SeqCst) {
            return Err(Error::AlreadyEntered);
        }
        let result = self.start(attempt, early);
        if let Err(Error::Refused(_) | Error::AlreadyRunning(_)) = result {
            // Nothing has been changed, so the program may try again.
            ENTERED.store(false, Ordering::SeqCst);
        }
        result
    }

    /// Becomes the service, runs `body` in its process, and returns the exit status for `main`.
    ///
    /// An error of `body` is reported by [`Service::fail`]; an error of [`Daemon::enter`] is printed on standard error,
    /// prefixed with the program's name, and its status is returned.
    pub fn run<E: Display>(self, body: impl FnOnce(&mut Service) -> Result<(), E>) -> ExitCode {
        match self.enter() {
            Ok(mut service) => match body(&mut service) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => service.fail(error),
            },
            Err(error) => launcher::report_error(&error),
        }
    }

    fn start(self, attempt: u32, early: Option<HandoffReceiver>) -> Result<Service, Error> {
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
        let sender = if plan.has_reexec() {
            Some(self.handoff_sender(&spec, &plan, &detection, attempt).map_err(refused)?)
        } else {
            None
        };
        if let Some(early) = early {
            // This request was refused in the first `main`, or differs from the one that led to the re-exec.
            let (_, reports) = early.take().map_err(|error| handoff_error(&error))?;
            fail_start(&reports, &different_request());
        }
        let context = Box::new(StartContext { spec, resolved, plan });
        // Otherwise both processes would write the buffered output.
        let _ = io::stdout().flush();
        let work = match launch::divide(&context.spec, &context.plan, &context.resolved) {
            Role::Launcher(outcome) => launcher::exit_as(outcome),
            Role::Service(work) => match sender {
                Some(sender) => sender.reexec(work, &context.resolved.program),
                None => work,
            },
        };
        let result = self.set_up(work, &context.plan);
        self.finish(context, result, supervisor, detection)
    }

    /// Resumes in the forked process that has executed the program again.
    fn resume(self, receiver: HandoffReceiver) -> Result<Service, Error> {
        let (handoff, reports) = receiver.take().map_err(|error| handoff_error(&error))?;
        let _ = Report::Entered.send(&reports);
        // Signals that arrive from here on are delivered once the signal map is set.
        let _ = signal::block_all();
        let (StartInputs { spec, resolved, detection }, supervisor) = match self.resume_inputs(&handoff) {
            Ok(inputs) => inputs,
            Err(error) => match error.failures().first() {
                Some(failure) => fail_start(&reports, failure),
                None => return Err(error),
            },
        };
        let plan = self.plan_of(&spec, &resolved, &detection);
        let context = Box::new(StartContext { spec, resolved, plan });
        let work = launch::resume(&context.spec, &context.plan, &context.resolved, reports);
        let result = self.set_up(work, &context.plan);
        self.finish(context, result, supervisor, detection)
    }

    fn resume_inputs(&self, handoff: &Handoff) -> Result<(StartInputs, FromSupervisor), Error> {
        require_single_thread()?;
        let mut prepared = self.prepare_reexec(handoff)?;
        let supervisor = FromSupervisor::take(&prepared.spec, &mut prepared.resolved, &prepared.detection);
        Ok((prepared, supervisor.map_err(|failure| Error::Refused(vec![failure]))?))
    }

    fn handoff_sender(
        &self,
        spec: &ServiceSpec,
        plan: &Plan,
        detection: &Detection,
        attempt: u32,
    ) -> Result<HandoffSender, StepError> {
        if plan.setup_steps().any(|step| matches!(step, SetupStep::Activate { .. })) {
            let cause = "sockets of launchd cannot be passed to a re-executed process";
            return Err(StepError::about("launchd sockets", spec.launchd_sockets(), cause, USAGE));
        }
        HandoffSender::new(detection, self.fingerprint(spec), attempt)
            .map_err(|error| StepError::io(&LaunchStep::Fork, &error))
    }

    fn finish(
        &self,
        context: Box<StartContext>,
        result: Result<(SetupResult, Signals), StepError>,
        supervisor: FromSupervisor,
        detection: Detection,
    ) -> Result<Service, Error> {
        match result {
            Ok((result, signals)) => {
                Ok(Service::new(context, result, signals, supervisor, detection, self.privileges))
            }
            // The failure has been reported to the launcher or to process 1.
            Err(failure) if context.plan.strategy != Strategy::Exec => process::exit_now(failure.status),
            Err(failure) => Err(Error::Step(failure)),
        }
    }

    fn set_up(&self, mut work: ServiceProcess<'_>, plan: &Plan) -> Result<(SetupResult, Signals), StepError> {
        let done = work.run_in_place(plan, self.privileges).and_then(|()| {
            let signals = Signals::open(&self.signals);
            signals.inspect_err(|failure| work.report(&Report::Failed(failure.clone())))
        });
        match done {
            Ok(signals) => {
                work.report(&Report::SetupDone);
                Ok((work.into_result(), signals))
            }
            Err(failure) => {
                if plan.strategy == Strategy::Exec {
                    work.undo_start();
                }
                Err(failure)
            }
        }
    }
}

/// Reports the failure to the launcher and ends this process.
fn fail_start(reports: &OwnedFd, failure: &StepError) -> ! {
    let _ = Report::Failed(failure.clone()).send(reports);
    process::exit_now(failure.status)
}

fn handoff_error(error: &io::Error) -> Error {
    Error::Refused(vec![StepError::kernel("daemon", "descriptors", error, USAGE)])
}
