//! Names and values of directives, by the table of each version's directives.

use std::ffi::OsStr;

use svcadapt_spec::{FIELDS, Field, FileMode, Limit, Origin, SignalName, Spot, Timespan, boolean};

use super::absolute::PATH_LISTS;
use super::token::raw_words;
use super::value::expected_value;
use super::{UnitLine, UnitSource, UnitView};
use crate::directive::{DirectiveRow, Section, ValueKind, Version, directive, nearest};
use crate::lint::rules::directive::{
    GONE, LIMIT, NO_SECTION, SECTION, TOO_NEW, UNKNOWN, VALUE, VAR_RUN, ZERO,
};
use crate::lint::{Findings, Severity};

/// The sections of a service unit, and of a socket unit.
pub(super) const SERVICE: [Section; 3] = [Section::Unit, Section::Service, Section::Install];
pub(super) const SOCKET: [Section; 3] = [Section::Unit, Section::Socket, Section::Install];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for source in unit.sources() {
        file(source, SERVICE, unit.service.host.version, findings);
    }
    if let Some(at) = unit.last("TimeoutStopSec")
        && matches!(Timespan::parse(OsStr::new(at.value())), Ok(Timespan::Finite(time)) if time.is_zero())
    {
        findings.add(&ZERO, at.origin(), format!("TimeoutStopSec={} means no timeout", at.value()));
    }
}

/// Checks all assignments of a file that can have these sections.
pub(super) fn file(source: &UnitSource, sections: [Section; 3], version: Version, findings: &mut Findings) {
    let (file, mut unknown_section) = (&source.file, None);
    for line in &file.lines {
        let at = UnitLine { file, line };
        if findings.is_full() {
            return;
        }
        if at.section().starts_with("X-") || at.key().starts_with("X-") {
            continue;
        }
        let Some(section) = sections.into_iter().find(|section| section.to_string() == at.section()) else {
            if unknown_section.replace(line.section) != Some(line.section) {
                let message = format!("unknown section [{}]", at.section().escape_debug());
                let place = header(source, line.section).unwrap_or_else(|| at.origin());
                match sections.into_iter().find(|section| same_letters(&section.to_string(), at.section())) {
                    Some(meant) => {
                        findings.add_with_hint(
                            &NO_SECTION,
                            place,
                            message,
                            format!("did you mean [{meant}]?"),
                        );
                    }
                    None => findings.add(&NO_SECTION, place, message),
                }
            }
            continue;
        };
        match directive(section, at.key()) {
            Some(row) => known(&at, row, version, findings),
            None => unknown(&at, section, sections, findings),
        }
    }
}

/// The place of the header of a section, by its number.
fn header(source: &UnitSource, section: usize) -> Option<Origin> {
    let mut lines = source.text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| {
        let text = line.trim_ascii();
        text.starts_with(b"[") && text.ends_with(b"]")
    });
    let (number, line) = lines.nth(section)?;
    let name = String::from_utf8_lossy(line);
    // A continued line can look like a header.
    let same = name.trim().trim_matches(['[', ']']) == source.file.sections.get(section)?;
    let offset = line.len() - line.trim_ascii_start().len();
    same.then(|| Origin::in_file(&source.file.path, Some(Spot::new(number + 1, line, offset))))
}

