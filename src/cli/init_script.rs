//! Init scripts of System V: svcadapt executed by the name of one, or as the interpreter of one.
//!
//! A link `/etc/init.d/web -> /usr/local/bin/svcadapt` is the script of the unit `web.service`. A spec whose first line is
//! `#!/usr/local/bin/svcadapt init` is a script itself: the kernel passes one argument, and then the path and the action
//! (execve(2), "Interpreter scripts"). Both answer by LSB 5.0, "Init Script Actions".

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt::control;
use svcadapt::control::{RequestError, RunState, ServiceRef};
use svcadapt::detect::ModeOption;
use svcadapt::internal::effective_user;
use svcadapt_convert::load::internal::{find_unit, load_script};
use svcadapt_convert::load::{Loaded, load_with};
use svcadapt_hosts::{Host, ManagedService, Operation};
use svcadapt_spec::{Field, Origin, Scope, ServiceName, SpecDraft};

use super::message::load_message;
use super::owner::{Owner, owner};
use super::{Exit, report, requests, run, spec_file, start, status, stop};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("init")
        .about("Is the interpreter of an init script: a spec whose first line is #!/usr/local/bin/svcadapt init")
        .long_about(
            "Does an action of an init script of System V. A unit, a property list or JSON in /etc/init.d with the first line \
             `#!/usr/local/bin/svcadapt init` is such a script; `/etc/init.d/web start` then executes `svcadapt init \
             /etc/init.d/web start`. Lines with # may follow, as the LSB comment that update-rc.d(8) reads. The service has \
             the name of the script. A link /etc/init.d/NAME to svcadapt needs no such line: it is the script of the unit \
             NAME.service in systemd's search path.\n\n\
             The actions are start, stop, restart, try-restart, reload, force-reload and status.\n\n\
             Exit status (LSB): 0 done, or status: it runs; 1 not done; 2 wrong action; 3 it cannot reload; 4 not root; 5 its \
             program is not installed; 6 its spec is missing or invalid; 7 not running, for reload. Of status: 1 dead, 3 not \
             running, 4 unknown.",
        )
        .arg(
            Arg::new("script")
                .value_name("SCRIPT")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The spec, whose file name is the name of the service"),
        )
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .value_parser(ValueParser::os_string())
                .help("What is to be done"),
        )
}

/// Does the action of a spec that svcadapt interprets.
pub(crate) fn run_script(matches: &ArgMatches) -> Exit {
    let path = matches.get_one::<PathBuf>("script").cloned().unwrap_or_default();
    let words: Vec<&OsString> = matches.get_one("action").into_iter().collect();
    perform(Script::new(path, Source::Own), &words)
}

/// Does the action of a link to svcadapt. `None`: svcadapt is not executed as an init script.
pub(crate) fn run_link(arguments: &[OsString]) -> Option<Exit> {
    let (called, words) = arguments.split_first()?;
    let path = Path::new(called);
    (path.file_name()? != "svcadapt" && is_in_init_folder(path)).then_some(())?;
    let words: Vec<&OsString> = words.iter().collect();
    Some(perform(Script::new(path.to_owned(), Source::Unit), &words))
}

/// Exit statuses of the LSB: the action is not known, the service cannot do it, only root may, the program is not installed,
/// the service is not configured.
const USAGE: u8 = 2;
const UNIMPLEMENTED: u8 = 3;
const DENIED: u8 = 4;
const NOT_INSTALLED: u8 = 5;
const NOT_CONFIGURED: u8 = 6;

/// Exit statuses of `run`: the program cannot be executed; the service runs already.
const EXEC_FAILED: u8 = 203;
const ALREADY_RUNNING: u8 = 250;

/// An init script starts a daemon, whatever has executed it.
const MODE: ModeOption = ModeOption::Classic;

/// An init script.
struct Script {
    path: PathBuf,
    name: ServiceName,
    source: Source,
}

/// Where the spec of a script is.
enum Source {
    /// The script is the spec.
    Own,
    /// The unit with the name of the script.
    Unit,
}

/// An action of the LSB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Start,
    Stop,
    Restart,
    TryRestart,
    Reload,
    ForceReload,
    Status,
}

