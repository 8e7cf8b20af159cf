//! The launcher of a classic daemon with a monitor: it forks twice, into the process that lives with the service
//! ([`super::life`]), waits for its report, and exits.

use std::os::fd::OwnedFd;

use super::life::Waiter;
use super::outcome::{Outcome, StderrTail};
use super::role::Role;
use super::start::Start;
use super::stderr_log::StderrLog;
use super::watch::{ProcessRelation, StartEvent, Watch};
use super::{classic, life};
use crate::error::StepError;
use crate::plan::LaunchStep;
use crate::readiness::Probes;
use crate::setup::Report;
use crate::sys::process::{Ended, Side};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal::SignalReader;
use crate::sys::{descendants, fd, file, process, signal};

/// Starts a daemon and its monitor. Returns in the launcher when the service is ready, or has failed and is gone; and in
/// the monitor when the service has ended for good.
pub(super) fn daemonize<'a>(start: &Start<'a>) -> Role<'a> {
    match fork(start) {
        Ok(role) => role,
        Err(failure) => Role::Launcher(failure.into()),
    }
}

fn fork<'a>(start: &Start<'a>) -> Result<Role<'a>, StepError> {
    let step = LaunchStep::Fork;
    signal::keep_children().map_err(step.io_error())?;
    if let Some(ended) = classic::fork_if_has_children().map_err(step.io_error())? {
        return Ok(Role::Launcher(Outcome::Ended(ended)));
    }
    let log = StderrLog::new(start);
    let signals = SignalReader::receive().map_err(step.io_error())?;
    let (reports, reporter) = fd::pipe().map_err(step.io_error())?;
    fd::fresh_nonblocking(&reports).map_err(step.io_error())?;
    if start.plan.has(&LaunchStep::AdoptOrphans) {
        descendants::become_subreaper().map_err(step.io_error())?;
    }
    match process::fork().map_err(step.io_error())? {
        Side::Child => {
            signals.after_fork();
            drop(reports);
            Ok(detach(start, reporter))
        }
        Side::Parent(intermediate) => {
            drop(reporter);
            let mut watch = Watch::new(
                Probes::of_socket(None),
                reports,
                ProcessRelation::Parent(&signals),
                process::own_pid(),
            );
            watch.first = Some(intermediate);
            watch.progress = start.progress;
            watch.program_reports_ready = true;
            let outcome = wait(start, &mut watch, &signals, &log);
            classic::reap_remaining(intermediate);
            Ok(Role::Launcher(outcome))
        }
    }
}

/// Becomes a session leader, and forks again: the monitor can never acquire a terminal.
fn detach<'a>(start: &Start<'a>, reporter: OwnedFd) -> Role<'a> {
    let fail = |failure: StepError| {
        let status = failure.status;
        // A launcher that was killed does not wait any more.
        let _ = Report::Failed(failure).send(&reporter);
        process::exit_now(status)
    };
    if let Err(error) = process::new_session() {
        fail(StepError::io(&LaunchStep::NewSession, &error));
    }
    match process::fork() {
        Err(error) => fail(StepError::io(&LaunchStep::ForkAgain, &error)),
        Ok(Side::Parent(_)) => process::exit_now(0),
        Ok(Side::Child) => {
            let _ = Report::Started(process::own_pid()).send(&reporter);
            // What only the caller needs is closed: it would be held as long as the service lives.
            let kept = start.plan.program_descriptors();
            for other in fd::inherited().unwrap_or_default() {
                if !kept.contains(&other.number()) {
                    let _ = other.close();
                }
            }
            // The file system of the caller's directory can be unmounted.
            let _ = file::change_directory(std::path::Path::new("/"));
            match life::run(start, Waiter::Launcher(reporter)) {
                Role::Launcher(outcome) => process::exit_now(status_of(&outcome)),
                service @ Role::Service(_) => service,
            }
        }
    }
}

/// The exit status of the monitor, which only the launcher sees.
fn status_of(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ready | Outcome::Skipped(_) => 0,
        Outcome::Ended(Ended::Exited(status)) => *status,
        Outcome::Ended(Ended::Killed(number) | Ended::Dumped(number)) | Outcome::Interrupted(number) => {
            u8::try_from(128 + number).unwrap_or(u8::MAX)
        }
        Outcome::Failed { failure, .. } => failure.status,
    }
}

/// Waits for the monitor's report. A signal that asks for the end is passed on: the monitor stops the service.
fn wait(start: &Start<'_>, watch: &mut Watch<'_>, signals: &SignalReader, log: &StderrLog) -> Outcome {
    let mut interrupted = None;
    let outcome = loop {
        match watch.next() {
            Ok(StartEvent::Ready) => {
                let Some(number) = interrupted else { return Outcome::Ready };
                // It stops the service, which may have become ready meanwhile.
                await_end(watch);
                return Outcome::Interrupted(number);
            }
            // It has ended what it started, and exits now.
            Ok(StartEvent::Failed(failure)) => {
                await_end(watch);
                let stderr_tail = match failure.stage.as_str() {
                    "start" => log.stderr_tail(&start.resolved.account),
                    _ => StderrTail::None,
                };
                return match interrupted {
                    Some(number) => Outcome::Interrupted(number),
                    None => Outcome::Failed { failure, stderr_tail, signal: watch.killed_by },
                };
            }
            Ok(StartEvent::Signal(number)) if classic::is_termination_signal(number) => {
                match (interrupted.replace(number), watch.main) {
                    (None, Some(monitor)) => {
                        let _ = signal::send(monitor, signal::SIGTERM);
                    }
                    // A second signal: at once.
                    (Some(_), _) | (None, None) => break Outcome::Interrupted(number),
                }
            }
            Ok(StartEvent::Ended(ended)) => {
                let cause = match ended {
                    Some(Ended::Killed(number) | Ended::Dumped(number)) => {
                        format!("its monitor was killed by {}", signal::name(number))
                    }
                    _ => "its monitor ended".to_owned(),
                };
                let failure = StepError::about("start", start.name(), cause, LaunchStep::Fork.label().status);
                break interrupted.map_or_else(|| failure.into(), Outcome::Interrupted);
            }
            Ok(
                StartEvent::Main(_)
                | StartEvent::TimedOut(_)
                | StartEvent::PipeClosed
                | StartEvent::Signal(_),
            ) => {}
            Err(error) => break StepError::io(&LaunchStep::Fork, &error).into(),
        }
    };
    classic::clean_up(start, watch, signals, &outcome);
    outcome
}

/// Waits for the end of the monitor. It is a child of this process only where that is a subreaper, and after the
/// intermediate process has exited.
fn await_end(watch: &Watch<'_>) {
    let Some(monitor) = watch.main else { return };
    // The session proves that the pid was not reused before the handle was opened.
    if process::wait(monitor).is_err()
        && let Ok(Some(held)) = ProcessHandle::open(monitor)
        && process::session(monitor).ok() == watch.first
    {
        let _ = held.ends_until(None);
    }
}
