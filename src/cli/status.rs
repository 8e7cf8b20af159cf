//! `svcadapt status`: whether a service runs, as what, and since when.

use std::fmt::Write;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};
use svcadapt::control;
use svcadapt::control::{PidFile, PidFileContent, ServiceRef, State, Status};

use super::plain::{harmless, json_text};
use super::{Exit, report, which};

/// What clap must know.
pub(crate) fn command() -> Command {
    which::options(Command::new("status"))
        .about("Tells whether a service that `run` or the library started runs")
        .long_about(
            "Tells whether a service that `run` or the library started runs, as which process and since \
             when. The process is the one that holds the service's lock; a pid file that names another one is pointed out.\n\n\
             Exit status, as of LSB: 0 it runs, 1 it has ended and left a record or a pid file, 3 it does not run, \
             4 nobody can say.",
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON object"))
}

/// Looks, and prints what was seen.
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

/// As of LSB, "Init Script Actions".
fn status(state: &State) -> u8 {
    match state {
        State::Running(..) => 0,
        State::Dead(_) => 1,
        State::NotRunning => 3,
        State::Unknown(_) => 4,
    }
}

fn as_text(target: &ServiceRef, found: &Status) -> String {
    let name = found.name.clone().unwrap_or_else(|| target.to_string());
    let state = match &found.state {
        State::Running(pid, Some(age)) => format!("running, process {pid}, since {}", span(*age)),
        State::Running(pid, None) => format!("running, process {pid}"),
        State::Dead(Some(pid)) => format!("dead, process {pid} has ended"),
        State::Dead(None) => "dead, its pid file is still there".to_owned(),
        State::NotRunning => "not running".to_owned(),
        State::Unknown(doubt) => format!("unknown, {doubt}"),
    };
    let mut text = format!("{}: {}\n", harmless(&name), harmless(&state));
    // Writing to a String cannot fail.
    if let State::Unknown(doubt) = &found.state
        && let Some(hint) = doubt.hint()
    {
        let _ = writeln!(text, "  hint: {}", harmless(&hint));
    }
    if let Some(program) = &found.program {
        let _ = writeln!(text, "  program: {}", harmless(&program.to_string_lossy()));
    }
    if let Some(PidFile { path, content }) = &found.pid_file
        && found.state != State::NotRunning
    {
        let content = match content {
            PidFileContent::Truth => String::new(),
            PidFileContent::Other(pid) => format!(" names process {pid}, which is not this service"),
            PidFileContent::Nothing => " names no process".to_owned(),
            PidFileContent::Unreadable(cause) => format!(" cannot be read: {}", harmless(cause)),
        };
        let _ = writeln!(text, "  pid file: {}{content}", harmless(&path.to_string_lossy()));
    }
    text
}

fn as_json(target: &ServiceRef, found: &Status) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    let path = |path: &std::path::Path| Value::from(path.to_string_lossy());
    let asked = match target {
        ServiceRef::Name(name) => Some(name.to_string()),
        ServiceRef::PidFile(_) => None,
    };
    put("name", found.name.clone().or(asked).into());
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
    put("program", found.program.as_deref().map(path).into());
    put("pid_file", found.pid_file.as_ref().map(|pid_file| path(&pid_file.path)).into());
    if let Some(PidFile { content: PidFileContent::Other(other), .. }) = found.pid_file {
        put("pid_file_names", other.into());
    }
    put("lock", found.lock.as_deref().map(path).into());
    Value::Object(object)
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];

/// The two largest units that there are: `2 min 3 s`, `5 d 1 h`.
fn span(span: Duration) -> String {
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
    fn a_span_has_its_two_largest_units() {
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

    #[test]
    fn every_state_has_a_status_and_a_line() {
        for (state, number, line) in [
            (State::Running(42, Some(Duration::from_secs(5))), 0, "web: running, process 42, since 5 s\n"),
            (State::Dead(Some(42)), 1, "web: dead, process 42 has ended\n"),
            (State::NotRunning, 3, "web: not running\n"),
            (
                State::Unknown(UnknownReason::Denied("/run/\u{1b}".to_owned())),
                4,
                "web: unknown, /run/\\u{1b} may not be read\n  hint: root may\n",
            ),
        ] {
            assert_eq!(status(&state), number);
            let found = Status { name: None, state, program: None, pid_file: None, lock: None };
            assert_eq!(as_text(&target(), &found), line);
        }
    }

    #[test]
    fn a_pid_file_that_lies_is_shown() {
        let pid_file = PidFile { path: "/run/web.pid".into(), content: PidFileContent::Other(7) };
        let state = State::Running(42, None);
        let found = Status { name: None, state, program: None, pid_file: Some(pid_file), lock: None };
        assert_eq!(
            as_text(&target(), &found),
            "web: running, process 42\n  pid file: /run/web.pid names process 7, which is not this service\n"
        );
        assert_eq!(as_json(&target(), &found)["pid_file_names"], 7);
    }
}
