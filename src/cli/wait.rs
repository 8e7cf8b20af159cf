//! `svcadapt wait`: waits until a service is ready, or has stopped.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use svcadapt::control::{Goal, ServiceRef, WaitError};
use svcadapt::{StepError, control};
use svcadapt_spec::Timespan;

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
    match control::wait(&target, goal, timeout) {
        Ok(()) => Exit::Status(0),
        Err(error) => report::failed(&cause(&target, error)),
    }
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
