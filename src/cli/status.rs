//! `svcadapt status`: prints the state of a service.

mod host;

pub(crate) use host::add_json;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};
use svcadapt::control::{MonitorStatus, PidFile, PidFileContent, RunState, ServiceRef, Status, Usage};
use svcadapt::{StepError, control};
use svcadapt_hosts::{HostState, ManagedService};

use super::foreign_daemon::ForeignDaemon;
use super::owner::{Owner, owner};
use super::state_word::state_word;
use super::text::{json_text, printable, printable_path};
use super::{Exit, foreign_daemon, last_lines, report, which};

/// The clap command.
pub(crate) fn command() -> Command {
    foreign_daemon::option(which::several(Command::new("status")))
        .about("Prints the state of a service, under any manager or none")
        .long_about(
            "Prints the state, the process and the uptime of a service that `run` or the library started, and of a service \
             of this name that a manager of this machine has: systemd (also the user's), launchd, OpenRC, runit, s6, \
             daemontools, supervisord, or an init script with svcadapt in it. The \
             process is the holder of the service's lock; a pid file that names another process is reported. Of a service \
             that has ended without `stop`, or waits for its restart, the last lines of its log follow. The process of a pid file that \
             svcadapt does not know is shown, and proved with --exec.\n\n\
             Exit status (LSB): 0 running, 1 dead, but its record or pid file is left, or failed, as its manager says, 3 not running, 4 unknown.",
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON object; of several services an array"))
}

/// Prints the state of each service.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let targets = match which::targets(matches) {
        Ok(targets) => targets,
        Err(error) => return report::failed(&error),
    };
    let several = targets.len() > 1;
    let (mut last, mut objects, mut text) = (0, Vec::new(), String::new());
    let program = foreign_daemon::program(matches);
    for page in targets.into_iter().map(|target| Page::of(target, program)) {
        let status = match page {
            Ok(page) => {
                if matches.get_flag("json") {
                    objects.push(page.json());
                } else {
                    text += &page.text();
                }
                page.status()
            }
            Err(error) => {
                report::report(&error);
                error.status
            }
        };
        last = if status == 0 { last } else { status };
    }
    match objects.pop() {
        Some(object) if !several => text = json_text(&object),
        Some(object) => {
            objects.push(object);
            text = json_text(&Value::Array(objects));
        }
        None => {}
    }
    report::answer(&text, last)
}

/// Prints the state of one service as a text.
pub(crate) fn print(target: ServiceRef) -> Exit {
    match Page::of(target, None) {
        Ok(page) => report::answer(&page.text(), page.status()),
        Err(error) => report::failed(&error),
    }
}

/// What is printed of a service.
struct Page {
    target: ServiceRef,
    found: Status,
    managed: Option<(ManagedService, HostState)>,
    /// Why its manager is not known. Its record proves that it runs.
    doubt: Option<StepError>,
    /// The process of a pid file that svcadapt does not know.
    daemon: Option<ForeignDaemon>,
    lines: Vec<String>,
}

impl Page {
    /// `program`: that of a pid file which svcadapt does not know.
    fn of(target: ServiceRef, program: Option<&Path>) -> Result<Self, StepError> {
        let found = control::status(&target);
        let unknown = |error: StepError| error.status(UNKNOWN);
        let asked = owner(&target, &found).and_then(|owner| match owner {
            Owner::Manager(managed) => managed.state().map(|state| Some((managed, state))),
            Owner::Svcadapt => Ok(None),
        });
        let (managed, doubt) = match asked {
            Ok(managed) => (managed, None),
            Err(error) if matches!(found.state, RunState::Running(..)) => (None, Some(error)),
            Err(error) => return Err(unknown(error)),
        };
        let lines = match &managed {
            Some((managed, state)) if !matches!(found.state, RunState::Running(..)) => {
                last_lines::of_manager(managed, &state.phase)
            }
            _ => last_lines::of(&found),
        };
        let daemon =
            foreign_daemon::pid_file(&target, &found.state).map(|path| ForeignDaemon::look(path, program));
        let daemon = match daemon.transpose() {
            Err(error) if program.is_some() => return Err(unknown(error)),
            daemon => daemon.ok().flatten().flatten(),
        };
        Ok(Self { target, found, managed, doubt, daemon, lines })
    }

