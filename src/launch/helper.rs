//! Becoming the program, with a helper that tells when it is ready where the program itself does not.

use std::io;
use std::time::{Duration, Instant};

use svcadapt_spec::Probe;

use super::outcome::Outcome;
use super::start::{Ends, Start};
use super::tell::Tell;
use super::watch::{Event, Relation, Watch};
use crate::error::StepError;
use crate::plan::Step;
use crate::setup::ServiceProcess;
use crate::sys::process::Side;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{error_text, fd, file, process, signal};

/// How long a process that has failed may take to end.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Becomes the program: same process, nothing stays behind. Returns only if that failed.
pub(super) fn become_program(start: &Start<'_>) -> Outcome {
    let helped = start.plan.steps.iter().any(|planned| planned.step == Step::ReadinessHelper);
    let voice = fd::duplicate(io::stderr(), 3);
    let prepared = if helped { leave_helper(start) } else { alone(start) };
    let mut work = match prepared {
        Ok(work) => work,
        Err(failure) => return failure.into(),
    };
    let failure = work.become_program(start.plan);
    work.take_away();
    // Standard error may be the service's log by now, but whoever started us looks at the one we came with.
    if let Ok(voice) = voice {
        let _ = fd::duplicate_to(voice, 2);
    }
    failure.into()
}

/// Nobody waits for what the program says on the descriptors that it was promised; it gets them all the same.
fn alone<'a>(start: &Start<'a>) -> Result<ServiceProcess<'a>, StepError> {
    let mut work = ServiceProcess::new(start.spec, start.resolved, start.environment(), process::own_pid());
    for probe in &start.spec.ready {
        if let Probe::Fd(number) = probe
            && start.spec.notification_fd != Some(*number)
        {
            let failed =
                |error: io::Error| StepError::about("ready", probe.to_string(), error_text(&error), 202);
            let null = file::open_null().and_then(|null| fd::duplicate(&null, number + 1)).map_err(failed)?;
            work.place(null, *number);
        }
    }
    Ok(work)
}

/// Forks a helper off, twice: the program must not find a child that it never made.
fn leave_helper<'a>(start: &Start<'a>) -> Result<ServiceProcess<'a>, StepError> {
    let failed = |error: io::Error| StepError::io(&Step::ReadinessHelper, &error);
    let tell = Tell::new(start)?;
    let gone = || failed(io::ErrorKind::NotFound.into());
    let main = ProcessHandle::open(process::own_pid()).map_err(failed)?.ok_or_else(gone)?;
    let ends = start.prepare()?;
    let main_pid = process::own_pid();
    match process::fork().map_err(failed)? {
        Side::Parent(middle) => {
            let Ends { work, socket, .. } = ends;
            // Removing the socket is the helper's.
            std::mem::forget(socket);
            process::wait(middle).map_err(failed)?;
            Ok(work)
        }
        Side::Child => match process::fork() {
            Ok(Side::Child) => {
                signal::reset_for_set_up();
                let _ = signal::unblock_all();
                let status = help(start, ends, main, main_pid, &tell);
                process::exit_now(status)
            }
            Ok(Side::Parent(_)) | Err(_) => process::exit_now(0),
        },
    }
}

/// Waits until the program is ready, tells it, and goes.
fn help(start: &Start<'_>, ends: Ends<'_>, main: ProcessHandle, main_pid: i32, tell: &Tell) -> u8 {
    let Ends { probes, reports, work, socket, line: _ } = ends;
    drop(work);
    let main = match main.after_fork() {
        Ok(Some(main)) => main,
        // It has ended already: its manager sees that itself.
        Ok(None) => return 0,
        Err(error) => {
            tell.status(&format!("cannot find out whether it is ready: {}", error_text(&error)));
            return 1;
        }
    };
    let mut watch = Watch::new(probes, reports, Relation::Observer(&main), main_pid);
    watch.main = Some(main_pid);
    // Without a word in the spec the manager above has its own patience.
    watch.timeout = start.spec.timeout_start.and_then(svcadapt_spec::Timespan::finite);
    let told = match watch.next() {
        Ok(Event::Ready) => {
            tell.ready().and_then(|()| tell.barrier()).inspect_err(|error| tell.unheard(error))
        }
        Ok(Event::TimedOut(_)) => {
            tell.status(&format!("not ready in time, still missing: {}", watch.probes.missing()));
            main.send(signal::SIGTERM).map(drop)
        }
        // Its manager sees that itself. The process that failed may have no right any more to take away what it made.
        Ok(Event::Failed(_)) => {
            start.take_away(&watch.made, Some(main_pid));
            // As long as it lives it has the lock.
            let _ = main.ends_until(Instant::now().checked_add(EXIT_GRACE));
            start.take_away(&[], None);
            Ok(())
        }
        // The program ended: its manager sees that too.
        Ok(_) => Ok(()),
        Err(error) => {
            tell.status(&format!("cannot find out whether it is ready: {}", error_text(&error)));
            Ok(())
        }
    };
    drop(socket);
    u8::from(told.is_err())
}
