//! A daemon that svcadapt has not started, named by its pid file and proved by its program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Map, Value};
use svcadapt::StepError;
use svcadapt::control::{RunState, ServiceRef, UnknownReason};
use svcadapt::internal::{ForeignProcess, signal};
use svcadapt_spec::Timespan;

use super::text::{printable, printable_path};
use super::{Exit, report, status};

/// clap's id of the program.
const EXEC: &str = "exec";

/// How long a daemon may take to end before it is killed, as of `run`.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Adds the option that names the program.
pub(super) fn option(command: Command) -> Command {
    command.arg(
        Arg::new(EXEC)
            .long(EXEC)
            .value_name("PROGRAM")
            .requires("pid-file")
            .conflicts_with("name")
            .value_parser(value_parser!(PathBuf))
            .help("The program that the process of a pid file runs which svcadapt has not written: the proof that it is the daemon"),
    )
}

/// The program that is named.
pub(super) fn program(matches: &ArgMatches) -> Option<&Path> {
    matches.get_one::<PathBuf>(EXEC).map(PathBuf::as_path)
}

/// The pid file of a process of which svcadapt has no record.
pub(super) fn pid_file<'a>(target: &'a ServiceRef, state: &RunState) -> Option<&'a Path> {
    match (target, state) {
        (ServiceRef::PidFile(path), RunState::Unknown(UnknownReason::Unproven(_))) => Some(path.as_path()),
        _ => None,
    }
}

/// What `status` says of such a process.
#[derive(Debug)]
pub(super) struct ForeignDaemon {
    process: ForeignProcess,
    /// Whether it runs the named program.
    pub(super) is_proved: bool,
}

impl ForeignDaemon {
    /// Looks at it. `None`: it has ended meanwhile.
    pub(super) fn look(path: &Path, program: Option<&Path>) -> Result<Option<Self>, StepError> {
        let Some(process) = ForeignProcess::named_in(path)? else { return Ok(None) };
        program.map_or(Ok(()), |program| process.prove(program))?;
        Ok(Some(Self { process, is_proved: program.is_some() }))
    }

    /// The lines about it; the first one only if it is proved.
    pub(super) fn text(&self, target: &ServiceRef) -> String {
        let process = &self.process;
        let since = status::span(process.age());
        let mut text = String::new();
        if self.is_proved {
            let name = printable(target.to_string());
            text = format!("{name}: running, process {}, since {since}\n", process.pid());
        }
        let program = printable_path(process.program());
        text + &format!("  program: {program}\n  host: unknown; svcadapt has not started it\n")
    }

    /// Adds what is known of it.
    pub(super) fn add_json(&self, object: &mut Map<String, Value>) {
        if self.is_proved {
            object.remove("why");
        }
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        if self.is_proved {
            put("state", "running".into());
            put("ready", true.into());
            put("since_seconds", self.process.age().as_secs().into());
        }
        put("pid", self.process.pid().into());
        put("program", self.process.program().to_string_lossy().into());
        put("foreign", true.into());
    }
}

/// Ends such a process, if it runs this program.
pub(super) fn stop(target: &ServiceRef, path: &Path, program: &Path, timeout: Option<Timespan>) -> Exit {
    let timeout = timeout.map_or(Some(STOP_TIMEOUT), Timespan::finite);
    let ended = ForeignProcess::named_in(path).and_then(|process| {
        let Some(process) = process else { return Ok(None) };
        process.prove(program)?;
        process.end(timeout).map(Some)
    });
    let name = printable(target.to_string());
    match ended {
        Ok(None) => report::answer(&format!("{name}: not running\n"), 0),
        Ok(Some((signal::SIGKILL, after))) => {
            report::answer(&format!("{name}: stopped (SIGKILL after {} s)\n", after.as_secs()), 0)
        }
        Ok(Some((number, after))) => {
            let line = format!("{name}: stopped ({}, {:.1} s)\n", signal::name(number), after.as_secs_f64());
            report::answer(&line, 0)
        }
        Err(error) => report::failed(&error),
    }
}
