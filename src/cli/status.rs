//! `svcadapt status`: prints the state of a service.

use std::fmt::Write;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};
use svcadapt::control;
use svcadapt::control::{MonitorStatus, PidFile, PidFileContent, ServiceRef, State, Status};

use super::text::{json_text, printable, printable_path};
use super::{Exit, report, which};

/// The clap command.
pub(crate) fn command() -> Command {
    which::options(Command::new("status"))
        .about("Prints the state of a service that `run` or the library started")
        .long_about(
            "Prints the state, the process and the uptime of a service that `run` or the library started. The \
             process is the holder of the service's lock; a pid file that names another process is reported.\n\n\
             Exit status (LSB): 0 running, 1 dead, but its record or pid file is left, 3 not running, 4 unknown.",
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON object"))
}

/// Prints the state.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let target = match which::target(matches) {
        Ok(target) => target,
        Err(error) => {
            report::report(&error);
            return Exit::Status(error.status);
        }
    };
    let found = control::status(&target);
    let text = if matches.get_flag("json") {
        json_text(&as_json(&target, &found))
    } else {
        as_text(&target, &found)
    };
    report::answer(&text, status(&found.state))
}

/// The exit status of the LSB, "Init Script Actions".
fn status(state: &State) -> u8 {
    match state {
        State::Running(..) => 0,
        State::Dead(_) => 1,
        State::NotRunning => 3,
        State::Unknown(_) => 4,
    }
}

/// The state in one word; where a monitor stays with the service, as exact as that knows it.
pub(crate) fn state_word(found: &Status) -> String {
    match (&found.state, &found.monitor) {
        (State::Running(..), Some(monitor)) => match monitor.phase.as_str() {
            "running" => "running",
            "exited" => "exited",
            "auto-restart" => "restarting",
            "reload" => "reloading",
            "condition" | "start-pre" | "start" | "start-post" => "starting",
            _ => "stopping",
        },
        (State::Running(..), None) => "running",
        (State::Dead(_), _) => "dead",
        (State::NotRunning, _) => "not running",
        (State::Unknown(_), _) => "unknown",
    }
    .to_owned()
}

fn as_text(target: &ServiceRef, found: &Status) -> String {
    let name = found.name.clone().unwrap_or_else(|| target.to_string());
    let word = state_word(found);
    let state = match &found.state {
        State::Running(pid, Some(age)) => format!("{word}, process {pid}, since {}", span(*age)),
        State::Running(pid, None) => format!("{word}, process {pid}"),
        State::Dead(Some(pid)) => format!("dead, process {pid} has ended"),
        State::Dead(None) => "dead, its pid file is still there".to_owned(),
        State::NotRunning => "not running".to_owned(),
        State::Unknown(doubt) => format!("unknown, {doubt}"),
    };
    let mut text = format!("{}: {}\n", printable(&name), printable(&state));
    // Writing to a String cannot fail.
    if let State::Unknown(doubt) = &found.state
        && let Some(hint) = doubt.hint()
    {
        let _ = writeln!(text, "  hint: {}", printable(&hint));
    }
    if let Some(MonitorStatus { starts, pid, .. }) = &found.monitor {
        let times = if *starts == 1 { "once" } else { &format!("{starts} times") };
        let _ = writeln!(text, "  monitor: process {pid}; the program was started {times}");
    }
    if let Some(program) = &found.program {
        let _ = writeln!(text, "  program: {}", printable_path(program));
    }
    if let Some(PidFile { path, content }) = &found.pid_file
        && found.state != State::NotRunning
    {
        let content = match content {
            PidFileContent::Truth => String::new(),
            PidFileContent::Other(pid) => format!(" names process {pid}, which is not this service"),
            PidFileContent::Nothing => " names no process".to_owned(),
            PidFileContent::Unreadable(cause) => format!(" cannot be read: {}", printable(cause)),
        };
        let _ = writeln!(text, "  pid file: {}{content}", printable_path(path));
    }
    text
}

pub(crate) fn as_json(target: &ServiceRef, found: &Status) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    let path = |path: &std::path::Path| Value::from(path.to_string_lossy());
    let target_name = match target {
        ServiceRef::Name(name) => Some(name.to_string()),
        ServiceRef::PidFile(_) => None,
    };
    put("name", found.name.clone().or(target_name).into());
    let (state, pid) = match &found.state {
        State::Running(pid, _) => ("running", Some(*pid)),
        State::Dead(pid) => ("dead", *pid),
        State::NotRunning => ("not running", None),
        State::Unknown(_) => ("unknown", None),
    };
    put("state", state.into());
    put("pid", pid.into());
    match &found.state {
        State::Running(_, Some(age)) => {
            put("since_seconds", age.as_secs().into());
        }
        State::Unknown(doubt) => {
            put("why", doubt.to_string().into());
        }
        _ => {}
    }
    if let Some(MonitorStatus { phase, starts, pid, .. }) = &found.monitor {
        put("phase", phase.as_str().into());
        put("starts", (*starts).into());
        put("monitor_pid", (*pid).into());
    }
    put("program", found.program.as_deref().map(path).into());
    put("pid_file", found.pid_file.as_ref().map(|pid_file| path(&pid_file.path)).into());
    if let Some(PidFile { content: PidFileContent::Other(other), .. }) = found.pid_file {
        put("pid_file_names", other.into());
    }
    put("lock", found.lock.as_deref().map(path).into());
    Value::Object(object)
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];

/// The time span in its two largest units: `2 min 3 s`, `5 d 1 h`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let first = UNITS.iter().position(|(_, unit)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let mut words = Vec::new();
    let mut rest = seconds;
    for (name, unit) in UNITS.iter().skip(first).take(2) {
        if rest >= *unit || words.is_empty() {
            words.push(format!("{} {name}", rest / unit));
        }
        rest %= unit;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use svcadapt::control::UnknownReason;

    use super::*;

    fn target() -> ServiceRef {
        ServiceRef::Name(svcadapt_spec::ServiceName::parse("web".as_ref()).unwrap())
    }

    #[test]
    fn time_spans_are_printed_in_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (123, "2 min 3 s"),
            (3_601, "1 h"),
            (435_600, "5 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    fn found(state: State, pid_file: Option<PidFile>) -> Status {
        let mut found = control::status(&target());
        (found.name, found.state, found.pid_file) = (None, state, pid_file);
        (found.program, found.lock) = (None, None);
        found
    }

    #[test]
    fn every_state_has_a_status_and_a_line() {
        for (state, number, line) in [
            (State::Running(42, Some(Duration::from_secs(5))), 0, "web: running, process 42, since 5 s\n"),
            (State::Dead(Some(42)), 1, "web: dead, process 42 has ended\n"),
            (State::NotRunning, 3, "web: not running\n"),
            (
                State::Unknown(UnknownReason::Denied("/run/\u{1b}".to_owned())),
                4,
                "web: unknown, /run/\\u{1b} may not be read\n  hint: run this as root\n",
            ),
        ] {
            assert_eq!(status(&state), number);
            let found = found(state, None);
            assert_eq!(as_text(&target(), &found), line);
        }
    }

    #[test]
    fn wrong_pid_file_is_reported() {
        let pid_file = PidFile { path: "/run/web.pid".into(), content: PidFileContent::Other(7) };
        let state = State::Running(42, None);
        let found = found(state, Some(pid_file));
        assert_eq!(
            as_text(&target(), &found),
            "web: running, process 42\n  pid file: /run/web.pid names process 7, which is not this service\n"
        );
        assert_eq!(as_json(&target(), &found)["pid_file_names"], 7);
    }
}
