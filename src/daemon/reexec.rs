//! Going on in the same program, executed again: what the process that was forked takes along, and how it is recognised
//! when it comes back.
//!
//! A ticket is a pair of sockets that was made before the forks. In one end waits what the other was told before it was
//! closed: for which process the ticket is, which one has started it, and the little that cannot be found out a second
//! time. That end alone goes through the exec, beside the pipe that the launcher listens at. A ticket counts only
//!
//! * in the very process that it names, below the ones that have forked it and started it, which wait;
//! * where the kernel says that the pair was made by somebody with our effective user, who could do to us whatever they
//!   like without a ticket;
//! * once: taking it closes it.
//!
//! So nothing of it is in the environment, where it could be inherited or forged. The one variable that is added for the
//! exec says only that there has to be a ticket, for the one process that it names: a program that closes all descriptors
//! first would otherwise start itself over and over. No service has it in its environment, and no child of one;
//! `/proc/PID/environ`, which is what a process was executed with, shows it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::handoff::{Ancestry, Handoff};
use super::prepare::Fingerprint;
use crate::detect;
use crate::detect::Detection;
use crate::error::StepError;
use crate::plan::Step;
use crate::setup::{Report, ServiceProcess};
use crate::sys::fd::InheritedFd;
use crate::sys::{executable, fd, identity, process, signal, socketpair};

/// The variable that says in which process, and below which, there has to be a ticket.
const VARIABLE: &str = "SVCADAPT_REEXEC";

/// No ticket of ours is as long.
const MAX_HANDOFF_BYTES: usize = 4096;

/// A ticket, and the two ends of its way, before the forks.
#[derive(Debug)]
pub(super) struct HandoffSender {
    handoff: Handoff,
    written: OwnedFd,
    carried: OwnedFd,
}

impl HandoffSender {
    /// In the process that was started.
    pub(super) fn new(detection: &Detection, fingerprint: Fingerprint, attempt: u32) -> io::Result<Self> {
        let (written, carried) = socketpair::pair()?;
        let handoff = Handoff {
            process: 0,
            origin: Ancestry { starter: process::own_pid(), parent: 0 },
            reports: 0,
            attempt,
            fingerprint,
            mode: detection.mode,
            manager: detection.manager.clone(),
            scope: detection.scope,
            name: executable::name(),
        };
        Ok(Self { handoff, written, carried })
    }

    /// Executes the program again, in the process that the service is to be. If that fails it is told to whoever waits.
    pub(super) fn leave(self, work: ServiceProcess<'_>, program: &Path) -> ! {
        let Some(reports) = work.into_listener() else { process::exit_now(super::USAGE) };
        let error = self.depart(&reports).unwrap_or_else(|error| error);
        let failure = StepError::io(&Step::Reexec(program.to_owned()), &error);
        let _ = Report::Failed(failure.clone()).send(&reports);
        process::exit_now(failure.status)
    }

    fn depart(self, reports: &OwnedFd) -> io::Result<io::Error> {
        let Self { mut handoff, written, carried } = self;
        handoff.process = process::own_pid();
        handoff.origin.parent = process::parent_pid();
        handoff.reports = socketpair::leak_to_exec(fd::duplicate(reports, 3)?)?;
        fd::write_all(&written, &handoff.write())?;
        drop(written);
        socketpair::leak_to_exec(carried)?;
        // The launcher's own block: `main` comes to its end by the signals that it did before.
        signal::unblock_all()?;
        let Ancestry { starter, parent } = handoff.origin;
        let value = format!("{} {starter} {parent}", handoff.process);
        Ok(executable::reexec(VARIABLE, &value))
    }
}

/// A ticket that has come through the exec, until it is taken.
#[derive(Debug)]
pub(super) struct HandoffReceiver {
    handoff: Handoff,
    carried: InheritedFd,
    reports: InheritedFd,
}

impl HandoffReceiver {
    /// Looks for a ticket of this process, and changes nothing. It is an error if there has to be one.
    pub(super) fn look() -> Result<Option<Self>, StepError> {
        let (own, user) = (process::own_pid(), identity::effective_user());
        let mut through = fd::inherited().unwrap_or_default();
        let handoff = through.iter().find_map(|inherited| {
            let carried = inherited.number();
            // A socket of another user is not read from, and nothing is taken from any.
            socketpair::peer_uid(carried).ok().filter(|maker| *maker == user)?;
            let mut text = [0; MAX_HANDOFF_BYTES];
            let length = socketpair::peek(carried, &mut text).ok()?;
            let handoff = Handoff::read(text.get(..length)?)?;
            let ours = handoff.process == own && handoff.origin.is_ours();
            (ours && fd::is_pipe(handoff.reports)).then_some((handoff, carried))
        });
        let mut one = |number: i32| {
            let at = through.iter().position(|inherited| inherited.number() == number)?;
            Some(through.swap_remove(at))
        };
        let arrival = handoff.and_then(|(handoff, carried)| {
            Some(Self { carried: one(carried)?, reports: one(handoff.reports)?, handoff })
        });
        match arrival {
            None if is_lost() => {
                let cause = "what was to go on as the service has lost the descriptor that says so";
                let hint =
                    "close none before Daemon::enter that was not opened here, or say Reexecute::Never";
                Err(StepError::bare("daemon", cause, super::USAGE).hint(hint))
            }
            arrival => Ok(arrival),
        }
    }

    /// Whether the program has tried as often before as it had when it left.
    pub(super) fn is_due(&self, attempt: u32) -> bool {
        attempt >= self.handoff.attempt
    }

    /// Takes the ticket; says where the launcher listens.
    pub(super) fn take(self) -> io::Result<(Handoff, OwnedFd)> {
        drop(self.carried.adopt()?);
        let reports = self.reports.adopt()?;
        executable::rename(&self.handoff.name);
        Ok((self.handoff, reports))
    }
}

/// Whether this process is one in which the program has been executed again, and has not entered yet.
///
/// It is what [`Daemon::reexecute`](super::Daemon::reexecute) makes of a program: `main` runs a second time, up to
/// [`Daemon::enter`](super::Daemon::enter), in the process that is to be the service. What a program does before that and
/// must not be done twice (asking for a password, stopping what runs) it can leave out then.
pub fn is_reexec() -> bool {
    !matches!(HandoffReceiver::look(), Ok(None))
}

/// The variables of the starter, without our own.
pub(super) fn variables() -> Vec<(OsString, OsString)> {
    detect::variables().into_iter().filter(|(name, _)| name != VARIABLE).collect()
}

fn is_lost() -> bool {
    let own = process::own_pid();
    let told = detect::variables().into_iter().find(|(name, _)| name == VARIABLE);
    let told = told.and_then(|(_, value)| {
        let numbers: Option<Vec<i32>> =
            value.to_str()?.split(' ').map(|number| number.parse().ok()).collect();
        let [process, starter, parent] = numbers?.try_into().ok()?;
        Some((process, Ancestry { starter, parent }))
    });
    told.is_some_and(|(process, origin)| process == own && origin.is_ours())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_nobody_has_sent_has_no_ticket() {
        assert!(HandoffReceiver::look().is_ok_and(|arrival| arrival.is_none()));
        assert!(!is_reexec());
        let (own, parent) = (process::own_pid(), process::parent_pid());
        assert!(
            Ancestry { starter: own, parent }.is_ours()
                && Ancestry { starter: parent, parent: own }.is_ours()
        );
        assert!(!Ancestry { starter: own, parent: own }.is_ours(), "nobody descends from themselves");
    }
}
