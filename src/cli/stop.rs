//! `svcadapt stop`: stops a service and waits until it has ended.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Command};
use svcadapt::control::{ServiceRef, StopError, Stopped, UnknownReason};
use svcadapt::internal::signal;
use svcadapt::{StepError, control};
use svcadapt_hosts::{Host, ManagedService, Operation};
use svcadapt_spec::Timespan;

use super::owner::{Owner, owner};
use super::text::printable;
use super::{Exit, foreign_daemon, report, start, which};

/// Exit status: the service could not be stopped (LSB, "generic or unspecified error").
const NOT_STOPPED: u8 = 1;
/// Exit status: permission denied (LSB, "user had insufficient privilege").
const DENIED: u8 = 4;

/// The clap command.
pub(crate) fn command() -> Command {
    foreign_daemon::option(which::several(Command::new("stop")))
        .about("Stops a service, under any manager or none, and waits until it has ended")
        .long_about(
            "A service that a manager of this machine has (systemd, launchd, OpenRC, runit, s6, daemontools, supervisord, an \
             init script with svcadapt in it) is stopped by the manager, which would start it again otherwise; its sockets and timers under \
             systemd are stopped, too. Of any other: sends SIGTERM, or the signal that the spec names, to the main process of the service and waits until it \
             has ended; after a timeout it sends SIGKILL. Leftover processes are stopped in the same way, even if the \
             main process has already ended: those in the service's own session, and those that inherited the \
             descriptor of its lock or its SVCADAPT_PROCESS. With a monitor, KillMode=process and none leave them. The main process is the holder of the service's lock; \
             a pid file that names another process is ignored. The process of a pid file that svcadapt does not know is \
             stopped only if --exec names the program that it runs, it is not younger than the file, and only root (or you) \
             can write the file.\n\n\
             Exit status: 0 the service has ended or was not running, 1 it could not be stopped, 4 permission denied.",
        )
        .arg(
            Arg::new("timeout-stop-sec")
                .long("timeout-stop-sec")
                .value_name("TIME")
                .value_parser(ValueParser::os_string())
                .help("Time after which it is killed [as it was started with, else 30s]; below a manager, which kills by its own rules, how long to wait [10min]"),
        )
}

/// Stops each service.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let read = |value: &OsString| {
        Timespan::parse(value).map_err(|error| report::value_error("timeout stop", value, error))
    };
    let timeout = match matches.get_one::<OsString>("timeout-stop-sec").map(read).transpose() {
        Ok(timeout) => timeout,
        Err(error) => return report::failed(&error),
    };
    let program = foreign_daemon::program(matches);
    which::each(matches, |target| {
        let state = control::status(target).state;
        match (foreign_daemon::pid_file(target, &state), program) {
            (Some(path), Some(program)) => foreign_daemon::stop(target, path, program, timeout),
            _ => stop(target, timeout),
        }
    })
}

/// Stops one service.
pub(super) fn stop(target: &ServiceRef, timeout: Option<Timespan>) -> Exit {
    match owner(target, &control::status(target)) {
        Ok(Owner::Manager(managed)) => by_manager(target, &managed, timeout),
        Ok(Owner::Svcadapt) => by_svcadapt(target, timeout),
        Err(error) => report::failed(&error),
    }
}

/// Stops a service by its manager, and ends what the manager has left.
fn by_manager(target: &ServiceRef, managed: &ManagedService, timeout: Option<Timespan>) -> Exit {
    let begun = Instant::now();
    let is_over = match managed.state() {
        Ok(state) => state.phase.is_over(),
        Err(error) => return report::failed(&error),
    };
    // Sockets and timers of a unit would start it later.
    if is_over && managed.host() != Host::Systemd {
        return by_svcadapt(target, timeout);
    }
    let limit = timeout.and_then(Timespan::finite).unwrap_or(start::OPERATION_TIMEOUT);
    if let Err(error) = managed.perform(Operation::Stop, limit) {
        return report::failed(&start::explained(error));
    }
    match control::stop(target, timeout) {
        Ok(_) if is_over => report::answer(&format!("{}: not running\n", printable(target.to_string())), 0),
        Ok(_) => {
            let took = seconds(begun.elapsed());
            report::answer(&format!("{}: stopped ({managed}, {took})\n", printable(target.to_string())), 0)
        }
        Err(cause) => report::refused("stop", target, &cause.to_string(), cause.hint(), status(&cause)),
    }
}

