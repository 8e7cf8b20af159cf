//! The arguments that name a service: NAME or --pid-file PATH.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::{Arg, ArgGroup, ArgMatches, Command};
use svcadapt::StepError;
use svcadapt::control::ServiceRef;
use svcadapt_spec::{AbsPath, ServiceName};

use super::report::value_error;

/// Adds the two arguments; exactly one is required.
pub(super) fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .value_parser(ValueParser::os_string())
                .help("Name of the service"),
        )
        .arg(
            Arg::new("pid-file")
                .short('p')
                .long("pid-file")
                .value_name("PATH")
                .value_parser(ValueParser::os_string())
                .help("PID file of the service"),
        )
        .group(ArgGroup::new("service").args(["name", "pid-file"]).required(true))
}

/// The services that the arguments name.
pub(super) fn targets(matches: &ArgMatches) -> Result<Vec<ServiceRef>, StepError> {
    let Some(names) = matches.get_many::<OsString>("name") else { return Ok(vec![target(matches)?]) };
    let read = |name: &OsString| {
        ServiceName::parse(name).map(ServiceRef::Name).map_err(|error| value_error("name", name, error))
    };
    names.map(read).collect()
}

/// The service that the arguments name.
pub(super) fn target(matches: &ArgMatches) -> Result<ServiceRef, StepError> {
    let argument = |id: &str| matches.get_one::<OsString>(id);
    match (argument("name"), argument("pid-file")) {
        (Some(name), _) => {
            ServiceName::parse(name).map(ServiceRef::Name).map_err(|error| value_error("name", name, error))
        }
        (None, path) => {
            let path = path.cloned().unwrap_or_default();
            AbsPath::parse(&path)
                .map(ServiceRef::PidFile)
                .map_err(|error| value_error("pid file", &path, error))
        }
    }
}
