//! The directive tables and the installed systemd agree, in both directions.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use svcadapt_convert::directive::{DirectiveRow, Section, ValueKind, Version, directive, directives};

use crate::harness::skip;

const SYSTEMD: &str = "/lib/systemd/systemd";

const SECTIONS: [Section; 4] = [Section::Unit, Section::Service, Section::Socket, Section::Install];

/// The name of the value of a directive that systemd no longer has, in systemd's list.
const DROPPED: &str = "NOTSUPPORTED";

/// A directive in systemd's own list: section, name, and name of the value.
type Dumped = (Section, String, String);

/// The installed version, and its list.
fn installed() -> Option<(Version, Vec<Dumped>)> {
    if !Path::new(SYSTEMD).exists() {
        skip("systemd", "it is not installed");
        return None;
    }
    let output_of = |option: &str| {
        let output = Command::new(SYSTEMD).arg(option).env("PAGER", "cat").output().unwrap();
        assert!(output.status.success(), "{option}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let version = output_of("--version");
    let number = version.split_ascii_whitespace().nth(1).unwrap_or_default();
    let Ok(version) = Version::parse(number.as_ref()) else {
        skip("systemd", &format!("version {number} is not one that is known here"));
        return None;
    };
    let mut section = None;
    let mut all = Vec::new();
    for line in output_of("--dump-configuration-items").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = SECTIONS.into_iter().find(|section| section.to_string() == name);
        } else if let (Some(section), Some((name, value))) = (section, line.split_once('=')) {
            all.push((section, name.to_owned(), value.to_owned()));
        }
    }
    assert!(all.len() > 300, "systemd's list has not been understood");
    Some((version, all))
}

#[test]
fn directive_tables_match_the_installed_systemd() {
    let Some((version, dumped)) = installed() else { return };
    let mut differences = Vec::new();
    for section in SECTIONS {
        let theirs: BTreeSet<&str> = dumped
            .iter()
            .filter(|(theirs, _, _)| *theirs == section)
            .map(|(_, name, _)| name.as_str())
            .collect();
        for name in &theirs {
            match directive(section, name) {
                None => differences.push(format!("[{section}] {name}= is missing in the table")),
                Some(row) if row.since > version.number() => {
                    differences
                        .push(format!("[{section}] {name}= is known to {version}, before {}", row.since));
                }
                Some(_) => (),
            }
        }
        for row in directives(section).filter(|row| row.known_to(version)) {
            if !theirs.contains(row.name) {
                differences.push(format!("[{section}] {}= is not known to {version}", row.name));
            }
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

#[test]
fn directive_values_have_the_kinds_of_systemd() {
    let Some((_, dumped)) = installed() else { return };
    let mut compared = 0;
    let mut differences = Vec::new();
    for (section, name, value) in &dumped {
        let Some(row) = directive(*section, name) else { continue };
        if value == DROPPED || row.until.is_some() {
            continue;
        }
        let Some(fits) = fits(row, value) else { continue };
        compared += 1;
        if !fits {
            differences.push(format!("[{section}] {name}={value} is {:?} here", row.kind));
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    assert!(compared > 200, "only {compared} values have been compared");
}

/// Whether a row has the kind that systemd names; `None` where that name is too general.
fn fits(row: &DirectiveRow, value: &str) -> Option<bool> {
    let kind = row.kind;
    // A directive that takes keywords in a later version was a boolean before.
    let boolean = matches!(kind, ValueKind::Boolean | ValueKind::BooleanOr(_));
    Some(match value {
        "BOOLEAN" => boolean,
        "SIGNAL" => kind == ValueKind::Signal,
        "LIMIT" if row.name.starts_with("Limit") => kind == ValueKind::Limit,
        "SECONDS" => kind == ValueKind::Timespan,
        "NANOSECONDS" => kind == ValueKind::Nanoseconds,
        "SIZE" => kind == ValueKind::Size,
        "UNSIGNED" | "INTEGER" | "LONG" | "NICE" | "OOMSCOREADJUST" => kind == ValueKind::Integer,
        // A colon-separated list has the same name.
        "PATH" => matches!(kind, ValueKind::Path | ValueKind::Other),
        "PATH [ARGUMENT [...]]" => kind == ValueKind::CommandLine,
        "UNIT [...]" | "PATH [...]" | "BOUNDINGSET" | "SYSCALLS" | "ARCHS" | "FAMILIES" | "ENVIRON" => {
            kind == ValueKind::Words
        }
        "SERVICETYPE" | "SERVICERESTART" | "KILLMODE" | "ACTION" | "OUTPUT" | "INPUT" | "TIMEOUTMODE"
        | "SERVICEEXITTYPE" => matches!(kind, ValueKind::Enum(_)),
        "SOCKETBIND" => matches!(kind, ValueKind::BooleanOr(_)),
        _ => return None,
    })
}
