//! Becoming the program, with a helper that tells when it is ready where the program itself does not.

use std::io;
use std::os::fd::OwnedFd;

use crate::manager::Address;
use crate::manager::Notifier;
use crate::plan::Step;
use crate::setup::Failure;
use crate::setup::Work;
use crate::sys::fd;
use crate::sys::pidfd::PidFd;
use crate::sys::process;
use crate::sys::process::Side;
use crate::sys::process::SingleThreaded;
use crate::sys::signal;
use crate::sys::words;

use super::outcome::Outcome;
use super::start::Ends;
use super::start::Start;
use super::watch::Event;
use super::watch::Eyes;
use super::watch::Watch;

/// Becomes the program: same process, nothing stays behind. Returns only if that failed.
pub(super) fn become_program(start: &Start<'_>) -> Outcome {
    let helped = start.plan.steps.iter().any(|planned| planned.step == Step::ReadinessHelper);
    let voice = fd::duplicate(io::stderr(), 3);
    let work = if helped {
        match leave_helper(start) {
            Ok(work) => work,
            Err(failure) => return failure.into(),
        }
    } else {
        Work::new(start.spec, start.resolved, start.environment(), process::own_pid())
    };
    let failure = work.become_program(start.plan);
    // Standard error may be the service's log by now, but whoever started us looks at the one we came with.
    if let Ok(voice) = voice {
        let _ = fd::place(voice, 2);
    }
    failure.into()
}

/// Forks a helper off, twice: the program must not find a child that it never made.
fn leave_helper<'a>(start: &Start<'a>) -> Result<Work<'a>, Failure> {
    let failed = |error: io::Error| Failure::io(&Step::ReadinessHelper, &error);
    let tell = Tell::new(start)?;
    let gone = || failed(io::ErrorKind::NotFound.into());
    let main = PidFd::open(process::own_pid()).map_err(failed)?.ok_or_else(gone)?;
    let ends = start.prepare()?;
    let alone = SingleThreaded::check().map_err(failed)?;
    let main_pid = process::own_pid();
    match process::fork(&alone).map_err(failed)? {
        Side::Parent(middle) => {
            let Ends { work, socket, .. } = ends;
            // Removing the socket is the helper's.
            std::mem::forget(socket);
            process::wait(middle).map_err(failed)?;
            Ok(work)
        }
        Side::Child => match process::fork(&alone) {
            Ok(Side::Child) => {
                signal::reset_dispositions();
                let status = help(start, ends, main, main_pid, &tell);
                process::exit_now(status)
            }
            Ok(Side::Parent(_)) | Err(_) => process::exit_now(0),
        },
    }
}

/// Waits until the program is ready, tells it, and goes.
fn help(start: &Start<'_>, ends: Ends<'_>, main: PidFd, main_pid: i32, tell: &Tell) -> u8 {
    let Ends { probes, reports, work, socket } = ends;
    drop(work);
    let main = match main.after_fork() {
        Ok(Some(main)) => main,
        // It has ended already: its manager sees that itself.
        Ok(None) => return 0,
        Err(error) => {
            tell.status(&format!("cannot find out whether it is ready: {}", words(&error)));
            return 1;
        }
    };
    let mut watch = Watch::new(probes, reports, Eyes::Helper(&main), main_pid);
    watch.main = Some(main_pid);
    // Without a word in the spec the manager above has its own patience.
    watch.patience = start.spec.timeout_start.and_then(crate::spec::Timespan::finite);
    let told = match watch.next() {
        Ok(Event::Ready) => tell.ready(),
        Ok(Event::TimedOut(_)) => {
            tell.status(&format!("not ready in time, still missing: {}", watch.probes.missing()));
            main.send(signal::SIGTERM).map(drop)
        }
        // The program ended, or never began: its manager sees that itself.
        Ok(_) => Ok(()),
        Err(error) => {
            tell.status(&format!("cannot find out whether it is ready: {}", words(&error)));
            Ok(())
        }
    };
    drop(socket);
    u8::from(told.is_err())
}

/// Whoever waits for the readiness.
enum Tell {
    Manager(Notifier),
    Newline(OwnedFd),
}

impl Tell {
    fn new(start: &Start<'_>) -> Result<Self, Failure> {
        if let Some(number) = start.spec.notification_fd {
            let failed = |cause: String| Failure::new("notification fd", number.to_string(), cause, 202);
            return fd::copy_of(number, 3).map(Self::Newline).map_err(|error| failed(words(&error)));
        }
        let failed = |cause: String| Failure::new("notify socket", "NOTIFY_SOCKET", cause, 202);
        let inherited = &start.resolved.inherited;
        let value = inherited.iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, value)| value);
        let value = value.ok_or_else(|| failed("it is not set".to_owned()))?;
        Address::parse(value).map(|address| Self::Manager(Notifier::new(address))).map_err(failed)
    }

    fn ready(&self) -> io::Result<()> {
        match self {
            Self::Manager(notifier) => {
                notifier.ready()?;
                notifier.barrier()
            }
            Self::Newline(pipe) => fd::write_all(pipe, b"\n"),
        }
    }

    fn status(&self, text: &str) {
        if let Self::Manager(notifier) = self {
            // It is a courtesy; nothing depends on it.
            let _ = notifier.status(text);
            let _ = notifier.barrier();
        }
    }
}
