//! `svcadapt list`: a table of the services that svcadapt started.

use std::fmt::Write;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;
use svcadapt::control;
use svcadapt::control::{RunState, ServiceRef, Status};

use super::state_word::state_word;
use super::status::as_json;
use super::text::{json_text, printable, printable_path};
use super::{Exit, report, status};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("list")
        .about("Lists the services that svcadapt started here: this user's and root's")
        .long_about(
            "Prints a line for each service that has left a record: name or pid file, state, main process, uptime, how \
             often its program was started (if a process stays with it), and the program.\n\n\
             Exit status: 0.",
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON array"))
}

/// Prints the table.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let all = control::list();
    let text = if matches.get_flag("json") {
        json_text(&Value::Array(all.iter().map(|(target, found)| as_json(target, found)).collect()))
    } else {
        table(&all)
    };
    report::answer(&text, 0)
}

fn table(all: &[(ServiceRef, Status)]) -> String {
    let header = ["NAME", "STATE", "PID", "SINCE", "STARTS", "PROGRAM"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(all.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        line.push_str(&row[5]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row((target, found): &(ServiceRef, Status)) -> [String; 6] {
    let (pid, since) = match &found.state {
        RunState::Running(pid, age) => (pid.to_string(), age.map(status::span).unwrap_or_default()),
        RunState::Dead(_) | RunState::NotRunning | RunState::Unknown(_) => (String::new(), String::new()),
    };
    let starts = found.monitor.as_ref().map(|monitor| monitor.starts.to_string()).unwrap_or_default();
    let program = found.program.as_ref().map(printable_path).unwrap_or_default();
    [printable(target.to_string()), state_word(found), pid, since, starts, program]
}
