//! `svcadapt reopen`: a service writes into a new log file, because the old one was moved away.

use clap::{ArgMatches, Command};
use svcadapt::control;
use svcadapt::control::{RequestError, ServiceRef};

use super::owner::{Owner, owner};
use super::requests::status_of;
use super::text::printable;
use super::{Exit, report, which};

/// The clap command.
pub(crate) fn command() -> Command {
    which::several(Command::new("reopen"))
        .about("Makes services write into new log files, after the old ones were moved away (logrotate(8))")
        .long_about(
            "Opens the log file of a service again, for the postrotate script of logrotate(8). Where a process of svcadapt \
             writes the file (--log-rotate-size, --log-rotate-age, --log-timestamps), that process does it, and what was \
             said before is in the old file. Otherwise the program holds the file open itself: it is sent its \
             --reopen-signal, if it has a handler for that. Without one nothing can be done from outside: use `svcadapt \
             reload` if that makes the program open its files, or copytruncate in logrotate.conf.\n\n\
             Exit status: 0 all have new files, 1 one has not, 4 permission denied, 7 one is not running.",
        )
}

/// Asks each service.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    which::each(matches, reopen)
}

fn reopen(target: &ServiceRef) -> Exit {
    match control::reopen(target) {
        Ok(()) => report::answer(&format!("{}: reopened\n", printable(target.to_string())), 0),
        Err(RequestError::Failed(why)) if !why.is_empty() => {
            report::refused("reopen", target, &why, None, status_of(&RequestError::Failed(String::new())))
        }
        Err(RequestError::NotRunning) => without_record(target),
        Err(error) => report::refused("reopen", target, &error.to_string(), error.hint(), status_of(&error)),
    }
}

/// A service of which only its manager knows: no signal is known that makes it open its files again.
fn without_record(target: &ServiceRef) -> Exit {
    let not_running = RequestError::NotRunning;
    match owner(target, &control::status(target)) {
        Ok(Owner::Manager(managed)) if managed.state().is_ok_and(|state| !state.phase.is_over()) => {
            let cause = format!("{managed} runs it, and svcadapt does not know its signal for that");
            let hint =
                format!("`svcadapt signal -s USR1 {target}` sends one; `svcadapt reload` may do it, too");
            report::refused("reopen", target, &cause, Some(hint), 1)
        }
        Err(error) => report::failed(&error),
        Ok(_) => report::refused(
            "reopen",
            target,
            &not_running.to_string(),
            not_running.hint(),
            status_of(&not_running),
        ),
    }
}
