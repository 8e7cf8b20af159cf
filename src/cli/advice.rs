//! Advice on options and commands that are easily confused.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::ArgMatches;
use svcadapt::StepError;
use svcadapt_spec::{ServiceSpec, ServiceType};

/// An error if the service's output would go to a unit or a property list: `-o` is not `--output`.
pub(super) fn misplaced_output(matches: &ArgMatches) -> Option<StepError> {
    let options = ["standard-output", "standard-error"];
    let outputs = options.into_iter().flat_map(|option| {
        let values = matches.get_many::<OsString>(option).into_iter().flatten();
        values.map(move |value| (option, Path::new(value)))
    });
    let is_spec =
        |path: &Path| ["service", "socket", "plist"].iter().any(|end| path.extension() == Some(end.as_ref()));
    let (option, path) = outputs.into_iter().find(|(_, path)| is_spec(path))?;
    let cause = "the service would write its output to this file";
    let error = StepError::new(format!("--{option}"), cause).of(path.display().to_string());
    Some(error.hint("--output DIR writes the generated file into DIR"))
}

/// A command that starts a service but is not the service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starter {
    /// The command starts the service in the background and exits.
    Forking,
    /// The command asks a manager to start a service, which is then not its descendant.
    ManagerClient,
}

/// The directories of init scripts.
const SCRIPT_DIRECTORIES: [&str; 4] = ["/etc/init.d", "/etc/rc.d", "/etc/rc.d/init.d", "/usr/local/etc/rc.d"];

/// Programs that start their daemon in the background when called with `start`.
const FORKING_STARTERS: [&str; 5] = ["apachectl", "apache2ctl", "pg_ctl", "pg_ctlcluster", "catalina.sh"];

/// Clients of service managers.
const MANAGER_CLIENTS: [&str; 9] = [
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
    let has_argument = |words: &[&str]| {
        spec.command.arguments.iter().any(|argument| words.iter().any(|word| argument == word))
    };
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_script = program
        .parent()
        .is_some_and(|folder| SCRIPT_DIRECTORIES.iter().any(|scripts| folder == Path::new(scripts)));
    if !has_argument(&["start", "restart"]) || has_argument(&["-DFOREGROUND", "-D"]) && name != "pg_ctl" {
        None
    } else if is_script || FORKING_STARTERS.contains(&name.as_str()) {
        Some(Starter::Forking)
    } else if MANAGER_CLIENTS.contains(&name.as_str()) {
        Some(Starter::ManagerClient)
    } else {
        None
    }
}

/// Sets `--type forking` for a command that starts its service in the background, if the type is not set and the spec
/// comes from options. Returns a note on what was assumed, or on why the command cannot work as a service.
pub(super) fn assume_forking(spec: &mut ServiceSpec) -> Option<StepError> {
    let words: Vec<_> =
        spec.command.argv().map(|word| String::from_utf8_lossy(word.as_bytes()).into_owned()).collect();
    let from_options = spec.native.systemd.is_none() && spec.native.launchd.is_empty();
    let (cause, hint) = match (starter(spec)?, spec.service_type) {
        (_, Some(ServiceType::Oneshot)) | (Starter::Forking, Some(ServiceType::Forking)) => return None,
        (Starter::Forking, None) if from_options => {
            spec.service_type = Some(ServiceType::Forking);
            (
                "starts the service in the background and exits; --type forking is assumed",
                "--pid-file PATH names the file to which the service writes its pid",
            )
        }
        (Starter::Forking, _) => (
            "starts the service in the background and exits; its manager would take that for the end of the service",
            "use --type forking",
        ),
        (Starter::ManagerClient, _) => (
            "asks a manager to start another service and exits; that service is not a child of this one",
            "give the program of the service itself, or --type oneshot for a command that runs once",
        ),
    };
    Some(StepError::new("program", cause).of(words.join(" ")).hint(hint))
}
