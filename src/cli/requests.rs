//! `svcadapt restart`, `reload` and `signal`: requests to a service that runs.

use clap::{Arg, ArgMatches, Command};
use svcadapt::control::{RequestError, ServiceRef, UnknownReason};
use svcadapt::detect::ModeOption;
use svcadapt::{StepError, control, internal};
use svcadapt_hosts::{Host, Operation};
use svcadapt_spec::SignalName;

use super::owner::{Owner, owner};
use super::text::printable;
use super::{Exit, report, run, start, which};

/// Exit status: it was not done (LSB, "generic or unspecified error").
const NOT_DONE: u8 = 1;
/// Exit status: permission denied (LSB, "user had insufficient privilege").
const DENIED: u8 = 4;
/// Exit status: nothing is known of it (LSB, "program is not installed").
const NOT_INSTALLED: u8 = 5;
/// Exit status: the program is not running (LSB).
const NOT_RUNNING: u8 = 7;

/// The clap command of `restart`.
pub(crate) fn restart_command() -> Command {
    which::several(Command::new("restart"))
        .about("Restarts a service as it was started, and waits until it is ready")
        .long_about(
            "Stops the service and starts it again from its stored spec, with the options that it was started with. A \
             process that stays with the service does it without giving up the lock. A service that is not running is \
             started if its record is left. A service of a manager without such a process is restarted by the manager.\n\n\
             Exit status: 0 it runs again; as `run` if the start fails; 1 it could not be stopped, or a condition \
             is not met, 4 permission denied, or its manager does not answer, 5 \
             nothing is known of it.",
        )
}

/// The clap command of `reload`.
pub(crate) fn reload_command() -> Command {
    which::several(Command::new("reload"))
        .about("Makes a service reload its configuration: ExecReload=, or its reload signal")
        .long_about(
            "Runs the commands of ExecReload= and waits for them, or sends ReloadSignal=. Then it waits, for at most \
             TimeoutStartSec=, until the program is ready again: with Type=notify-reload it says so, and each probe of \
             --ready that can hold again has to (tcp, unix, http, file, exec). If one does not, the reload \
             has failed, and the service goes on. A signal for which the program has no handler is not sent, because it \
             would end the program.\n\n\
             Exit status: 0 reloaded, 1 the reload failed or the service has none, 4 permission denied, 7 not running, or \
             without a main process now.",
        )
}

/// The clap command of `signal`.
pub(crate) fn signal_command() -> Command {
    which::several(Command::new("signal"))
        .about("Sends a signal to the main process of a service")
        .long_about(
            "Sends a signal to the main process, which is identified by its lock, not by a number in a file. Of a service of which \
             only its manager knows: by systemctl(1) or launchctl(1), else to the process that the manager names.\n\n\
             Exit status: 0 sent, 1 not sent, 4 permission denied, 7 not running, or without a main process now: it waits \
             for its restart, or has ended and counts as running (RemainAfterExit=).",
        )
        .arg(
            Arg::new("signal")
                .long("signal")
                .short('s')
                .value_name("SIGNAL")
                .default_value("SIGTERM")
                .help("Name of the signal: HUP or SIGHUP"),
        )
}

/// Restarts the service.
pub(crate) fn restart(matches: &ArgMatches) -> Exit {
    which::each_alone(matches, "restart", restart_one)
}

/// Restarts one service.
pub(super) fn restart_one(target: &ServiceRef) -> Exit {
    let found = control::status(target);
    match owner(target, &found) {
        // A monitor keeps the sockets of the service, which a restart of the monitor would close.
        Ok(Owner::Manager(managed)) if found.monitor.is_none() || managed.host() == Host::Systemd => {
            return start::done(target, &managed, Operation::Restart, "restarted", start::OPERATION_TIMEOUT);
        }
        Ok(_) => {}
        Err(error) => return report::failed(&error),
    }
    match control::restart(target) {
        Ok(()) => answer(target, "restarted"),
        Err(RequestError::NoMonitor | RequestError::NotRunning) => start_again(target, "restarted"),
        Err(error) => failed("restart", target, &error),
    }
}

