//! Under a manager that takes another process for the main one: start a program that forks itself into the
//! background, tell which process came of it, and leave.
//!
//! The manager takes us for the main process until we tell, and believes nobody else about that. So nobody is forked
//! off to tell it, as for a program that stays, and we leave only when what we told has been read.

use svcadapt_spec::Probe;

use super::classic;
use super::classic::StderrLog;
use super::outcome::Outcome;
use super::ready_notifier::ReadyNotifier;
use super::start::{Start, StartResources};
use super::watch::{Relation, Watch};
use crate::error::StepError;
use crate::plan::Step;
use crate::setup::Report;
use crate::sys::process::Side;
use crate::sys::signal::Signals;
use crate::sys::{descendants, process, signal};

/// Starts the program. Returns when it is the manager's, or has failed.
pub(super) fn start(start: &Start<'_>) -> Outcome {
    signal::reset_for_set_up();
    let log = StderrLog::new(start);
    let forked = || -> Result<_, StepError> {
        let notifier = ReadyNotifier::new(start)?;
        let signals = Signals::receive().map_err(Step::Fork.io_error())?;
        let resources = start.prepare()?;
        descendants::become_subreaper().map_err(Step::Fork.io_error())?;
        let launcher_lock = start.launcher_lock()?;
        let side = process::fork().map_err(Step::Fork.io_error())?;
        Ok((notifier, signals, resources, launcher_lock, side))
    };
    match forked() {
        Err(failure) => failure.into(),
        Ok((_, signals, mut resources, launcher_lock, Side::Child)) => {
            signals.after_fork();
            resources.service.use_launcher_lock(launcher_lock.map(|(launcher_lock, _)| launcher_lock));
            // Removing the socket is the parent's.
            std::mem::forget(resources.socket.take());
            resources.service.report(&Report::Started(process::own_pid()));
            process::exit_now(resources.service.become_program(start.plan).status)
        }
        Ok((
            notifier,
            signals,
            StartResources { probes, reports, service, socket, channel: _ },
            launcher_lock,
            Side::Parent(_),
        )) => {
            drop(service);
            let mut watch = Watch::new(probes, reports, Relation::Parent(&signals), process::own_pid());
            // Without a word in the spec the manager above has its own patience.
            watch.timeout = start.spec.timeout_start.and_then(svcadapt_spec::Timespan::finite);
            let launcher_lock = watch.watch_forking(launcher_lock);
            let mut outcome = classic::wait(start, &mut watch, &signals, &log, launcher_lock.as_ref());
            if let (Outcome::Ready, Some(main)) = (&outcome, watch.main)
                && let Err(error) =
                    notifier.main_process(main, !program_notifies(start)).and_then(|()| notifier.barrier())
            {
                outcome = StepError::io(&Step::HandOver, &error).into();
                classic::clean_up(start, &mut watch, &signals, &outcome);
            }
            drop(socket);
            outcome
        }
    }
}

/// Whether the program speaks to the manager: of its readiness it then tells itself.
fn program_notifies(start: &Start<'_>) -> bool {
    start.spec.ready == [Probe::Notify]
}
