//! The arguments that name a service: NAME or --pid-file PATH.

use std::ffi::OsString;
use std::process;

use clap::builder::ValueParser;
use clap::{Arg, ArgGroup, ArgMatches, Command};
use svcadapt::StepError;
use svcadapt::control::ServiceRef;
use svcadapt::internal::error_text;
use svcadapt_spec::{AbsPath, ServiceName};

use super::Exit;
use super::report::{failed, value_error};

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

/// The same for a command that acts on several services: NAME...
pub(super) fn several(command: Command) -> Command {
    options(command).mut_arg("name", |name| name.num_args(1..))
}

/// Acts on each service that the arguments name. The exit status is that of the last failure.
pub(super) fn each(matches: &ArgMatches, mut act: impl FnMut(&ServiceRef) -> Exit) -> Exit {
    let targets = match targets(matches) {
        Ok(targets) => targets,
        Err(error) => return failed(&error),
    };
    targets.iter().map(&mut act).filter(|exit| *exit != Exit::Status(0)).last().unwrap_or(Exit::Status(0))
}

/// The same for a command that may start a service: that forks, and the processes of a start must not go on with the next
/// one. Of several services each has a svcadapt of its own.
pub(super) fn each_alone(matches: &ArgMatches, word: &str, act: impl FnOnce(&ServiceRef) -> Exit) -> Exit {
    match matches.get_many::<OsString>("name").filter(|names| names.len() > 1) {
        None => match target(matches) {
            Ok(target) => act(&target),
            Err(error) => failed(&error),
        },
        Some(_) => each(matches, |target| {
            let program = std::env::current_exe();
            let status = program.and_then(|program| {
                process::Command::new(program).args([word, "--", &target.to_string()]).status()
            });
            match status.map(|status| status.code().and_then(|code| u8::try_from(code).ok())) {
                Ok(code) => Exit::Status(code.unwrap_or(1)),
                Err(error) => {
                    failed(&StepError::new(word, error_text(&error)).of(target.to_string()).status(1))
                }
            }
        }),
    }
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