    fn json(&self) -> Value {
        let mut value = as_json(&self.target, &self.found);
        if let Value::Object(object) = &mut value {
            if let Some((managed, state)) = &self.managed {
                add_json(object, managed, state, &self.found);
            }
            if let Some(daemon) = &self.daemon {
                daemon.add_json(object);
            }
            if let Some(doubt) = &self.doubt {
                object.insert("host".to_owned(), json!({ "manager": null, "why": doubt.to_string() }));
            }
            if !self.lines.is_empty() {
                object.insert("last_lines".to_owned(), self.lines.clone().into());
            }
        }
        value
    }

    fn text(&self) -> String {
        let mut text = match &self.managed {
            Some((managed, state)) if !matches!(self.found.state, RunState::Running(..)) => {
                host::text(&self.target, managed, state)
            }
            Some((managed, state)) => {
                let more = host::more(state, &self.found);
                as_text(&self.target, &self.found) + &more + &host::line(managed, state)
            }
            None => as_text(&self.target, &self.found),
        };
        if let Some(daemon) = &self.daemon {
            text = if daemon.is_proved { String::new() } else { text } + &daemon.text(&self.target);
        }
        if let Some(doubt) = &self.doubt {
            let first = doubt.to_string().lines().next().unwrap_or_default().to_owned();
            text.extend(["  host: unknown, ", &printable(&first), "\n"]);
        }
        for line in &self.lines {
            text.extend(["  | ", line, "\n"]);
        }
        text
    }

    fn status(&self) -> u8 {
        if self.daemon.as_ref().is_some_and(|daemon| daemon.is_proved) {
            return 0;
        }
        match (&self.found.state, &self.managed) {
            (RunState::Dead(_) | RunState::NotRunning, Some((_, state))) => host::status(&state.phase),
            (state, _) => status(state),
        }
    }
}

/// Exit status: the state is unknown (LSB).
const UNKNOWN: u8 = 4;

/// The exit status of the LSB, "Init Script Actions".
fn status(state: &RunState) -> u8 {
    match state {
        RunState::Running(..) => 0,
        RunState::Dead(_) => 1,
        RunState::NotRunning => 3,
        RunState::Unknown(_) => UNKNOWN,
    }
}