const ACTIONS: [(&str, Action); 7] = [
    ("start", Action::Start),
    ("stop", Action::Stop),
    ("restart", Action::Restart),
    ("try-restart", Action::TryRestart),
    ("reload", Action::Reload),
    ("force-reload", Action::ForceReload),
    ("status", Action::Status),
];

impl Action {
    fn of(words: &[&OsString]) -> Result<Self, StepError> {
        let names = ACTIONS.map(|(name, _)| name).join(", ");
        let wrong = |cause: String| StepError::new("init", cause).hint(format!("the actions are {names}"));
        match words {
            [word] => {
                let known = ACTIONS.into_iter().find(|(name, _)| *word == name).map(|(_, action)| action);
                known.ok_or_else(|| wrong(format!("unknown action '{}'", word.to_string_lossy())))
            }
            [] => Err(wrong("no action is given".to_owned())),
            [_, second, ..] => Err(wrong(format!("unexpected argument '{}'", second.to_string_lossy()))),
        }
    }
}

/// Whether a path is in a directory of init scripts: `init.d`, `rc.d`, `rc2.d`, `rcS.d`.
fn is_in_init_folder(path: &Path) -> bool {
    let Ok(path) = absolute(path) else { return false };
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    folder == "init.d" || folder == "rc.d" || is_runlevel(folder)
}

fn is_runlevel(folder: &OsStr) -> bool {
    let level = folder.to_str().and_then(|name| name.strip_prefix("rc")?.strip_suffix(".d"));
    level.is_some_and(|level| level.len() == 1 && level.chars().all(|c| c.is_ascii_alphanumeric()))
}

impl Script {
    fn new(path: PathBuf, source: Source) -> Result<Self, StepError> {
        let word = service_word(&path);
        let name = ServiceName::parse(OsStr::new(&word))
            .map_err(|error| report::value_error("name", OsStr::new(&word), error))?;
        Ok(Self { path, name, source })
    }

    /// Whether it is root's, and this is another user.
    fn is_denied(&self) -> bool {
        effective_user() != 0 && self.path.symlink_metadata().is_ok_and(|found| found.uid() == 0)
    }

    /// The spec, which can be started. If not, the errors are reported.
    fn spec(&self) -> Result<SpecDraft, Exit> {
        let loaded = self.load().map_err(|errors| {
            report::report_all(errors);
            Exit::Status(NOT_CONFIGURED)
        })?;
        run::startable(loaded, MODE).map_err(lsb)
    }

    fn load(&self) -> Result<Loaded, Vec<StepError>> {
        let loaded = match self.source {
            Source::Own => load_script(&self.path, self.name.as_str(), &spec_file::read),
            Source::Unit => find_unit(self.name.as_str(), &[Scope::System])
                .map_err(|error| vec![error])
                .and_then(|unit| load_with(&unit, &spec_file::read)),
        };
        let mut loaded = loaded.map_err(|errors| errors.into_iter().map(load_message).collect::<Vec<_>>())?;
        loaded.draft.assign(Field::Name, self.name.as_str(), Origin::Option);
        Ok(loaded)
    }
}

/// The name of the service in the path of a script: `S20web` in a directory of a runlevel, `web.service`.
fn service_word(path: &Path) -> String {
    let word = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = absolute(path).ok().and_then(|path| Some(path.parent()?.file_name()?.to_owned()));
    let is_numbered = |word: &str| {
        word.starts_with(['S', 'K']) && word.len() > 3 && word.as_bytes()[1..3].iter().all(u8::is_ascii_digit)
    };
    let word = match folder {
        Some(folder) if is_runlevel(&folder) && is_numbered(&word) => &word[3..],
        _ => &word,
    };
    let ends = [".service", ".json", ".plist"];
    ends.into_iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
}

fn perform(script: Result<Script, StepError>, words: &[&OsString]) -> Exit {
    let script = match script {
        Ok(script) => script,
        Err(error) => return report::failed(&error.status(USAGE)),
    };
    let action = match Action::of(words) {
        Ok(action) => action,
        Err(error) => return report::failed(&error.of(script.name.to_string()).status(USAGE)),
    };
    let target = ServiceRef::Name(script.name.clone());
    if action == Action::Status {
        return status::print(target);
    }
    if script.is_denied() {
        let error = StepError::new("init", "only root may do this").of(script.name.to_string());
        return report::failed(&error.hint("run it as root").status(DENIED));
    }
    let found = control::status(&target);
    match owner(&target, &found) {
        Ok(Owner::Manager(managed)) if managed.host() != Host::SysV => by_manager(&target, &managed, action),
        Ok(_) => by_svcadapt(&script, &target, &found.state, action),
        Err(error) => report::failed(&error.status(1)),
    }
}

