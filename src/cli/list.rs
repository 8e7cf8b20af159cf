//! `svcadapt list`: a table of the services that svcadapt started.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use svcadapt::control::{RunState, ServiceRef, Status};
use svcadapt::internal::error_text;
use svcadapt::{StepError, control};
use svcadapt_hosts::{HostState, ManagedService, ServiceManager, all_installed};
use svcadapt_spec::{Scope, ServiceName};

use super::screen::Screen;
use super::state_word::state_word;
use super::status::{add_json, as_json};
use super::text::{json_text, printable, printable_path};
use super::{Exit, report, status};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("list")
        .about("Lists the services that svcadapt started or installed here: this user's and root's")
        .long_about(
            "Prints a line for each service that has a record or was installed: name or pid file, state, main process, uptime, \
             how often its program was started (if a process stays with it), the manager that it was installed with, and the \
             program.\n\n\
             With --watch the table is drawn again, on the whole terminal, when something has changed, until Ctrl-C.\n\n\
             Exit status: 0; with --watch that of the signal that ends it, or 1 without a terminal.",
        )
        .arg(
            Arg::new("watch")
                .long("watch")
                .short('w')
                .action(ArgAction::SetTrue)
                .conflicts_with("json")
                .help("Stay, and show changes"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON array"))
}

/// Prints the table.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    if matches.get_flag("watch") {
        return watch();
    }
    let all = entries();
    let text = if matches.get_flag("json") {
        json_text(&Value::Array(all.iter().map(ListedService::json).collect()))
    } else {
        table(&all)
    };
    report::answer(&text, 0)
}

/// How often the services are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows the table until a signal ends it.
fn watch() -> Exit {
    let mut screen = match Screen::open() {
        Ok(screen) => screen,
        Err(error) => return report::failed(&error),
    };
    loop {
        if let Err(exit) = screen.show(&table(&entries())) {
            return exit;
        }
        match screen.wait(INTERVAL) {
            Ok(None) => {}
            Ok(Some(number)) => return Exit::Signal(number),
            Err(error) => {
                drop(screen);
                return report::failed(&StepError::new("list", error_text(&error)).status(1));
            }
        }
    }
}

/// A service of the list.
struct ListedService {
    target: ServiceRef,
    found: Status,
    /// Where it is installed, and what its manager says if it has no record.
    installed: Option<(ServiceManager, Option<(ManagedService, HostState)>)>,
}

/// The services with a record, and those that are installed, by name; those without a name are last.
fn entries() -> Vec<ListedService> {
    let mut managers: BTreeMap<String, ServiceManager> = [Scope::System, Scope::User]
        .into_iter()
        .flat_map(all_installed)
        .map(|(name, manager)| (name.to_string(), manager))
        .collect();
    let mut all: Vec<ListedService> = control::list()
        .into_iter()
        .map(|(target, found)| {
            let manager = managers.remove(&target.to_string());
            ListedService { installed: manager.map(|manager| (manager, None)), target, found }
        })
        .collect();
    for (name, manager) in managers {
        let Ok(name) = ServiceName::parse(name.as_ref()) else { continue };
        let service = manager.service(&name).ok().flatten();
        let known = service.and_then(|managed| managed.state().ok().map(|state| (managed, state)));
        let target = ServiceRef::Name(name);
        all.push(ListedService {
            found: control::status(&target),
            target,
            installed: Some((manager, known)),
        });
    }
    all.sort_by_key(|entry| (matches!(entry.target, ServiceRef::PidFile(_)), entry.target.to_string()));
    all
}

impl ListedService {
    fn json(&self) -> Value {
        let mut value = as_json(&self.target, &self.found);
        if let (Value::Object(object), Some((manager, known))) = (&mut value, &self.installed) {
            match known {
                Some((managed, state)) => add_json(object, managed, state, &self.found),
                None => drop(object.insert("host".to_owned(), json!({ "manager": manager.host.name() }))),
            }
        }
        value
    }

    fn row(&self) -> [String; 7] {
        let known = self.installed.as_ref().and_then(|(_, known)| known.as_ref());
        let (state, pid, since) = match (&self.found.state, known) {
            (RunState::Running(pid, age), _) => (state_word(&self.found), Some(*pid), *age),
            (_, Some((_, state))) => (state.phase.name().to_owned(), state.pid, state.since),
            (RunState::Dead(_) | RunState::NotRunning | RunState::Unknown(_), None) => {
                (state_word(&self.found), None, None)
            }
        };
        let starts =
            self.found.monitor.as_ref().map(|monitor| monitor.starts.to_string()).unwrap_or_default();
        let host =
            self.installed.as_ref().map(|(manager, _)| manager.host.name().to_owned()).unwrap_or_default();
        let program = self.found.program.as_ref().map(printable_path).unwrap_or_default();
        let pid = pid.map(|pid| pid.to_string()).unwrap_or_default();
        let since = since.map(status::span).unwrap_or_default();
        [printable(self.target.to_string()), state, pid, since, starts, host, program]
    }
}

fn table(all: &[ListedService]) -> String {
    let header = ["NAME", "STATE", "PID", "SINCE", "STARTS", "HOST", "PROGRAM"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(header).chain(all.iter().map(ListedService::row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        line.push_str(&row[6]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