fn as_text(target: &ServiceRef, found: &Status) -> String {
    let name = found.name.clone().unwrap_or_else(|| target.to_string());
    let word = state_word(found);
    let state = match &found.state {
        RunState::Running(pid, Some(age)) => format!("{word}, process {pid}, since {}", span(*age)),
        RunState::Running(pid, None) => format!("{word}, process {pid}"),
        RunState::Dead(Some(pid)) => format!("dead, process {pid} has ended"),
        RunState::Dead(None) => "dead, its pid file is still there".to_owned(),
        RunState::NotRunning => "not running".to_owned(),
        RunState::Unknown(doubt) => format!("unknown, {doubt}"),
    };
    let mut text = format!("{}: {}\n", printable(&name), printable(&state));
    // Writing to a String cannot fail.
    if let RunState::Unknown(doubt) = &found.state
        && let Some(hint) = doubt.hint()
    {
        let _ = writeln!(text, "  hint: {}", printable(&hint));
    }
    if let Some(MonitorStatus { starts, pid, text: said, failure, last_exit, .. }) = &found.monitor {
        if let Some(said) = said {
            let _ = writeln!(text, "  status: {}", printable(said));
        }
        if let Some(failure) = failure {
            let _ = writeln!(text, "  error: {}", printable(failure));
        }
        if let Some(exit) = last_exit {
            let _ = writeln!(text, "  last exit: {}", printable(exit));
        }
        let times = if *starts == 1 { "once" } else { &format!("{starts} times") };
        let _ = writeln!(text, "  monitor: process {pid}; the program was started {times}");
    }
    if let Some(Usage { control_group, memory, tasks, .. }) = &found.usage {
        let memory = memory.map(|bytes| format!("memory {}, ", size(bytes))).unwrap_or_default();
        let tasks = tasks.map(|tasks| format!("tasks {tasks}, ")).unwrap_or_default();
        let _ = writeln!(text, "  uses: {memory}{tasks}control group {}", printable_path(control_group));
    }
    if let Some(program) = &found.program {
        let _ = writeln!(text, "  program: {}", printable_path(program));
    }
    if let Some(PidFile { path, content }) = &found.pid_file
        && found.state != RunState::NotRunning
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
    let path = |path: &Path| Value::from(path.to_string_lossy());
    let target_name = match target {
        ServiceRef::Name(name) => Some(name.to_string()),
        ServiceRef::PidFile(_) => None,
    };
    put("name", found.name.clone().or(target_name).into());
    let (state, pid) = match &found.state {
        RunState::Running(pid, _) => ("running", Some(*pid)),
        RunState::Dead(pid) => ("dead", *pid),
        RunState::NotRunning => ("not running", None),
        RunState::Unknown(_) => ("unknown", None),
    };
    put("state", state.into());
    put("pid", pid.into());
    put("ready", found.is_ready().into());
    match &found.state {
        RunState::Running(_, Some(age)) => {
            put("since_seconds", age.as_secs().into());
        }
        RunState::Unknown(doubt) => {
            put("why", doubt.to_string().into());
        }
        _ => {}
    }
    if let Some(monitor) = &found.monitor {
        let MonitorStatus { phase, starts, pid, text, last_exit, errno, bus_error, varlink_error, .. } =
            monitor;
        put("last_exit", last_exit.as_deref().into());
        put("status_text", text.as_deref().into());
        put("errno", (*errno).into());
        put("bus_error", bus_error.as_deref().into());
        put("varlink_error", varlink_error.as_deref().into());
        put("phase", phase.as_str().into());
        put("starts", (*starts).into());
        put("monitor_pid", (*pid).into());
    }
    if let Some(Usage { control_group, memory, tasks, .. }) = &found.usage {
        put("control_group", path(control_group));
        put("memory_bytes", (*memory).into());
        put("tasks", (*tasks).into());
    }
    put("program", found.program.as_deref().map(path).into());
    put("pid_file", found.pid_file.as_ref().map(|pid_file| path(&pid_file.path)).into());
    if let Some(PidFile { content: PidFileContent::Other(other), .. }) = found.pid_file {
        put("pid_file_names", other.into());
    }
    put("lock", found.lock.as_deref().map(path).into());
    Value::Object(object)
}

/// An amount of memory in its largest unit, with one decimal: `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
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

    #[test]
    fn memory_is_printed_in_its_largest_unit() {
        for (bytes, text) in
            [(512, "512 B"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (u64::MAX, "17179869183.9 GiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    fn found(state: RunState, pid_file: Option<PidFile>) -> Status {
        let mut found = control::status(&target());
        (found.name, found.state, found.pid_file) = (None, state, pid_file);
        (found.program, found.lock) = (None, None);
        found
    }

    #[test]
    fn every_state_has_a_status_and_a_line() {
        for (state, number, line) in [
            (RunState::Running(42, Some(Duration::from_secs(5))), 0, "web: running, process 42, since 5 s\n"),
            (RunState::Dead(Some(42)), 1, "web: dead, process 42 has ended\n"),
            (RunState::NotRunning, 3, "web: not running\n"),
            (
                RunState::Unknown(UnknownReason::Denied("/run/\u{1b}".to_owned())),
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
        let state = RunState::Running(42, None);
        let found = found(state, Some(pid_file));
        assert_eq!(
            as_text(&target(), &found),
            "web: running, process 42\n  pid file: /run/web.pid names process 7, which is not this service\n"
        );
        assert_eq!(as_json(&target(), &found)["pid_file_names"], 7);
    }
}
