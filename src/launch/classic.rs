//! The launcher of a classic daemon: it forks twice, waits for readiness, and reports the result.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use svcadapt_spec::Timespan;

use super::intermediate::Intermediate;
use super::outcome::Outcome;
use super::policy::DEFAULT_START_TIMEOUT;
use super::role::Role;
use super::start::{Start, StartResources};
use super::stderr_log::StderrLog;
use super::terminate::{has_descendants, terminate_descendants};
use super::watch::{ProcessRelation, Reexec, StartEvent, Watch};
use super::{intermediate, outcome};
use crate::error::StepError;
use crate::plan::LaunchStep;
use crate::registry::GroupRecord;
use crate::setup::{DEFAULT_STOP_MICROS, LauncherLock, Report, ServiceProcess};
use crate::sys::process::{Ended, Reaped, Side};
use crate::sys::signal::SignalReader;
use crate::sys::{descendants, fd, process, signal};

/// Starts a daemon. Returns in the daemon; and in the launcher when the daemon is ready, or when it has failed and
/// has been removed completely.
pub(super) fn daemonize<'a>(start: &Start<'a>) -> Role<'a> {
    let failed = |failure: StepError| Role::Launcher(failure.into());
    if let Err(error) = signal::keep_children() {
        return failed(StepError::io(&LaunchStep::Fork, &error));
    }
    match fork_if_has_children() {
        Ok(None) => {}
        Ok(Some(ended)) => return Role::Launcher(Outcome::Ended(ended)),
        Err(error) => return failed(StepError::io(&LaunchStep::Fork, &error)),
    }
    let log = StderrLog::new(start);
    let forked = || -> Result<_, StepError> {
        // Blocks all signals, whatever their dispositions; the daemon resets its own.
        let signals = SignalReader::receive().map_err(LaunchStep::Fork.io_error())?;
        let resources = start.prepare()?;
        if start.plan.has(&LaunchStep::AdoptOrphans) {
            descendants::become_subreaper().map_err(LaunchStep::Fork.io_error())?;
        }
        let launcher_lock = start.launcher_lock()?;
        // Before the record, which would say without it that the service is ready. Best effort.
        let starting = start.mark(&resources.probes);
        let side = process::fork().map_err(LaunchStep::Fork.io_error())?;
        Ok((signals, resources, launcher_lock, starting, side))
    };
    match forked() {
        Err(failure) => failed(failure),
        Ok((signals, mut resources, launcher_lock, starting, Side::Child)) => {
            signals.after_fork();
            // The launcher removes it.
            std::mem::forget(starting);
            resources.service.use_launcher_lock(launcher_lock.map(|(launcher_lock, _)| launcher_lock));
            Role::Service(detach(resources))
        }
        Ok((
            signals,
            StartResources { probes, reports, service, socket, channel },
            launcher_lock,
            starting,
            Side::Parent(child),
        )) => {
            // The other resources are the daemon's.
            drop(service);
            let mut watch =
                Watch::new(probes, reports, ProcessRelation::Parent(&signals), process::own_pid());
            watch.first = Some(child);
            watch.progress = start.progress;
            watch.program_reports_ready = !start.plan.has_exec();
            watch.reexec = if start.plan.has_reexec() { Reexec::Pending } else { Reexec::No };
            // Setting O_NONBLOCK on a new socket does not fail; without the channel, orphans go to process 1 or a
            // subreaper.
            watch.intermediate = channel.and_then(|channel| Intermediate::new(child, channel).ok());
            watch.timeout = match start.spec.timeout_start {
                Some(span) => span.finite(),
                // A oneshot service has no default timeout (systemd.service(5)).
                None if start.is_oneshot() => None,
                None => Some(DEFAULT_START_TIMEOUT),
            };
            let launcher_lock = watch.watch_forking(launcher_lock);
            let outcome = wait(start, &mut watch, &signals, &log, launcher_lock.as_ref());
            match watch.intermediate.take() {
                Some(intermediate) => intermediate.dismiss(),
                None => reap_remaining(child),
            }
            drop((socket, starting));
            Role::Launcher(outcome)
        }
    }
}

