//! The commands around the opening and the closing of the sockets (systemd.socket(5), `ExecStartPre=`). No process of the
//! service runs at these times, so that this process waits for each command.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use svcadapt_spec::{ExecCommand, ServiceSpec, SocketMoment, SocketOption, SocketOptionValue, SpecDraft};

use super::commands::{Control, fork_command, own_output, words};
use super::state::Life;
use crate::error::StepError;
use crate::launch::forward::SignalMeaning;
use crate::launch::{classic, outcome, terminate};
use crate::plan::{LaunchStep, Plan};
use crate::sys::process::{Ended, Reaped};
use crate::sys::{fd, process, signal};

/// The time that a command has (systemd-system.conf(5), `DefaultTimeoutStartSec=`).
const TIMEOUT: Duration = Duration::from_secs(90);

/// What a command has at least, and between both signals, when the time of a stop is over.
const LAST_TIME: Duration = Duration::from_secs(1);

/// Exit status of a command that has not ended in time, or because of a signal to this process.
const NOT_ENDED: u8 = 249;

impl Life<'_, '_> {
    /// Executes the commands of a moment, one after the other, until one fails.
    pub(super) fn run_socket_commands(&mut self, moment: SocketMoment) -> Result<(), StepError> {
        let spec = self.start.spec;
        for command in spec.sockets.commands.get(&moment).into_iter().flatten() {
            let done = self.run_socket_command(moment, command);
            if !command.ignore_failure || self.interrupted.is_some() {
                done?;
            }
        }
        Ok(())
    }

    fn run_socket_command(&mut self, moment: SocketMoment, command: &ExecCommand) -> Result<(), StepError> {
        let (directive, words) = (moment.directive(), words(command));
        let spec = own_spec(self.start.spec, command)?;
        let resolved = self.start.resolve_again(&spec)?;
        let plan = Plan::of_command(&spec, &resolved, &self.start.plan.detection);
        let start = self.start.again(&spec, &plan, &resolved);
        let (pid, reports) = fork_command(&start, start.environment(), self.log_pipe.as_ref())?;
        let opens = matches!(moment, SocketMoment::StartPre | SocketMoment::StartPost);
        let ended = self.await_socket_command(pid, opens).map_err(LaunchStep::Fork.io_error())?;
        let failure = Control::reported(&reports).0;
        match (failure, ended) {
            (Some(failure), _) => Err(failure),
            (None, Some(Ended::Exited(0))) => Ok(()),
            (None, Some(ended)) => Err(outcome::command_failure(directive, &words, ended)),
            (None, None) => {
                let cause = match self.interrupted {
                    Some(number) if opens => format!("ended because of {}", signal::name(number)),
                    _ => "the command has not ended in time".into(),
                };
                let late = StepError::about(directive, words, cause, NOT_ENDED);
                Err(late.hint("TimeoutSec= of the socket unit (--socket-timeout-sec) sets the time"))
            }
        }
    }

    /// Waits for the end of a command. `None`: it was ended, because its time was over or a signal asked for the end.
    fn await_socket_command(&mut self, pid: i32, opens: bool) -> io::Result<Option<Ended>> {
        let CommandTimes { until_term, until_kill } = self.times_of_socket_command(opens);
        let mut deadline = Instant::now().checked_add(until_term);
        let mut kills = [signal::SIGTERM, signal::SIGKILL].into_iter();
        let mut killed = false;
        loop {
            // A child that ends after this look sends SIGCHLD, which is read in the next round.
            while let Some(number) = self.signals.next()? {
                let asks = self.forward.meaning(number) == SignalMeaning::Stop
                    || classic::is_termination_signal(number);
                if opens && asks && self.interrupted.is_none() {
                    self.interrupted = Some(number);
                    deadline = Some(Instant::now());
                }
            }
            if let Reaped::Child(_, ended) = process::reap_one(pid)? {
                return Ok((!killed).then_some(ended));
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                killed = true;
                let number = kills.next();
                deadline = number.and_then(|_| Instant::now().checked_add(until_kill));
                let number = number.unwrap_or(signal::SIGKILL);
                let _ = signal::send(pid, number);
                terminate::signal_descendants(&[number], &[pid])?;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            fd::wait_readable(&[self.signals.as_fd()], left)?;
        }
    }

    /// The stop timeout holds for the commands of a stop too, so that they do not outlast the one who stops the service.
    fn times_of_socket_command(&self, opens: bool) -> CommandTimes {
        let own = timeout(self.start.spec);
        let stop = self.times.stop.unwrap_or(Duration::MAX);
        let left = self.stop_by.map(|by| by.saturating_duration_since(Instant::now()).max(LAST_TIME));
        let until_term = own.unwrap_or(Duration::MAX);
        CommandTimes {
            until_term: if opens { until_term } else { until_term.min(stop).min(left.unwrap_or(stop)) },
            until_kill: own.unwrap_or(TIMEOUT).min(stop).min(left.map_or(Duration::MAX, |_| LAST_TIME)),
        }
    }
}

/// The times of a command: until it is asked to end, and then until it is killed.
struct CommandTimes {
    until_term: Duration,
    until_kill: Duration,
}

/// The time that a command has. `None`: no limit.
fn timeout(spec: &ServiceSpec) -> Option<Duration> {
    match spec.sockets.options.get(&SocketOption::SocketTimeoutSec) {
        Some(SocketOptionValue::Time(span)) => span.finite().filter(|span| !span.is_zero()),
        _ => Some(TIMEOUT),
    }
}

/// A spec of the command alone: the socket unit has an environment, rights and limits of its own, of which the service's
/// say nothing. Its output goes where the service's goes.
fn own_spec(service: &ServiceSpec, command: &ExecCommand) -> Result<ServiceSpec, StepError> {
    let mut draft = SpecDraft::new();
    draft.command(command.command.argv().map(ToOwned::to_owned).collect());
    let plain = draft.finish().map_err(|problems| {
        let cause = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        StepError::about("socket command", words(command), cause, 2)
    })?;
    Ok(ServiceSpec {
        argv0: command.argv0.clone(),
        expand_variables: command.expand_variables,
        ..own_output(plain, service)
    })
}