/// Stops a service without a monitor, and starts it from its stored spec. `word`: what it is then.
pub(super) fn start_again(target: &ServiceRef, word: &str) -> Exit {
    let stored = control::status(target).lock.and_then(|lock| internal::stored_spec(&lock).ok().flatten());
    let Some(stored) = stored else {
        let cause = "nothing is stored of it that could be started";
        let error = StepError::new(if word == "started" { "start" } else { "restart" }, cause)
            .of(target.to_string())
            .status(NOT_INSTALLED);
        return report::failed(
            &error.hint("`svcadapt list` shows the services; start it with `svcadapt run`"),
        );
    };
    let (draft, mode) = (stored.draft, stored.mode);
    let mode = mode.to_str().and_then(ModeOption::from_name).unwrap_or(ModeOption::Auto);
    // A spec that cannot be started any more must not stop the service.
    if let Err(exit) = run::check_start(draft.clone(), mode) {
        return exit;
    }
    if let Err(cause) = internal::stop_to_restart(target) {
        return report::refused("stop", target, &cause.to_string(), cause.hint(), NOT_DONE);
    }
    match run::run_quick(draft, mode) {
        Exit::Status(0) => answer(target, word),
        // `run` has named the condition.
        Exit::Skipped => Exit::Status(NOT_DONE),
        exit @ (Exit::Status(_) | Exit::Signal(_)) => exit,
    }
}

fn answer(target: &ServiceRef, word: &str) -> Exit {
    report::answer(&format!("{}: {word}\n", printable(target.to_string())), 0)
}

/// Reloads the service.
pub(crate) fn reload(matches: &ArgMatches) -> Exit {
    which::each(matches, reload_one)
}

/// Reloads one service.
pub(super) fn reload_one(target: &ServiceRef) -> Exit {
    match owner(target, &control::status(target)) {
        Ok(Owner::Manager(managed)) if managed.has(Operation::Reload) => {
            return start::done(target, &managed, Operation::Reload, "reloaded", start::OPERATION_TIMEOUT);
        }
        Ok(Owner::Manager(managed)) => match control::reload(target) {
            // svcadapt has no part in it.
            Err(RequestError::NotRunning | RequestError::NoReload) => {
                let error = StepError::new("reload", format!("{managed} has no reload"));
                let hint = "use `svcadapt restart`, or the signal that the program knows";
                return report::failed(&error.of(target.to_string()).hint(hint).status(NOT_DONE));
            }
            Err(error) => return failed("reload", target, &error),
            Ok(()) => return answer(target, "reloaded"),
        },
        Ok(Owner::Svcadapt) => {}
        Err(error) => return report::failed(&error),
    }
    match control::reload(target) {
        Ok(()) => answer(target, "reloaded"),
        Err(error) => failed("reload", target, &error),
    }
}

/// Sends the signal.
pub(crate) fn signal(matches: &ArgMatches) -> Exit {
    let word = matches.get_one::<String>("signal").map(String::as_str).unwrap_or_default();
    which::each(matches, |target| match SignalName::parse(word.as_ref()) {
        Err(error) => report::failed(&report::value_error("signal", word.as_ref(), error)),
        Ok(name) => match control::send_signal(target, name) {
            Ok(()) => Exit::Status(0),
            Err(RequestError::NotRunning) => signal_by_manager(target, name),
            Err(error) => failed("signal", target, &error),
        },
    })
}

/// Has a signal sent to a service that has no record.
fn signal_by_manager(target: &ServiceRef, name: SignalName) -> Exit {
    match owner(target, &control::status(target)) {
        Ok(Owner::Manager(managed)) => match managed.send_signal(name) {
            Ok(()) => Exit::Status(0),
            Err(error) => report::failed(&start::explained(error)),
        },
        Ok(Owner::Svcadapt) => failed("signal", target, &RequestError::NotRunning),
        Err(error) => report::failed(&error),
    }
}

/// Reports a request that was not done.
pub(super) fn failed(stage: &str, target: &ServiceRef, cause: &RequestError) -> Exit {
    report::refused(stage, target, &cause.to_string(), cause.hint(), status_of(cause))
}

/// The exit status of a request that was not done.
pub(super) fn status_of(cause: &RequestError) -> u8 {
    match cause {
        RequestError::NotRunning | RequestError::NoMainProcess(_) => NOT_RUNNING,
        RequestError::Denied(_) | RequestError::Unknown(UnknownReason::Denied(_)) => DENIED,
        _ => NOT_DONE,
    }
}
