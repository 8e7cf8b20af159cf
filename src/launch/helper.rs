//! Becomes the program. A helper reports readiness if the program does not do so itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use svcadapt_spec::{Probe, Timespan};

use super::outcome::Outcome;
use super::ready_notifier::ReadyNotifier;
use super::start::{Start, StartResources};
use super::watch::{ProcessRelation, StartEvent, Watch};
use crate::error::StepError;
use crate::plan::LaunchStep;
use crate::readiness::{ProcessTree, WatchdogProbe};
use crate::registry::Starting;
use crate::setup::ServiceProcess;
use crate::sys::process::{Reaped, Side};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{error_text, fd, file, process, signal};

/// How long a failed process may take to exit.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Becomes the program in the same process. Returns only on failure.
pub(super) fn become_program(start: &Start<'_>) -> Outcome {
    let helped = start.plan.has(&LaunchStep::ReadinessHelper) || start.plan.has(&LaunchStep::WatchdogHelper);
    let voice = fd::duplicate(io::stderr(), 3);
    let prepared = if helped { leave_helper(start) } else { alone(start) };
    let mut service = match prepared {
        Ok(service) => service,
        Err(failure) => return failure.into(),
    };
    let failure = service.become_program(start.plan);
    service.undo_start();
    // Standard error may be the service's log by now; the starter reads the original one.
    if let Ok(voice) = voice {
        let _ = fd::duplicate_to(voice, 2);
    }
    failure.into()
}

/// Without a helper nothing reads the readiness descriptors, but the program gets them as promised.
fn alone<'a>(start: &Start<'a>) -> Result<ServiceProcess<'a>, StepError> {
    let mut service =
        ServiceProcess::new(start.spec, start.resolved, start.environment(), process::own_pid());
    for probe in &start.spec.ready {
        if let Probe::Fd(number) = probe
            && start.spec.notification_fd != Some(*number)
        {
            let failed =
                |error: io::Error| StepError::about("ready", probe.to_string(), error_text(&error), 202);
            let null = file::open_null().and_then(|null| fd::duplicate(&null, number + 1)).map_err(failed)?;
            service.place(null, *number);
        }
    }
    Ok(service)
}

/// Forks the helper twice, so that the program has no child that it did not create.
fn leave_helper<'a>(start: &Start<'a>) -> Result<ServiceProcess<'a>, StepError> {
    let step = LaunchStep::ReadinessHelper;
    let notifier = ReadyNotifier::new(start)?;
    let gone = || StepError::io(&step, &io::ErrorKind::NotFound.into());
    let main = ProcessHandle::open(process::own_pid()).map_err(step.io_error())?.ok_or_else(gone)?;
    let resources = start.prepare()?;
    let main_pid = process::own_pid();
    match process::fork().map_err(step.io_error())? {
        Side::Parent(intermediate) => {
            let StartResources { service, socket, .. } = resources;
            // The helper removes the socket.
            std::mem::forget(socket);
            process::wait(intermediate).map_err(step.io_error())?;
            Ok(service)
        }
        Side::Child => {
            let ends = fd::pipe().ok();
            match process::fork() {
                Ok(Side::Child) => {
                    // Before the record of the service, which would say without it that the service is ready. Best effort.
                    let starting = start.mark(&resources.probes);
                    drop(ends);
                    signal::reset_for_set_up();
                    let _ = signal::unblock_all();
                    let status = help(start, resources, main, main_pid, &notifier, starting);
                    process::exit_now(status)
                }
                Ok(Side::Parent(_)) => {
                    if let Some((marked, mark)) = ends {
                        drop(mark);
                        // The helper closes its end when it has made the mark, or ends.
                        let _ = fd::wait_readable(&[marked.as_fd()], None);
                    }
                    process::exit_now(0)
                }
                Err(_) => process::exit_now(0),
            }
        }
    }
}

/// Waits until the program is ready, notifies the manager, and exits.
fn help(
    start: &Start<'_>,
    resources: StartResources<'_>,
    main: ProcessHandle,
    main_pid: i32,
    notifier: &ReadyNotifier,
    starting: Option<Starting>,
) -> u8 {
    let StartResources { probes, reports, service, socket, channel: _ } = resources;
    drop(service);
    let main = match main.after_fork() {
        Ok(Some(main)) => main,
        // The program has ended already; its manager sees that.
        Ok(None) => return 0,
        Err(error) => {
            notifier.status(&format!("cannot determine whether it is ready: {}", error_text(&error)));
            return 1;
        }
    };
    let mut watch = Watch::new(probes, reports, ProcessRelation::Observer(&main), main_pid);
    watch.main = Some(main_pid);
    // Without a timeout in the spec, the manager's own one applies.
    watch.timeout = start.spec.timeout_start.and_then(Timespan::finite);
    let next = watch.next();
    let is_ready = matches!(next, Ok(StartEvent::Ready));
    let told = match next {
        // The program reports its readiness itself.
        Ok(StartEvent::Ready) if !start.plan.has(&LaunchStep::ReadinessHelper) => Ok(()),
        Ok(StartEvent::Ready) => notifier
            .ready()
            .and_then(|()| notifier.barrier())
            .inspect_err(|error| notifier.report_unsent(error)),
        Ok(StartEvent::TimedOut(_)) => {
            notifier.status(&format!("not ready in time, still missing: {}", watch.missing()));
            main.send(signal::SIGTERM).map(drop)
        }
        // The manager sees the failure. The failed process may no longer have the rights to remove what it created,
        // so the helper does.
        Ok(StartEvent::Failed(_)) => {
            start.undo_start(&watch.made, Some(main_pid));
            // The process holds the lock until it exits.
            let _ = main.ends_until(Instant::now().checked_add(EXIT_GRACE));
            start.undo_start(&[], None);
            Ok(())
        }
        // The program has ended; its manager sees that.
        Ok(_) => Ok(()),
        Err(error) => {
            notifier.status(&format!("cannot determine whether it is ready: {}", error_text(&error)));
            Ok(())
        }
    };
    drop((socket, starting));
    let time = start.managers_watchdog().or(start.spec.watchdog.and_then(Timespan::finite));
    if is_ready && let Some(prober) = time.and_then(|time| start.watchdog_probe(time)) {
        watch_over(prober, &main, notifier);
    }
    u8::from(told.is_err())
}

/// Feeds the watchdog of the manager by a probe, until the program has ended. The manager does what follows a miss.
fn watch_over(mut prober: WatchdogProbe, main: &ProcessHandle, notifier: &ReadyNotifier) {
    let pid = main.pid();
    let tree = ProcessTree { main: pid, root: pid, control: None };
    while !main.has_ended().unwrap_or(true) {
        let mut succeeded = prober.look(tree).unwrap_or(false);
        while let Ok(Reaped::Child(pid, ended)) = process::reap() {
            succeeded |= prober.child_ended(pid, ended);
        }
        if succeeded {
            notifier.alive();
        }
        let mut all: Vec<BorrowedFd<'_>> = prober.descriptors();
        all.extend(main.descriptor());
        let pause = prober.pause().into_iter().chain(main.pause()).min();
        let _ = fd::wait_readable(&all, pause);
    }
    prober.stop();
}
