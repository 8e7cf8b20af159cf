//! The end of a reload: the probes of the service hold again.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use svcadapt_spec::{Probe, ServiceType};

use super::policy::probes_again;
use super::start::Start;
use crate::error::StepError;
use crate::readiness::{Probes, ProcessTree};
use crate::sys::process::{Ended, Reaped};
use crate::sys::{process, procfs, signal};

/// The pause between two looks at a signal that the program has not taken.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// What is awaited before a service that is being reloaded is ready again.
pub(super) struct ReadyAgain {
    probes: Probes,
    /// When the probes were tried for the first time.
    began: Option<Instant>,
    /// The reload signal, until the program takes it: what holds before is not its answer.
    signal: Option<i32>,
    /// Whether the program still has to send `READY=1`.
    awaits_message: bool,
    /// Whether its end was awaited: the commands were done, or the signal was sent.
    tried: bool,
}

impl ReadyAgain {
    /// For the reload that begins now. `None`: the service has no probe that can hold again.
    pub(super) fn of(start: &Start<'_>) -> Result<Option<Self>, StepError> {
        let probes: Vec<Probe> = probes_again(start.spec).cloned().collect();
        if probes.is_empty() {
            return Ok(None);
        }
        // The account and the environment may not be known to this image of the monitor.
        let resolved = start.resolve_again(start.spec)?;
        let start = start.again(start.spec, start.plan, &resolved);
        Ok(Some(Self {
            probes: start.probe_source(&start.environment()).probes(&probes, Vec::new()),
            began: None,
            signal: None,
            awaits_message: start.spec.service_type == Some(ServiceType::NotifyReload),
            tried: false,
        }))
    }

    /// The program was sent this signal.
    pub(super) fn signalled(&mut self, number: i32) {
        self.signal = Some(number);
    }

    /// The program has sent `READY=1`.
    pub(super) fn notified(&mut self) {
        self.awaits_message = false;
    }

    /// Whether the service is ready again. Called when the commands of the reload have ended, or the signal was sent.
    pub(super) fn look(&mut self, tree: ProcessTree) -> io::Result<bool> {
        self.tried = true;
        if self.is_pending(tree.main) || self.awaits_message {
            return Ok(false);
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        self.probes.look(tree, began.elapsed())?;
        Ok(self.probes.all_met())
    }

    /// Without /proc nothing is known of it.
    fn is_pending(&mut self, main: i32) -> bool {
        let signal = self.signal;
        let pending = |number| procfs::status(main).is_ok_and(|status| status.pending.contains(number));
        self.signal = signal.filter(|number| pending(*number));
        self.signal.is_some()
    }

    /// Handles the end of a child, which may be that of a probe.
    pub(super) fn child_ended(&mut self, pid: i32, ended: Ended) {
        let elapsed = self.began.map(|began| began.elapsed()).unwrap_or_default();
        self.probes.child_ended(pid, ended, elapsed);
    }

    /// Reaps the children of the probes and no others.
    pub(super) fn reap(&mut self) -> io::Result<()> {
        for pid in self.probes.children() {
            match process::reap_one(pid)? {
                Reaped::Child(_, ended) => self.child_ended(pid, ended),
                Reaped::None => {}
                // Another part of this program has reaped it: how it ended is not known.
                Reaped::NoChildren => self.child_ended(pid, Ended::Killed(signal::SIGKILL)),
            }
        }
        Ok(())
    }

    /// The descriptors that become readable on an event.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.probes.descriptors()
    }

    /// The time until the next look. `None` if an event comes before.
    pub(super) fn pause(&self) -> Option<Duration> {
        match (self.signal, self.began) {
            (Some(_), _) => Some(POLL_INTERVAL),
            (None, Some(began)) => self.probes.pause(began.elapsed()),
            (None, None) => None,
        }
    }

    /// Whether the commands were done, so that only the end was awaited.
    pub(super) fn was_tried(&self) -> bool {
        self.tried
    }

    /// What is missing, for people.
    pub(super) fn missing(&self, tree: Option<ProcessTree>) -> String {
        match self.signal {
            Some(number) => format!("the program has not taken {}", signal::name(number)),
            None if self.awaits_message => Probe::Notify.to_string(),
            None => self.probes.missing(tree),
        }
    }
}

impl Drop for ReadyAgain {
    fn drop(&mut self) {
        self.probes.kill();
    }
}
