//! Which service is meant: NAME, or --pid-file PATH.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::{Arg, ArgGroup, ArgMatches, Command};
use svcadapt::StepError;
use svcadapt::control::ServiceRef;
use svcadapt_spec::{AbsPath, ServiceName, ValueError};

/// Adds the two ways to say it, of which one has to be taken.
pub(super) fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .value_parser(ValueParser::os_string())
                .help("The service that was started with this name"),
        )
        .arg(
            Arg::new("pid-file")
                .short('p')
                .long("pid-file")
                .value_name("PATH")
                .value_parser(ValueParser::os_string())
                .help("The service that was started with this PID file"),
        )
        .group(ArgGroup::new("service").args(["name", "pid-file"]).required(true))
}

/// Reads what was typed.
pub(super) fn target(matches: &ArgMatches) -> Result<ServiceRef, StepError> {
    let typed = |option: &str| matches.get_one::<OsString>(option);
    match (typed("name"), typed("pid-file")) {
        (Some(name), _) => {
            ServiceName::parse(name).map(ServiceRef::Name).map_err(|refusal| refused("name", name, refusal))
        }
        (None, path) => {
            let path = path.cloned().unwrap_or_default();
            AbsPath::parse(&path)
                .map(ServiceRef::PidFile)
                .map_err(|refusal| refused("pid file", &path, refusal))
        }
    }
}

/// A value that cannot be taken.
pub(super) fn refused(what: &str, value: &OsString, refusal: ValueError) -> StepError {
    let error = StepError::new(what, refusal.cause).of(value.to_string_lossy());
    match refusal.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