/// A service of this name that another manager has, as systemd has each init script: that one is asked.
fn by_manager(target: &ServiceRef, managed: &ManagedService, action: Action) -> Exit {
    let is_over = match managed.state() {
        Ok(state) => state.phase.is_over(),
        Err(error) => return report::failed(&error.status(1)),
    };
    match action {
        Action::TryRestart | Action::ForceReload if is_over => Exit::Status(0),
        Action::Reload if is_over => requests::failed("reload", target, &RequestError::NotRunning),
        Action::Start => start::start(target),
        Action::Stop => stop::stop(target, None),
        Action::Restart | Action::TryRestart => requests::restart_one(target),
        Action::ForceReload if !managed.has(Operation::Reload) => requests::restart_one(target),
        Action::Reload | Action::ForceReload => requests::reload_one(target),
        Action::Status => status::print(target.clone()),
    }
}

fn by_svcadapt(script: &Script, target: &ServiceRef, state: &RunState, action: Action) -> Exit {
    let runs = matches!(state, RunState::Running(..));
    match action {
        Action::Start => match state {
            RunState::Running(pid, _) => start::already(target, Some(*pid)),
            _ => script.spec().map_or_else(|exit| exit, start_spec),
        },
        Action::Stop => stop::by_svcadapt(target, None),
        Action::TryRestart | Action::ForceReload if !runs => Exit::Status(0),
        Action::Restart | Action::TryRestart => restart(script, target),
        Action::Reload | Action::ForceReload => match control::reload(target) {
            Ok(()) => report::answer(&format!("{target}: reloaded\n"), 0),
            Err(RequestError::NoReload | RequestError::NoHandler(..)) if action == Action::ForceReload => {
                restart(script, target)
            }
            Err(error) => match (requests::failed("reload", target, &error), error) {
                (_, RequestError::NoReload | RequestError::NoHandler(..)) => Exit::Status(UNIMPLEMENTED),
                (exit, _) => exit,
            },
        },
        Action::Status => status::print(target.clone()),
    }
}

/// Stops it and starts it from its spec, which may have changed. A spec that cannot be started does not stop it.
fn restart(script: &Script, target: &ServiceRef) -> Exit {
    let draft = match script.spec() {
        Ok(draft) => draft,
        Err(exit) => return exit,
    };
    match stop::by_svcadapt(target, None) {
        Exit::Status(0) => start_spec(draft),
        exit => exit,
    }
}

fn start_spec(draft: SpecDraft) -> Exit {
    lsb(run::start_checked(draft, MODE))
}

/// The end of `run` as an end of a script.
fn lsb(exit: Exit) -> Exit {
    Exit::Status(match exit {
        Exit::Status(0 | ALREADY_RUNNING) | Exit::Skipped => 0,
        Exit::Status(svcadapt::USAGE) => NOT_CONFIGURED,
        Exit::Status(EXEC_FAILED) => NOT_INSTALLED,
        Exit::Status(_) | Exit::Signal(_) => 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_the_name_of_its_service() {
        for (path, name, is_script) in [
            ("/etc/init.d/web", "web", true),
            ("/etc/rc2.d/S20web", "web", true),
            ("/etc/rc.d/K01web", "K01web", true),
            ("/etc/rcS.d/K01web.service", "web", true),
            ("/etc/init.d/S20web", "S20web", true),
            ("/etc/init.d/web.json", "web", true),
            ("/usr/bin/web", "web", false),
            ("/etc/rc23.d/S20web", "S20web", false),
            ("web", "web", false),
        ] {
            assert_eq!(service_word(Path::new(path)), name);
            assert_eq!(is_in_init_folder(Path::new(path)), is_script, "{path}");
        }
    }

    #[test]
    fn other_program_name_is_no_init_script() {
        for name in ["svcadapt", "/usr/bin/svcadapt", "/tmp/svcadapt-2", "/etc/init.d/svcadapt"] {
            assert_eq!(run_link(&[name.into(), "start".into()]), None, "{name}");
        }
        assert_eq!(run_link(&[]), None);
    }
}
