//! Re-execution: how the forked process executes the program again, and how the new program recognises that.
//!
//! The handoff travels in a socket pair that is created before the forks. The record is written to one end, which is
//! then closed; the other end goes through the exec, together with the pipe to the launcher. The record names the
//! process it is for, the process that started it, and the few facts that cannot be detected a second time. A handoff
//! is accepted only
//!
//! * in the process that it names, below the ancestors it names, which still wait;
//! * if the kernel reports that the pair was created by our effective user, who could harm this process without a
//!   handoff, too;
//! * once: accepting it closes it.
//!
//! So no part of it is in the environment, where it could be inherited or forged. The exec adds one variable, which
//! only says that the process it names must find a handoff: otherwise a program that closes all descriptors first would
//! re-execute itself for ever. The variable is removed from the environment of the service and its children;
//! `/proc/PID/environ`, which shows the environment of the exec, still has it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::handoff::{Ancestry, Fingerprint, Handoff};
use crate::detect;
use crate::detect::Detection;
use crate::error::{StepError, USAGE};
use crate::plan::LaunchStep;
use crate::setup::{Report, ServiceProcess};
use crate::sys::fd::InheritedFd;
use crate::sys::{executable, fd, identity, process, signal, socketpair};

/// The variable that names the process that must find a handoff, and its ancestors.
const VARIABLE: &str = "SVCADAPT_REEXEC";

/// Longer than any handoff.
const MAX_HANDOFF_BYTES: usize = 4096;

/// A handoff and both ends of its socket pair, before the forks.
#[derive(Debug)]
pub(super) struct HandoffSender {
    handoff: Handoff,
    written: OwnedFd,
    carried: OwnedFd,
}

impl HandoffSender {
    /// Created in the launcher, before the forks.
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

    /// Executes the program again in the process that becomes the service. A failure is reported to the launcher.
    pub(super) fn reexec(self, work: ServiceProcess<'_>, program: &Path) -> ! {
        let Some(reports) = work.into_report_pipe() else { process::exit_now(USAGE) };
        let error = self.send(&reports).unwrap_or_else(|error| error);
        let failure = StepError::io(&LaunchStep::Reexec(program.to_owned()), &error);
        let _ = Report::Failed(failure.clone()).send(&reports);
        process::exit_now(failure.status)
    }

    fn send(self, reports: &OwnedFd) -> io::Result<io::Error> {
        let Self { mut handoff, written, carried } = self;
        handoff.process = process::own_pid();
        handoff.origin.parent = process::parent_pid();
        handoff.reports = socketpair::leak_to_exec(fd::duplicate(reports, 3)?)?;
        fd::write_all(&written, &handoff.write())?;
        drop(written);
        socketpair::leak_to_exec(carried)?;
        // The launcher had blocked all signals; the second `main` must be killable as the first was.
        signal::unblock_all()?;
        let Ancestry { starter, parent } = handoff.origin;
        let value = format!("{} {starter} {parent}", handoff.process);
        Ok(executable::reexec(VARIABLE, &value))
    }
}

/// A handoff that came through the exec and is not accepted yet.
#[derive(Debug)]
pub(super) struct HandoffReceiver {
    handoff: Handoff,
    carried: InheritedFd,
    reports: InheritedFd,
}

impl HandoffReceiver {
    /// Looks for a handoff to this process without consuming it. It is an error if the variable demands one and none is
    /// found.
    pub(super) fn find() -> Result<Option<Self>, StepError> {
        let (own, user) = (process::own_pid(), identity::effective_user());
        let mut through = fd::inherited().unwrap_or_default();
        let handoff = through.iter().find_map(|inherited| {
            let carried = inherited.number();
            // Sockets of other users are not read; the data stays in the socket (MSG_PEEK).
            socketpair::peer_uid(carried).ok().filter(|uid| *uid == user)?;
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
        let receiver = handoff.and_then(|(handoff, carried)| {
            Some(Self { carried: one(carried)?, reports: one(handoff.reports)?, handoff })
        });
        match receiver {
            None if handoff_is_missing() => {
                let cause = "re-exec failed: the handoff descriptor was closed before Daemon::enter";
                let hint = "do not close inherited descriptors before Daemon::enter, or use Reexecute::Never";
                Err(StepError::bare("daemon", cause, USAGE).hint(hint))
            }
            receiver => Ok(receiver),
        }
    }

    /// Whether the program has reached the call of `enter` that led to the re-exec.
    pub(super) fn is_due(&self, attempt: u32) -> bool {
        attempt >= self.handoff.attempt
    }

    /// Consumes the handoff and returns it with the pipe to the launcher.
    pub(super) fn take(self) -> io::Result<(Handoff, OwnedFd)> {
        drop(self.carried.adopt()?);
        let reports = self.reports.adopt()?;
        executable::rename(&self.handoff.name);
        Ok((self.handoff, reports))
    }
}

/// Whether the program was re-executed in this process and has not entered yet.
///
/// With [`Daemon::reexecute`](super::Daemon::reexecute) `main` runs a second time, up to
/// [`Daemon::enter`](super::Daemon::enter), in the process that becomes the service. Use this to skip what must not
/// happen twice, such as asking for a password or stopping another instance.
pub fn is_reexec() -> bool {
    !matches!(HandoffReceiver::find(), Ok(None))
}

/// The starter's variables without `SVCADAPT_REEXEC`.
pub(super) fn variables() -> Vec<(OsString, OsString)> {
    detect::variables().into_iter().filter(|(name, _)| name != VARIABLE).collect()
}

fn handoff_is_missing() -> bool {
    let own = process::own_pid();
    let value = detect::variables().into_iter().find(|(name, _)| name == VARIABLE);
    let addressee = value.and_then(|(_, value)| {
        let numbers: Option<Vec<i32>> =
            value.to_str()?.split(' ').map(|number| number.parse().ok()).collect();
        let [process, starter, parent] = numbers?.try_into().ok()?;
        Some((process, Ancestry { starter, parent }))
    });
    addressee.is_some_and(|(process, origin)| process == own && origin.is_ours())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_without_a_handoff_is_no_reexec() {
        assert!(HandoffReceiver::find().is_ok_and(|receiver| receiver.is_none()));
        assert!(!is_reexec());
        let (own, parent) = (process::own_pid(), process::parent_pid());
        assert!(
            Ancestry { starter: own, parent }.is_ours()
                && Ancestry { starter: parent, parent: own }.is_ours()
        );
        assert!(!Ancestry { starter: own, parent: own }.is_ours(), "a process is not its own ancestor");
    }
}