/// Stops a service that svcadapt has.
pub(super) fn by_svcadapt(target: &ServiceRef, timeout: Option<Timespan>) -> Exit {
    match control::stop(target, timeout) {
        Ok(stopped) => {
            let text = message(target, &stopped);
            if let Stopped::Ended { failure: Some(failure), .. } = &stopped {
                report::report(failure);
            }
            if let Stopped::Ended { kept: Some(cause), .. } | Stopped::Cleared { kept: Some(cause), .. } =
                stopped
            {
                report::report(&StepError::new("what it left", cause).of(target.to_string()));
            }
            report::answer(&text, 0)
        }
        Err(cause) => report::refused("stop", target, &cause.to_string(), cause.hint(), status(&cause)),
    }
}

fn status(cause: &StopError) -> u8 {
    match cause {
        StopError::Denied(_) | StopError::Unknown(UnknownReason::Denied(_)) => DENIED,
        _ => NOT_STOPPED,
    }
}

fn message(target: &ServiceRef, stopped: &Stopped) -> String {
    match stopped {
        Stopped::NotRunning => format!("{}: not running\n", printable(target.to_string())),
        Stopped::Cleared { name, others, kept: _ } => {
            let name = printable(name.as_deref().unwrap_or(&target.to_string()));
            match others {
                0 => format!("{name}: not running\n"),
                1 => format!(
                    "{name}: stopped; its main process had ended, and a process that it left behind has ended now\n"
                ),
                more => format!(
                    "{name}: stopped; its main process had ended, and {more} processes that it left behind have ended now\n"
                ),
            }
        }
        Stopped::Ended { name, signal: number, after, others, kept: _, failure: _ } => {
            let name = name.clone().unwrap_or_else(|| target.to_string());
            let how = match number {
                Some(signal::SIGKILL) => "SIGKILL after ".to_owned(),
                Some(number) => format!("{}, ", signal::name(*number)),
                None => String::new(),
            };
            let others = match others {
                0 => String::new(),
                1 => "; a process that it left behind has ended too".to_owned(),
                more => format!("; {more} processes that it left behind have ended too"),
            };
            format!("{}: stopped ({how}{}){others}\n", printable(&name), seconds(*after))
        }
    }
}

/// Seconds with one decimal below ten, else without.
fn seconds(span: Duration) -> String {
    let tenths = span.as_millis() / 100;
    if tenths < 100 { format!("{}.{} s", tenths / 10, tenths % 10) } else { format!("{} s", tenths / 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_message_has_the_signal_and_the_time() {
        let target = ServiceRef::Name(svcadapt_spec::ServiceName::parse("web".as_ref()).unwrap());
        let ended = |signal, millis, others| Stopped::Ended {
            name: Some("web".to_owned()),
            signal: Some(signal),
            after: Duration::from_millis(millis),
            others,
            kept: None,
            failure: None,
        };
        for (stopped, text) in [
            (Stopped::NotRunning, "web: not running\n"),
            (ended(signal::SIGTERM, 234, 0), "web: stopped (SIGTERM, 0.2 s)\n"),
            (
                ended(signal::SIGKILL, 30_004, 1),
                "web: stopped (SIGKILL after 30 s); a process that it left behind has ended too\n",
            ),
        ] {
            assert_eq!(message(&target, &stopped), text);
        }
    }
}
