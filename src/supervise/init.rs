//! Process 1 of a container: it reaps orphans, passes signals on, and ends with its program.

use std::io;
use std::os::fd::AsFd;

use crate::plan::Step;
use crate::setup::Failure;
use crate::setup::Report;
use crate::spec::Probe;
use crate::sys::fd;
use crate::sys::process;
use crate::sys::process::Ended;
use crate::sys::process::Reaped;
use crate::sys::process::Side;
use crate::sys::process::SingleThreaded;
use crate::sys::signal;
use crate::sys::signal::Signals;

use super::Divided;
use super::outcome::LastWords;
use super::outcome::Outcome;
use super::start::Ends;
use super::start::Start;
use super::tell::Tell;
use super::watch::Event;
use super::watch::Eyes;
use super::watch::Watch;

/// Starts the program as a child, and stays until it ends. Returns in that child, too.
pub(super) fn stay<'a>(start: &Start<'a>) -> Divided<'a> {
    if start.plan.executes() {
        signal::reset_dispositions();
    } else {
        signal::reset_ignored(&[signal::SIGPIPE]);
    }
    let failed = |error: io::Error| Failure::io(&Step::Fork, &error);
    let forked = || -> Result<_, Failure> {
        let signals = Signals::receive().map_err(failed)?;
        let ends = start.prepare()?;
        let side = process::fork(&SingleThreaded::check().map_err(failed)?).map_err(failed)?;
        Ok((signals, ends, side))
    };
    match forked() {
        Err(failure) => Divided::Launcher(failure.into()),
        Ok((_, mut ends, Side::Child)) => {
            std::mem::forget(ends.socket.take());
            ends.work.tell(&Report::Started(process::own_pid()));
            Divided::Service(ends.work)
        }
        Ok((signals, Ends { probes, reports, work, socket }, Side::Parent(main))) => {
            drop(work);
            let mut watch = Watch::new(probes, reports, Eyes::Parent(&signals), process::own_pid());
            watch.main = Some(main);
            watch.hears_itself = !start.plan.executes();
            let early = until_ready(start, &mut watch);
            drop(socket);
            let outcome = early.map_or_else(|| until_end(&signals, main), Ok);
            Divided::Launcher(outcome.unwrap_or_else(|error| failed(error).into()))
        }
    }
}

/// Passes signals on until the program is ready, and tells whoever waits for that; says how it ended if it did.
fn until_ready(start: &Start<'_>, watch: &mut Watch<'_>) -> Option<Outcome> {
    loop {
        match watch.next() {
            Ok(Event::Ready) => {
                tell(start);
                // It may have ended already, and then nobody will tell again.
                return watch.ended().map(Outcome::Ended);
            }
            Ok(Event::Signal(number)) => pass_on(watch.main, number),
            Ok(Event::Failed(failure)) => {
                // Its child ends now, and with it the lock.
                let _ = watch.main.map(process::wait);
                start.take_away(&watch.made, watch.main);
                return Some(failure.into());
            }
            Ok(Event::Ended(ended)) => {
                return Some(Outcome::Ended(ended.unwrap_or(Ended::Killed(signal::SIGKILL))));
            }
            // There is no patience to lose, and what it does without being ready is its own affair.
            Ok(Event::TimedOut(_)) => {}
            Ok(Event::LetGo) => return None,
            Err(error) => {
                let failure = Failure::io(&Step::Fork, &error);
                return Some(Outcome::Failed { failure, last_words: LastWords::None, signal: None });
            }
        }
    }
}

/// Whoever does not listen is no reason to stop the program. What a program tells itself, nobody may tell ahead of it.
fn tell(start: &Start<'_>) {
    let itself = match start.spec.ready.as_slice() {
        [Probe::Notify] => start.spec.notification_fd.is_none(),
        probes => probes.is_empty(),
    };
    if !itself && let Ok(tell) = Tell::new(start) {
        let _ = tell.ready();
    }
}

fn until_end(signals: &Signals, main: i32) -> io::Result<Outcome> {
    loop {
        loop {
            match process::reap()? {
                Reaped::Child(pid, ended) if pid == main => return Ok(Outcome::Ended(ended)),
                Reaped::Child(..) => {}
                Reaped::None | Reaped::NoChildren => break,
            }
        }
        fd::wait_readable(&[signals.as_fd()], None)?;
        while let Some(number) = signals.next()? {
            if number != signal::SIGCHLD {
                pass_on(Some(main), number);
            }
        }
    }
}

/// To the program's whole session it would come twice; to its process it comes as it came to us. The number cannot
/// be a stranger's: only we reap it, and then we end.
fn pass_on(main: Option<i32>, number: i32) {
    if let Some(main) = main {
        let _ = signal::send(main, number);
    }
}
