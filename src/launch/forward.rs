//! Forwards signals to the program, some of them as other signals.

use std::io;

use crate::plan::{LaunchStep, Plan};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal;

/// The map of signals, as numbers of this system.
#[derive(Debug)]
pub(super) struct SignalMap {
    others: Vec<(i32, i32)>,
}

/// The meaning of a received signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalMeaning {
    /// The service is to stop.
    Stop,
    /// Anything else; the program decides.
    Other,
}

impl SignalMap {
    /// The map of the plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let said = plan.launch_steps().find_map(|step| match step {
            LaunchStep::Monitor(others) => Some(others.as_slice()),
            _ => None,
        });
        let number = |name: &dyn ToString| signal::number(&name.to_string());
        let numbers = said.unwrap_or_default().iter();
        Self { others: numbers.filter_map(|(from, to)| Some((number(from)?, number(to)?))).collect() }
    }

    /// The signal that the program gets for a received one.
    pub(super) fn translate(&self, number: i32) -> i32 {
        self.others.iter().find(|(from, _)| *from == number).map_or(number, |(_, to)| *to)
    }

    /// The meaning of a received signal.
    pub(super) fn meaning(&self, number: i32) -> SignalMeaning {
        let stop = self.translate(signal::SIGTERM);
        if number == signal::SIGTERM || self.translate(number) == stop {
            SignalMeaning::Stop
        } else {
            SignalMeaning::Other
        }
    }
}

/// The main process, while a monitor stays with it.
#[derive(Debug)]
pub(super) struct MainProcess {
    pub(super) pid: i32,
    /// A handle, if the process may not be our child: then its pid may be reused.
    pub(super) held: Option<ProcessHandle>,
}

impl MainProcess {
    /// A child of this process: its pid is not reused before it is reaped here.
    pub(super) fn child(pid: i32) -> Self {
        Self { pid, held: None }
    }

    /// A process that the program has forked.
    pub(super) fn descendant(pid: i32) -> io::Result<Self> {
        Ok(Self { pid, held: ProcessHandle::open(pid)? })
    }

    /// Sends a signal to the process alone. Sent to its session, it would arrive twice.
    pub(super) fn send(&self, number: i32) {
        // If it has ended, its end is reported separately.
        let _ = match &self.held {
            Some(held) => held.send(number).map(drop),
            None => signal::send(self.pid, number),
        };
    }
}
