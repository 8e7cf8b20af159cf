//! `run --wait-for`: waits for other services before the start.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches};
use svcadapt::StepError;
use svcadapt::internal::{DEFAULT_START_TIMEOUT, NOT_IN_TIME, Schedule};
use svcadapt_spec::{OutsideProbe, ServiceSpec, Timespan};

use super::probe::Failure;
use super::{Exit, probe, report};

/// The pause between two attempts.
const INTERVAL: Duration = Duration::from_millis(200);

/// The option.
pub(crate) fn option() -> Arg {
    Arg::new("wait-for")
        .long("wait-for")
        .value_name("PROBE")
        .action(ArgAction::Append)
        .value_parser(ValueParser::os_string())
        .help(
            "Wait for another service before the start, at most for the start timeout: tcp:HOST:PORT, http://HOST/PATH, \
             unix:PATH, file:PATH or exec:COMMAND",
        )
}

/// The probes of the option.
pub(crate) fn probes(matches: &ArgMatches) -> Result<Vec<OutsideProbe>, Vec<StepError>> {
    let values = matches.get_many::<OsString>("wait-for").into_iter().flatten();
    let (probes, errors): (Vec<_>, Vec<_>) =
        values.map(|value| probe::parse("wait-for", value)).partition(Result::is_ok);
    if errors.is_empty() {
        return Ok(probes.into_iter().flatten().collect());
    }
    Err(errors.into_iter().filter_map(Result::err).collect())
}

/// Waits until all probes succeed, at most for the start timeout.
pub(crate) fn wait(awaited: &[OutsideProbe], spec: &ServiceSpec) -> Result<(), Exit> {
    let begin = Instant::now();
    let timeout = spec.timeout_start.map_or(Some(DEFAULT_START_TIMEOUT), Timespan::finite);
    for probe in awaited {
        let left = timeout.map(|timeout| timeout.saturating_sub(begin.elapsed()));
        let schedule = Schedule { timeout: left, interval: INTERVAL, retries: None };
        match probe::attempt(probe, schedule) {
            Ok(()) => {}
            Err(Failure::Interrupted(signal)) => return Err(Exit::Signal(signal)),
            Err(Failure::NotMet(cause)) => {
                let cause = format!("not there after {} s: {cause}", begin.elapsed().as_secs());
                let error = StepError::new("wait for", cause).of(probe.to_string()).status(NOT_IN_TIME);
                return Err(report::failed(
                    &error.hint("--timeout-start-sec is the time for it; nothing was started"),
                ));
            }
        }
    }
    Ok(())
}