/// Waits for the intermediate process, which has nothing left to do, and for all other children that have ended:
/// under a process 1 that does not reap, each would stay a zombie.
pub(super) fn reap_remaining(intermediate: i32) {
    // A suspended process (SIGSTOP) would not exit by itself.
    if process::is_child(intermediate) && signal::send(intermediate, signal::SIGKILL).is_ok() {
        let _ = process::wait(intermediate);
    }
    while let Ok(Reaped::Child(..)) = process::reap() {}
}

/// A shell may leave its children to this process (`server & exec svcadapt run …`). They do not belong to the service
/// and cannot be distinguished from its descendants, so the launcher must be a process without children.
///
/// In the process that stays behind, returns how the launcher ended.
pub(super) fn fork_if_has_children() -> io::Result<Option<Ended>> {
    let mut found = process::reap()?;
    while let Reaped::Child(..) = found {
        found = process::reap()?;
    }
    if found == Reaped::NoChildren {
        return Ok(None);
    }
    let signals = SignalReader::receive()?;
    let Side::Parent(launcher) = process::fork()? else {
        signals.after_fork();
        return Ok(None);
    };
    loop {
        fd::wait_readable(&[signals.as_fd()], None)?;
        while let Some(number) = signals.next()? {
            if number != signal::SIGCHLD {
                // A child that is not reaped yet keeps its pid.
                let _ = signal::send(launcher, number);
            }
        }
        while let Reaped::Child(pid, ended) = process::reap()? {
            if pid == launcher {
                return Ok(Some(ended));
            }
        }
    }
}