/// Whether two words differ only in the order of their letters, or in upper and lower case.
fn same_letters(one: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters = word.to_ascii_lowercase().into_bytes();
        letters.sort_unstable();
        letters
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

fn unknown(at: &UnitLine, section: Section, sections: [Section; 3], findings: &mut Findings) {
    let key = at.key();
    let elsewhere =
        sections.into_iter().chain([Section::Socket]).find(|other| directive(*other, key).is_some());
    if let Some(other) = elsewhere {
        let message = format!("{key}= does not belong in [{section}]");
        return findings.add_with_hint(&SECTION, at.origin(), message, format!("move it to [{other}]"));
    }
    let message = format!("unknown directive {}=", key.escape_debug());
    match nearest(section, key) {
        Some(meant) => {
            findings.add_with_hint(&UNKNOWN, at.origin(), message, format!("did you mean {meant}=?"));
        }
        None => findings.add(&UNKNOWN, at.origin(), message),
    }
}

fn known(at: &UnitLine, row: &DirectiveRow, version: Version, findings: &mut Findings) {
    let (key, value) = (row.name, at.value());
    var_run(at, row, findings);
    if !row.known_to(version) {
        if row.since > version.number() {
            let message = format!("{key}= is new in systemd {}, but this unit is for {version}", row.since);
            findings.add(&TOO_NEW, at.origin(), message);
        } else {
            let until = row.until.unwrap_or_default();
            let message =
                format!("{key}= has no effect since systemd {until}, and this unit is for {version}");
            findings.add(&GONE, at.origin(), message);
        }
        return;
    }
    if value.is_empty() {
        return;
    }
    if let Some(hint) = expected_value(row.name, value) {
        let message = format!("{key}= does not accept '{}'", value.escape_debug());
        return findings.add_with_hint(&VALUE, at.origin(), message, hint);
    }
    if fits(row, value, version) {
        return;
    }
    if ["syslog", "syslog+console"].contains(&value) && key.starts_with("Standard") {
        let message = format!("{key}={value} is obsolete: systemd uses journal instead");
        return findings.add_with_hint(
            &GONE,
            at.origin(),
            message,
            "write journal, which also forwards everything to syslog",
        );
    }
    // Reported by lifecycle.rs, with more detail.
    if key == "Type" && value == "notify-reload" {
        return;
    }
    if row.takes(value, Version::NEWEST) && choices(row).is_some() {
        let message = format!("{key}={value} is newer than systemd {version}");
        return findings.add(&TOO_NEW, at.origin(), message);
    }
    let message = format!("{key}= does not accept '{}'", value.escape_debug());
    if row.kind == ValueKind::Limit {
        return findings.add(&LIMIT, at.origin(), message);
    }
    let hint = match (choices(row), row.kind) {
        (Some(words), ValueKind::BooleanOr(_)) => format!("use yes, no or one of {words}"),
        (Some(words), _) => format!("use one of {words}"),
        (None, ValueKind::Boolean) => "use yes or no".to_owned(),
        (None, ValueKind::Timespan) => {
            "use seconds, a time like 1min 30s (systemd.time(7)), or infinity".to_owned()
        }
        (None, ValueKind::Nanoseconds) => {
            "use nanoseconds, a time like 50us (systemd.time(7)), or infinity".to_owned()
        }
        (None, ValueKind::Octal) => "use an octal number, such as 0027".to_owned(),
        (None, ValueKind::Signal) => "use the name of a signal, such as SIGTERM".to_owned(),
        (None, ValueKind::Size) => "use a number of bytes, or a number with K, M, G or T".to_owned(),
        _ => VALUE.hint.to_owned(),
    };
    findings.add_with_hint(&VALUE, at.origin(), message, hint);
}

/// The words that a directive accepts.
fn choices(row: &DirectiveRow) -> Option<String> {
    let (ValueKind::Enum(words) | ValueKind::BooleanOr(words)) = row.kind else { return None };
    Some(words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "))
}

fn fits(row: &DirectiveRow, value: &str, version: Version) -> bool {
    let text = OsStr::new(value);
    match row.kind {
        ValueKind::Enum(_) | ValueKind::BooleanOr(_) => row.takes(value, version),
        ValueKind::Boolean => boolean(value).is_some(),
        ValueKind::Timespan => Timespan::parse(text).is_ok(),
        ValueKind::Nanoseconds => Timespan::parse_nsec(text).is_ok(),
        ValueKind::Signal => SignalName::parse(text).is_ok(),
        ValueKind::Octal => FileMode::parse_mode(text).is_ok(),
        ValueKind::Integer => {
            value.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        ValueKind::Size => size(value),
        ValueKind::Limit => FIELDS.iter().find(|field| field.directive == row.name).is_none_or(
            |field| !matches!(field.field, Field::Limit(resource) if Limit::parse(resource, text).is_err()),
        ),
        ValueKind::CommandLine | ValueKind::Path | ValueKind::Words | ValueKind::Text | ValueKind::Other => {
            true
        }
    }
}

/// Whether a value is a number of bytes, a percentage, or `infinity`.
fn size(value: &str) -> bool {
    let is_number = |percent: &str| {
        !percent.is_empty() && percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    value == "infinity" || Limit::parse_bytes(value).is_ok() || value.strip_suffix('%').is_some_and(is_number)
}

/// Reports a path below `/var/run`. systemd rewrites it for a PID file and for a socket, and logs a message.
fn var_run(at: &UnitLine, row: &DirectiveRow, findings: &mut Findings) {
    let takes_paths = row.kind == ValueKind::Path
        || row.name.starts_with("Listen")
        || PATH_LISTS.contains(&row.name)
        || row.name.starts_with("Standard")
        || ["PIDFile", "EnvironmentFile", "WorkingDirectory"].contains(&row.name);
    if !takes_paths {
        return;
    }
    for (offset, word) in raw_words(at.value()) {
        let path = word.trim_start_matches(['-', '+', '!', '"']);
        let path =
            path.split_once(':').filter(|(kind, _)| !kind.contains('/')).map_or(path, |(_, path)| path);
        if path.starts_with("/var/run/") {
            let message = format!("{}= uses a path below /var/run", row.name);
            findings.add_with_severity(Severity::Warning, &VAR_RUN, at.within(offset), message);
        }
    }
}
