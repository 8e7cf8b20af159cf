//! `svcadapt detect`: which mode, which manager, and the evidence.

use std::fmt::Write as _;
use std::io;
use std::io::ErrorKind;
use std::io::Write as _;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use clap::builder::PossibleValuesParser;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use svcadapt::Error;
use svcadapt::host::Asked;
use svcadapt::host::Detection;
use svcadapt::host::Evidence;
use svcadapt::host::Manager;
use svcadapt::host::look;

use super::Exit;
use super::args;

/// A value longer than this does not push the next column away from all the others.
const WIDEST: usize = 44;

/// What clap must know.
pub(crate) fn command() -> Command {
    let choices = [Asked::Auto, Asked::Classic, Asked::Supervised].map(Asked::name);
    Command::new("detect")
        .about("Tells which mode and which service manager `run` would see here, and the evidence")
        .arg(
            Arg::new("mode")
                .long("mode")
                .value_name("MODE")
                .value_parser(PossibleValuesParser::new(choices))
                .default_value(Asked::Auto.name())
                .help("The mode to decide for, instead of the evidence"),
        )
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
                .help("Print only what was looked at, as JSON, for a report of a wrong guess"),
        )
}

/// Looks, and prints what was seen.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let asked = args::asked(matches);
    let (facts, detection) = look(asked);
    print(&if matches.get_flag("facts") {
        json_text(&facts.to_json())
    } else if matches.get_flag("json") {
        json_text(&to_json(&detection))
    } else {
        to_text(&detection)
    })
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
            "says": evidence.says,
            "decided": evidence.decided,
        })
    };
    object.insert("evidence".to_owned(), detection.evidence.iter().map(row).collect());
    Value::Object(object)
}

fn to_text(detection: &Detection) -> String {
    let mut text = format!("mode: {}\nmanager: {}\n", detection.mode.name(), detection.manager.name());
    if let Some(label) = label(detection) {
        let _ = writeln!(text, "label: {}", harmless(label));
    }
    let _ = writeln!(text, "scope: {}\n", detection.scope.name());
    let rows: Vec<[String; 4]> = std::iter::once(["fact", "value", "what it says", ""].map(str::to_owned))
        .chain(detection.evidence.iter().map(row))
        .collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).filter(|&width| width <= WIDEST).max().unwrap_or(0)
    };
    let (first, second) = (width(0), width(1));
    for [fact, value, says, mark] in &rows {
        let line = format!("{fact:first$}  {value:second$}  {says}{mark}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(evidence: &Evidence) -> [String; 4] {
    let value = evidence.value.as_deref().map_or_else(|| "-".to_owned(), harmless);
    let mark = if evidence.decided { "  <- decided" } else { "" };
    [evidence.fact.to_owned(), value, harmless(&evidence.says), mark.to_owned()]
}

fn label(detection: &Detection) -> Option<&str> {
    match &detection.manager {
        Manager::Launchd { label } => label.as_deref(),
        _ => None,
    }
}

/// A terminal takes commands from control characters, and the values come from whoever started us.
fn harmless(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\'' => text.push(character),
            _ => text.extend(character.escape_debug()),
        }
    }
    text
}

/// JSON in ASCII: `serde_json` escapes only the control characters below blank, a terminal obeys others too.
/// Outside of strings JSON has no other characters than ASCII, so escaping them everywhere is right.
fn json_text(value: &Value) -> String {
    let mut text = String::new();
    for character in format!("{value:#}\n").chars() {
        if character == '\n' || (' '..='~').contains(&character) {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// A reader that has seen enough is no failure.
fn print(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Status(0),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Status(0),
        Err(error) => {
            let error = Error::new("write", error.kind().to_string()).of("stdout").status(1);
            let _ = writeln!(io::stderr(), "svcadapt: {error}");
            Exit::Status(error.status)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_can_command_a_terminal() {
        assert_eq!(
            harmless("a\x1b[31m\n\u{9b}1m\u{202e}\x7f\\ it's"),
            r"a\u{1b}[31m\n\u{9b}1m\u{202e}\u{7f}\\ it's"
        );
    }

    #[test]
    fn json_is_ascii_and_means_the_same() {
        let value = json!({ "a": "\u{1b}\u{9b}\u{7f}\u{202e}\u{1f600}é\n" });
        let text = json_text(&value);
        assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
        assert_eq!(text.parse::<Value>().unwrap(), value);
    }
}