/// The intermediate process leads a session, so that the daemon, its child, leads none and can never acquire a
/// terminal.
fn detach(mut resources: StartResources<'_>) -> ServiceProcess<'_> {
    // The launcher removes the socket.
    std::mem::forget(resources.socket.take());
    let channel = resources.channel.take();
    let failure = match process::new_session().map_err(LaunchStep::NewSession.io_error()) {
        Err(failure) => failure,
        Ok(()) => match process::fork() {
            Err(error) => StepError::io(&LaunchStep::ForkAgain, &error),
            Ok(Side::Parent(_)) => {
                // The daemon alone keeps the write end of the report pipe.
                drop(resources);
                match channel {
                    Some(channel) => intermediate::run(channel),
                    None => process::exit_now(0),
                }
            }
            Ok(Side::Child) => {
                resources.service.report(&Report::Started(process::own_pid()));
                return resources.service;
            }
        },
    };
    resources.service.report(&Report::Failed(failure.clone()));
    process::exit_now(failure.status)
}

/// Waits until the service is ready. After a failure nothing of it is left.
pub(super) fn wait(
    start: &Start<'_>,
    watch: &mut Watch<'_>,
    signals: &SignalReader,
    log: &StderrLog,
    launcher_lock: Option<&LauncherLock<'_>>,
) -> Outcome {
    let is_oneshot = start.is_oneshot();
    let mut ready = false;
    let outcome = loop {
        match watch.next() {
            // A oneshot service is done when it has ended.
            Ok(StartEvent::Ready) if is_oneshot && !ready => {
                ready = true;
                watch.await_exit();
            }
            Ok(StartEvent::Ready) => return Outcome::Ready,
            Ok(StartEvent::Main(_)) => {
                if let Some(Err(failure)) =
                    launcher_lock.map(|launcher_lock| watch.record_main(launcher_lock))
                {
                    break failure.into();
                }
            }
            Ok(StartEvent::Ended(Some(Ended::Exited(0)))) if is_oneshot => break Outcome::Ready,
            Ok(StartEvent::Ended(ended)) => {
                let ended = ended.unwrap_or(Ended::Killed(signal::SIGKILL));
                let why = watch.why_it_failed();
                let early = outcome::ended_too_early(
                    &start.name(),
                    ended,
                    watch.reexec,
                    why,
                    log.stderr_tail(&start.resolved.account),
                );
                let known: Vec<i32> = watch.intermediate.iter().map(Intermediate::pid).collect();
                let forked = ended == Ended::Exited(0) && !start.is_forking() && has_descendants(&known);
                break if forked { early.with_hint(Some(outcome::FORKS_ITSELF)) } else { early };
            }
            Ok(StartEvent::Failed(failure)) => break failure.into(),
            Ok(StartEvent::PipeClosed) => {
                break outcome::pipe_closed(&start.name(), watch.reexec, watch.failure_reason.as_deref());
            }
            Ok(StartEvent::TimedOut(_)) if !start.plan.has_exec() => {
                let timeout = watch.timeout.unwrap_or_default();
                break outcome::not_reported_in_time(
                    &start.name(),
                    timeout,
                    watch.reexec,
                    watch.status.as_deref(),
                    log.stderr_tail(&start.resolved.account),
                );
            }
            Ok(StartEvent::TimedOut(after)) => {
                let news = watch.probes.notifications();
                let missing = watch.missing();
                let timeout = watch.timeout.unwrap_or(after);
                let late = outcome::not_in_time(
                    &start.name(),
                    timeout,
                    &missing,
                    news.report.status.as_deref(),
                    log.stderr_tail(&start.resolved.account),
                );
                break late.with_hint(watch.hint());
            }
            Ok(StartEvent::Signal(number)) if is_termination_signal(number) => {
                break Outcome::Interrupted(number);
            }
            // Other signals are not for the launcher.
            Ok(StartEvent::Signal(_)) => {}
            Err(error) => break StepError::io(&LaunchStep::Fork, &error).into(),
        }
    };
    clean_up(start, watch, signals, &outcome);
    outcome
}

/// Whether a signal asks the launcher to stop.
pub(super) fn is_termination_signal(number: i32) -> bool {
    [signal::SIGTERM, signal::SIGINT, signal::SIGHUP, signal::SIGQUIT].contains(&number)
}

/// The time from SIGTERM to SIGKILL.
pub(super) fn stop_timeout(start: &Start<'_>) -> Duration {
    match start.spec.timeout_stop {
        Some(Timespan::Finite(timeout)) => timeout,
        Some(Timespan::Infinity) => Duration::MAX / 2,
        None => Duration::from_micros(DEFAULT_STOP_MICROS),
    }
}

/// After a failure: ends every process of the start and removes every file that it created.
///
/// Files of another running instance are kept: each removal verifies the owner first.
pub(super) fn clean_up(start: &Start<'_>, watch: &mut Watch<'_>, signals: &SignalReader, outcome: &Outcome) {
    let timeout = stop_timeout(start);
    let main = watch.known_main();
    // Only the group of this start: another instance may have the name.
    let group = start.resolved.control_group.as_ref().and_then(|group| {
        let made = watch.made.iter().find(|made| made.path == group.path)?;
        GroupRecord { path: made.path.clone(), device: made.device, inode: made.inode }.open()
    });
    // Best effort: the original failure is reported instead.
    let gone = terminate_descendants(
        signals,
        timeout,
        watch.intermediate.as_ref(),
        &[watch.first, watch.main],
        group.as_ref(),
    )
    .unwrap_or_default();
    let main = main.or_else(|| watch.named_in_pid_file(|pid| gone.contains(&pid)));
    // It is in the service's session: the lock is not removed while processes of the service seem to be left.
    if let Some(intermediate) = watch.intermediate.take() {
        intermediate.dismiss();
    }
    // A signal may have arrived before the last reports were read.
    let _ = watch.read_reports();
    // A oneshot service that succeeded keeps its directories.
    let made = if *outcome == Outcome::Ready { &[] } else { watch.made.as_slice() };
    start.undo_start(made, main.or(watch.main));
}
