//! Passing signals on to the program, some of them as others.

use std::io;
use std::time::Instant;

use crate::plan::{Plan, Step};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal;

/// Which signals come as others, as numbers of this system.
#[derive(Debug)]
pub(super) struct SignalMap {
    others: Vec<(i32, i32)>,
}

/// What a signal that came asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalMeaning {
    /// That the service ends.
    Stop,
    /// Anything else; it is between the sender and the program.
    Other,
}

impl SignalMap {
    /// What the plan says.
    pub(super) fn of(plan: &Plan) -> Self {
        let said = plan.steps.iter().find_map(|planned| match &planned.step {
            Step::Monitor(others) => Some(others.as_slice()),
            _ => None,
        });
        let number = |name: &dyn ToString| signal::number(&name.to_string());
        let numbers = said.unwrap_or_default().iter();
        Self { others: numbers.filter_map(|(from, to)| Some((number(from)?, number(to)?))).collect() }
    }

    /// What a signal comes to the program as.
    pub(super) fn translate(&self, number: i32) -> i32 {
        self.others.iter().find(|(from, _)| *from == number).map_or(number, |(_, to)| *to)
    }

    /// What a signal that came asks for.
    pub(super) fn meaning(&self, number: i32) -> SignalMeaning {
        let stop = self.translate(signal::SIGTERM);
        if number == signal::SIGTERM || self.translate(number) == stop {
            SignalMeaning::Stop
        } else {
            SignalMeaning::Other
        }
    }
}

/// The main process, for as long as it is stayed with.
#[derive(Debug)]
pub(super) struct MainProcess {
    pub(super) pid: i32,
    /// It may be a child of another process; then its number alone could be a stranger's.
    pub(super) held: Option<ProcessHandle>,
    pub(super) stopping: Stopping,
}

/// Whether the program was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopping {
    /// It was not.
    No,
    /// It was, and has to have ended by then; none may take for ever.
    Until(Option<Instant>),
    /// It has been killed.
    Killed,
}

impl Stopping {
    /// When its time is over.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Self::Until(deadline) => deadline,
            Self::No | Self::Killed => None,
        }
    }
}

impl MainProcess {
    /// A child of ours: only we reap it, so its number stays its own.
    pub(super) fn child(pid: i32) -> Self {
        Self { pid, held: None, stopping: Stopping::No }
    }

    /// A process that a program has forked off.
    pub(super) fn descendant(pid: i32) -> io::Result<Self> {
        Ok(Self { pid, held: ProcessHandle::open(pid)?, stopping: Stopping::No })
    }

    /// Its time to end is over.
    pub(super) fn kill(&mut self) {
        self.send(signal::SIGKILL);
        self.stopping = Stopping::Killed;
    }

    /// Sends it a signal: to its process, as it came to us. To its whole session it would come twice.
    pub(super) fn send(&self, number: i32) {
        // Who has ended is told by its end.
        let _ = match &self.held {
            Some(held) => held.send(number).map(drop),
            None => signal::send(self.pid, number),
        };
    }
}
