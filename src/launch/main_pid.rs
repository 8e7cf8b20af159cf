//! For managers that accept another main process: starts a program that forks itself into the background, reports its
//! main process (MAINPID=), and exits.
//!
//! The manager takes this process for the main one until then, and accepts the message from it alone
//! (NotifyAccess=main, systemd.service(5)). So no helper sends it, and this process exits only after the manager has
//! read it.

use svcadapt_spec::Probe;

use super::classic;
use super::outcome::Outcome;
use super::ready_notifier::ReadyNotifier;
use super::start::{Start, StartResources};
use super::stderr_log::StderrLog;
use super::watch::{ProcessRelation, Watch};
use crate::error::StepError;
use crate::plan::LaunchStep;
use crate::setup::Report;
use crate::sys::process::Side;
use crate::sys::signal::SignalReader;
use crate::sys::{descendants, process, signal};

/// Starts the program. Returns after the manager has taken it over, or on failure.
pub(super) fn start(start: &Start<'_>) -> Outcome {
    signal::reset_for_set_up();
    let log = StderrLog::new(start);
    let forked = || -> Result<_, StepError> {
        let notifier = ReadyNotifier::new(start)?;
        let signals = SignalReader::receive().map_err(LaunchStep::Fork.io_error())?;
        let resources = start.prepare()?;
        descendants::become_subreaper().map_err(LaunchStep::Fork.io_error())?;
        let launcher_lock = start.launcher_lock()?;
        let side = process::fork().map_err(LaunchStep::Fork.io_error())?;
        Ok((notifier, signals, resources, launcher_lock, side))
    };
    match forked() {
        Err(failure) => failure.into(),
        Ok((_, signals, mut resources, launcher_lock, Side::Child)) => {
            signals.after_fork();
            resources.service.use_launcher_lock(launcher_lock.map(|(launcher_lock, _)| launcher_lock));
            // The parent removes the socket.
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
            let mut watch =
                Watch::new(probes, reports, ProcessRelation::Parent(&signals), process::own_pid());
            // Without a timeout in the spec, the manager's own one applies.
            watch.timeout = start.spec.timeout_start.and_then(svcadapt_spec::Timespan::finite);
            let launcher_lock = watch.watch_forking(launcher_lock);
            let mut outcome = classic::wait(start, &mut watch, &signals, &log, launcher_lock.as_ref());
            if let (Outcome::Ready, Some(main)) = (&outcome, watch.main)
                && let Err(error) =
                    notifier.main_process(main, !program_notifies(start)).and_then(|()| notifier.barrier())
            {
                outcome = StepError::io(&LaunchStep::HandOver, &error).into();
                classic::clean_up(start, &mut watch, &signals, &outcome);
            }
            drop(socket);
            outcome
        }
    }
}

/// Whether the program sends READY=1 to the manager itself.
fn program_notifies(start: &Start<'_>) -> bool {
    start.spec.ready == [Probe::Notify]
}
