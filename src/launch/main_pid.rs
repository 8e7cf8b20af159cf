//! Under a manager that takes another process for the main one: start a program that forks itself into the
//! background, tell which process came of it, and leave.
//!
//! The manager takes us for the main process until we tell, and believes nobody else about that. So nobody is forked
//! off to tell it, as for a program that stays, and we leave only when what we told has been read.

use std::io;

use svcadapt_spec::Probe;

use super::classic;
use super::classic::Log;
use super::outcome::Outcome;
use super::start::{Ends, Start};
use super::tell::Tell;
use super::watch::{Relation, Watch};
use crate::error::StepError;
use crate::plan::Step;
use crate::setup::Report;
use crate::sys::process::Side;
use crate::sys::signal::Signals;
use crate::sys::{descendants, process, signal};

/// Starts the program. Returns when it is the manager's, or has failed.
pub(super) fn hand_over(start: &Start<'_>) -> Outcome {
    signal::reset_for_set_up();
    let log = Log::before(start);
    let forked = || -> Result<_, StepError> {
        let failed = |error: io::Error| StepError::io(&Step::Fork, &error);
        let tell = Tell::new(start)?;
        let signals = Signals::receive().map_err(failed)?;
        let ends = start.prepare()?;
        descendants::become_subreaper().map_err(failed)?;
        let claim = start.claim()?;
        let side = process::fork().map_err(failed)?;
        Ok((tell, signals, ends, claim, side))
    };
    match forked() {
        Err(failure) => failure.into(),
        Ok((_, signals, mut ends, claim, Side::Child)) => {
            signals.after_fork();
            ends.work.claimed(claim.map(|(claim, _)| claim));
            // Removing the socket is the parent's.
            std::mem::forget(ends.socket.take());
            ends.work.tell(&Report::Started(process::own_pid()));
            process::exit_now(ends.work.become_program(start.plan).status)
        }
        Ok((tell, signals, Ends { probes, reports, work, socket, line: _ }, claim, Side::Parent(_))) => {
            drop(work);
            let mut watch = Watch::new(probes, reports, Relation::Parent(&signals), process::own_pid());
            // Without a word in the spec the manager above has its own patience.
            watch.timeout = start.spec.timeout_start.and_then(svcadapt_spec::Timespan::finite);
            let claim = watch.claimed(claim);
            let mut outcome = classic::wait(start, &mut watch, &signals, &log, claim.as_ref());
            if let (Outcome::Ready, Some(main)) = (&outcome, watch.main)
                && let Err(error) =
                    tell.main_process(main, !tells_itself(start)).and_then(|()| tell.barrier())
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
fn tells_itself(start: &Start<'_>) -> bool {
    start.spec.ready == [Probe::Notify]
}
