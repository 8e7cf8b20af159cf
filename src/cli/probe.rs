//! `svcadapt probe`: one probe from outside, as an exit status.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt::internal::{Probed, Schedule, error_text};
use svcadapt_spec::{OutsideProbe, Timespan};

use super::{Exit, report};

/// Exit status: it is not there, or does not answer.
const NOT_MET: u8 = 1;

/// The time for all attempts, if none is given.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts, if none is given.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// The clap command.
pub(crate) fn command() -> Command {
    let time = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("TIME").value_parser(ValueParser::os_string()).help(help)
    };
    Command::new("probe")
        .about("Tries once or repeatedly whether a server answers: for HEALTHCHECK, or to wait for a dependency")
        .long_about(
            "Tries a probe: tcp:[HOST:]PORT, unix:PATH, http://HOST[:PORT][/PATH] (a GET is answered with a status from \
             200 to 399), file:PATH or exec:COMMAND. It tries once; with --interval or --retries it tries again. A server \
             on a loopback address of this machine is found without a connection.\n\n\
             Exit status: 0 it answers, 1 it does not.",
        )
        .arg(
            Arg::new("probe")
                .value_name("PROBE")
                .required(true)
                .value_parser(ValueParser::os_string())
                .help("The probe"),
        )
        .arg(time("timeout", "Time for all attempts together; infinity: no limit [5s]"))
        .arg(time("interval", "Pause between two attempts [1s]"))
        .arg(
            Arg::new("retries")
                .long("retries")
                .value_name("NUMBER")
                .value_parser(value_parser!(u32))
                .help("How often to try again [0; with --interval: until the timeout]"),
        )
}

/// Tries the probe.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    match arguments(matches) {
        Ok((probe, schedule)) => match attempt(&probe, schedule) {
            Ok(()) => Exit::Status(0),
            Err(Failure::Interrupted(signal)) => Exit::Signal(signal),
            Err(Failure::NotMet(cause)) => {
                report::failed(&StepError::new("probe", cause).of(probe.to_string()).status(NOT_MET))
            }
        },
        Err(error) => report::failed(&error),
    }
}

/// Why a probe has not succeeded.
pub(crate) enum Failure {
    /// The reason of the last attempt.
    NotMet(String),
    /// This signal.
    Interrupted(i32),
}

/// Tries a probe as the schedule says.
pub(crate) fn attempt(probe: &OutsideProbe, schedule: Schedule) -> Result<(), Failure> {
    match svcadapt::internal::probe(probe, schedule) {
        Ok(Probed::Met) => Ok(()),
        Ok(Probed::NotMet(cause)) => Err(Failure::NotMet(cause)),
        Ok(Probed::Interrupted(signal)) => Err(Failure::Interrupted(signal)),
        Err(error) => Err(Failure::NotMet(error_text(&error))),
    }
}

/// Reads a probe.
pub(crate) fn parse(stage: &str, value: &OsString) -> Result<OutsideProbe, StepError> {
    OutsideProbe::parse(value).map_err(|error| report::value_error(stage, value, error))
}

/// The time of an option, if it is given.
pub(crate) fn time(matches: &ArgMatches, name: &str) -> Result<Option<Timespan>, StepError> {
    let given = matches.get_one::<OsString>(name);
    let read =
        |value: &OsString| Timespan::parse(value).map_err(|error| report::value_error(name, value, error));
    given.map(read).transpose()
}

fn arguments(matches: &ArgMatches) -> Result<(OutsideProbe, Schedule), StepError> {
    let probe = parse("probe", matches.get_one::<OsString>("probe").unwrap_or(&OsString::new()))?;
    let interval = time(matches, "interval")?;
    let schedule = Schedule {
        timeout: time(matches, "timeout")?.map_or(Some(DEFAULT_TIMEOUT), Timespan::finite),
        interval: interval.map_or(DEFAULT_INTERVAL, |interval| interval.finite().unwrap_or(Duration::MAX)),
        retries: match (matches.get_one::<u32>("retries"), interval) {
            (Some(retries), _) => Some(*retries),
            (None, Some(_)) => None,
            (None, None) => Some(0),
        },
    };
    Ok((probe, schedule))
}
