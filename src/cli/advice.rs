//! Options that a person may confuse with others.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::ArgMatches;
use svcadapt::StepError;
use svcadapt_spec::{ServiceSpec, ServiceType};

/// An output of the service that would be the file itself: `-o` is not `--output`.
pub(super) fn misplaced(matches: &ArgMatches) -> Option<StepError> {
    let options = ["standard-output", "standard-error"];
    let said = options.into_iter().flat_map(|option| {
        let values = matches.get_many::<OsString>(option).into_iter().flatten();
        values.map(move |value| (option, Path::new(value)))
    });
    let file =
        |path: &Path| ["service", "socket", "plist"].iter().any(|end| path.extension() == Some(end.as_ref()));
    let (option, path) = said.into_iter().find(|(_, path)| file(path))?;
    let cause = "this would be where the service writes, and not where this file is written";
    let error = StepError::new(format!("--{option}"), cause).of(path.display().to_string());
    Some(error.hint("--output DIR writes the file into this directory"))
}

/// What a command does instead of being the service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starter {
    /// It starts the service in the background, and ends.
    Forks,
    /// It asks a manager to start a service, which is not below it.
    Asks,
}

/// Where init scripts lie.
const SCRIPTS: [&str; 4] = ["/etc/init.d", "/etc/rc.d", "/etc/rc.d/init.d", "/usr/local/etc/rc.d"];

/// Programs that start their daemon in the background when they are told `start`.
const CONTROLS: [&str; 5] = ["apachectl", "apache2ctl", "pg_ctl", "pg_ctlcluster", "catalina.sh"];

/// Programs that ask a manager.
const MANAGERS: [&str; 9] = [
    "service",
    "systemctl",
    "invoke-rc.d",
    "rc-service",
    "initctl",
    "launchctl",
    "supervisorctl",
    "sv",
    "s6-rc",
];

fn starter(spec: &ServiceSpec) -> Option<Starter> {
    let program = Path::new(&spec.command.program);
    let told =
        |words: &[&str]| spec.command.arguments.iter().any(|word| words.iter().any(|told| word == told));
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let script =
        program.parent().is_some_and(|folder| SCRIPTS.iter().any(|scripts| folder == Path::new(scripts)));
    if !told(&["start", "restart"]) || told(&["-DFOREGROUND", "-D"]) && name != "pg_ctl" {
        None
    } else if script || CONTROLS.contains(&name.as_str()) {
        Some(Starter::Forks)
    } else if MANAGERS.contains(&name.as_str()) {
        Some(Starter::Asks)
    } else {
        None
    }
}

/// A command that ends when its service runs is of `--type forking`, or no service at all. Where nothing was said of
/// the type, it is that; what becomes of it is the note.
pub(super) fn background(spec: &mut ServiceSpec) -> Option<StepError> {
    let words: Vec<_> =
        spec.command.argv().map(|word| String::from_utf8_lossy(word.as_bytes()).into_owned()).collect();
    let typed = spec.native.systemd.is_none() && spec.native.launchd.is_empty();
    let (cause, hint) = match (starter(spec)?, spec.service_type) {
        (_, Some(ServiceType::Oneshot)) | (Starter::Forks, Some(ServiceType::Forking)) => return None,
        (Starter::Forks, None) if typed => {
            spec.service_type = Some(ServiceType::Forking);
            (
                "it starts the service in the background and ends, so that --type forking is written",
                "--pid-file PATH names the file in which the service has its number",
            )
        }
        (Starter::Forks, _) => (
            "it starts the service in the background and ends, and so does the service for its manager",
            "--type forking says so",
        ),
        (Starter::Asks, _) => (
            "it asks for another service to be started and ends; that service does not run below this one",
            "write the program of the service itself; --type oneshot for a command that only has to be done",
        ),
    };
    Some(StepError::new("program", cause).of(words.join(" ")).hint(hint))
}
