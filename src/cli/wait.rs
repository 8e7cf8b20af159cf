//! `svcadapt wait`: waits until a service is ready, or has stopped.

use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use svcadapt::control::{Goal, RunState, ServiceRef, WaitError};
use svcadapt::{StepError, control};
use svcadapt_hosts::{ManagedService, RunPhase};
use svcadapt_spec::Timespan;

use super::owner::{Owner, owner};
use super::state_word::state_word;
use super::{Exit, probe, report, which};

/// Exit status: it has not happened.
const NOT_YET: u8 = 1;
/// Exit status: unknown (LSB).
const UNKNOWN: u8 = 4;

/// The clap command.
pub(crate) fn command() -> Command {
    let goal = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    which::options(Command::new("wait"))
        .about("Waits until a service is ready, or has stopped")
        .long_about(
            "Waits until a service is ready, or has stopped. A service that is not running may still be started: \
             --ready waits for it, but fails if it ends while it starts.\n\n\
             Exit status: 0 it is ready, or has stopped; 1 not in time, or it has ended before it was ready; 4 its state \
             cannot be determined.",
        )
        .arg(goal("ready", "Wait until it is ready"))
        .arg(goal("stopped", "Wait until it has stopped"))
        .group(ArgGroup::new("goal").args(["ready", "stopped"]).required(true))
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .value_parser(ValueParser::os_string())
                .help("How long to wait [no limit]"),
        )
}

/// Waits.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let target = match which::target(matches) {
        Ok(target) => target,
        Err(error) => return report::failed(&error),
    };
    let timeout = match probe::time(matches, "timeout") {
        Ok(timeout) => timeout.and_then(Timespan::finite),
        Err(error) => return report::failed(&error),
    };
    let goal = if matches.get_flag("ready") { Goal::Ready } else { Goal::Stopped };
    let found = control::status(&target);
    // What svcadapt runs has a record, which knows more than the manager.
    let has_record = !matches!(found.state, RunState::NotRunning | RunState::Dead(_));
    if !has_record && let Ok(Owner::Manager(managed)) = owner(&target, &found) {
        return by_manager(&target, &managed, goal, timeout);
    }
    match control::wait(&target, goal, timeout) {
        Ok(()) => Exit::Status(0),
        Err(error) => report::failed(&cause(&target, error)),
    }
}

/// Waits for a service of which only its manager knows.
fn by_manager(target: &ServiceRef, managed: &ManagedService, goal: Goal, timeout: Option<Duration>) -> Exit {
    let is_reached = |phase: &RunPhase| match goal {
        Goal::Ready => matches!(phase, RunPhase::Running | RunPhase::Failed(_)),
        Goal::Stopped => phase.is_over(),
    };
    let phase = match managed.wait_for(is_reached, timeout) {
        Ok(phase) => phase,
        Err(error) => return report::failed(&error.status(UNKNOWN)),
    };
    let cause = match (goal, phase) {
        (Goal::Ready, RunPhase::Running) => return Exit::Status(0),
        (Goal::Stopped, phase) if phase.is_over() => return Exit::Status(0),
        (Goal::Ready, RunPhase::Failed(why)) => format!("it has failed: {why}"),
        (_, phase) => format!("not in time; it is {}", phase.name()),
    };
    report::failed(&StepError::new("wait", cause).of(target.to_string()).status(NOT_YET))
}

fn cause(target: &ServiceRef, error: WaitError) -> StepError {
    let (cause, status, hint) = match error {
        WaitError::Ended => ("it has ended before it was ready".to_owned(), NOT_YET, None),
        WaitError::TimedOut(found) => (format!("not in time; it is {}", state_word(&found)), NOT_YET, None),
        WaitError::Unknown(reason) => (reason.to_string(), UNKNOWN, reason.hint()),
    };
    let mut error = StepError::new("wait", cause).of(target.to_string()).status(status);
    error.hint = hint;
    error
}
