//! `svcadapt detect`: prints the mode, the manager and the evidence.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};
use svcadapt::detect::{Detection, Evidence, Manager, look};

use super::report::print;
use super::text::{json_text, printable};
use super::{Exit, args};

/// The maximal width of a column; a longer value pushes the next column only in its own line.
const MAX_COLUMN_WIDTH: usize = 44;

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("detect")
        .about("Prints the mode and the service manager that `run` detects here, with the evidence")
        .arg(args::mode("Mode to use instead of the detected one"))
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print mode, manager, scope and evidence as a JSON object"),
        )
        .arg(
            Arg::new("facts")
                .long("facts")
                .action(ArgAction::SetTrue)
                .conflicts_with("json")
                .help("Print only the inputs of the detection, as JSON, for a bug report"),
        )
}

/// Detects, and prints the result.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let (facts, detection) = look(args::mode_option(matches));
    let text = if matches.get_flag("facts") {
        json_text(&facts.to_json())
    } else if matches.get_flag("json") {
        json_text(&to_json(&detection))
    } else {
        to_text(&detection)
    };
    print(&text).err().unwrap_or(Exit::Status(0))
}

fn to_json(detection: &Detection) -> Value {
    let mut object = Map::new();
    object.insert("mode".to_owned(), detection.mode.name().into());
    object.insert("manager".to_owned(), detection.manager.name().into());
    if let Some(label) = label(detection) {
        object.insert("label".to_owned(), label.into());
    }
    object.insert("scope".to_owned(), detection.scope.name().into());
    let row = |evidence: &Evidence| {
        json!({
            "fact": evidence.fact,
            "value": evidence.value,
            "says": evidence.meaning,
            "decided": evidence.decided,
        })
    };
    object.insert("evidence".to_owned(), detection.evidence.iter().map(row).collect());
    Value::Object(object)
}

fn to_text(detection: &Detection) -> String {
    let mut text = format!("mode: {}\nmanager: {}\n", detection.mode.name(), detection.manager.name());
    if let Some(label) = label(detection) {
        let _ = writeln!(text, "label: {}", printable(label));
    }
    let _ = writeln!(text, "scope: {}\n", detection.scope.name());
    let rows: Vec<[String; 4]> = std::iter::once(["fact", "value", "meaning", ""].map(str::to_owned))
        .chain(detection.evidence.iter().map(row))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .filter(|&width| width <= MAX_COLUMN_WIDTH)
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    for [fact, value, says, mark] in &rows {
        let line = format!("{fact:first$}  {value:second$}  {says}{mark}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(evidence: &Evidence) -> [String; 4] {
    let value = evidence.value.as_deref().map_or_else(|| "-".to_owned(), printable);
    let mark = if evidence.decided { "  <- decided" } else { "" };
    [evidence.fact.to_owned(), value, printable(&evidence.meaning), mark.to_owned()]
}

fn label(detection: &Detection) -> Option<&str> {
    match &detection.manager {
        Manager::Launchd { label } => label.as_deref(),
        _ => None,
    }
}
