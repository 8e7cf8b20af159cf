//! `svcadapt start`: starts a service that is installed, or whose record is left.

use std::time::Duration;

use clap::{ArgMatches, Command};
use svcadapt::control::{RunState, ServiceRef, Status};
use svcadapt::internal::effective_user;
use svcadapt::{StepError, control};
use svcadapt_hosts::{ManagedService, Operation, RunPhase};

use super::owner::{Owner, owner};
use super::text::printable;
use super::{Exit, report, requests, which};

/// How long a manager may take to start, restart or stop a service. Its own timeouts are shorter.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The clap command.
pub(crate) fn command() -> Command {
    which::several(Command::new("start"))
        .about("Starts a service by the manager that has it, and waits until it is ready")
        .long_about(
            "Asks the manager that has a service of this name, running or not: systemd (also the user's), launchd, OpenRC, \
             runit, s6, daemontools, supervisord, or an init script with svcadapt in it. It waits as long as the manager's tool does: until the \
             service is ready where the manager knows readiness. A service without a manager is started from its record, \
             if it has ended without `stop`. `svcadapt run` starts a new one.\n\n\
             Exit status: 0 it runs, 1 it could not be started, 4 permission denied, or its manager does not answer, 5 nothing \
             is known of it.",
        )
}

/// Starts each service.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    which::each_alone(matches, "start", start)
}

/// Starts one service.
pub(super) fn start(target: &ServiceRef) -> Exit {
    let found = control::status(target);
    match (owner(target, &found), &found.state) {
        (Ok(Owner::Manager(managed)), _) => by_manager(target, &managed, &found),
        (Ok(Owner::Svcadapt), RunState::Running(pid, _)) => already(target, Some(*pid)),
        (Ok(Owner::Svcadapt), _) => requests::start_again(target, "started"),
        (Err(error), _) => report::failed(&error),
    }
}

fn by_manager(target: &ServiceRef, managed: &ManagedService, found: &Status) -> Exit {
    match managed.state() {
        Ok(state) if state.phase == RunPhase::Running => {
            let pid = match found.state {
                RunState::Running(pid, _) => Some(pid),
                _ => state.pid,
            };
            return already(target, pid);
        }
        Ok(_) => {}
        Err(error) => return report::failed(&error),
    }
    done(target, managed, Operation::Start, "started", OPERATION_TIMEOUT)
}

/// Prints that it runs.
pub(super) fn already(target: &ServiceRef, pid: Option<i32>) -> Exit {
    let pid = pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    report::answer(&format!("{}: already running{pid}\n", printable(target.to_string())), 0)
}

/// Makes the manager do it, and prints that it is done.
pub(super) fn done(
    target: &ServiceRef,
    managed: &ManagedService,
    operation: Operation,
    word: &str,
    limit: Duration,
) -> Exit {
    match managed.perform(operation, limit) {
        Ok(()) => {
            let line = format!("{}: {word} ({managed})\n", printable(target.to_string()));
            report::answer(&line, 0)
        }
        Err(error) => report::failed(&explained(error)),
    }
}

/// Exit status: permission denied (LSB, "user had insufficient privilege").
const DENIED: u8 = 4;

/// Adds the usual cure and, if the tool was refused, the exit status for that.
pub(super) fn explained(mut error: StepError) -> StepError {
    let is_denied = |line: &String| {
        let line = line.to_lowercase();
        ["access denied", "permission denied", "operation not permitted", "authentication required"]
            .iter()
            .any(|word| line.contains(word))
    };
    if effective_user() != 0 {
        if error.output.iter().any(is_denied) {
            error.status = DENIED;
        }
        error.hint.get_or_insert_with(|| "if it is a service of the system, run this as root".to_owned());
    }
    error
}
