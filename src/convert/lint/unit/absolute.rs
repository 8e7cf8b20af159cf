//! Paths that have to be absolute, and names of directories that must not be.

use super::raw::of_a_path;
use super::token::raw_words;
use super::{At, Unit};
use crate::directive::{Section, ValueKind, directive};
use crate::lint::rules::directive::{ABSOLUTE, DIRECTORY_NAME};
use crate::lint::{Findings, Severity};

const STREAMS: [&str; 3] = ["StandardInput", "StandardOutput", "StandardError"];

/// The directives of a service that take a list of paths.
pub(super) const PATH_LISTS: [&str; 7] = [
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "ExecPaths",
    "NoExecPaths",
    "BindPaths",
    "BindReadOnlyPaths",
];

/// Those of any unit.
const MOUNTS: [&str; 2] = ["RequiresMountsFor", "WantsMountsFor"];

/// Directories that systemd makes below a directory of its own.
const MADE: [&str; 5] =
    ["RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory", "ConfigurationDirectory"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for at in unit.lines() {
        let (key, value) = (at.key(), at.value());
        match at.section() {
            _ if findings.full() => return,
            "Service" if PATH_LISTS.contains(&key) => paths_of(&at, findings),
            "Unit" if MOUNTS.contains(&key) => paths_of(&at, findings),
            "Service" if MADE.contains(&key) => {
                for (offset, word) in raw_words(value) {
                    if word.trim_start_matches('"').starts_with('/') {
                        let message = format!("{key}= takes a name, and '{}' is a path", word.escape_debug());
                        findings.add(&DIRECTORY_NAME, at.within(offset), message);
                    }
                }
            }
            "Service" if STREAMS.contains(&key) => {
                let (kind, path) = value.split_once(':').unwrap_or_default();
                if ["file", "append", "truncate"].contains(&kind) {
                    path_of(&at, kind.len() + 1, path, findings);
                }
            }
            // A relative PID file is one below /run.
            "Service" if key != "PIDFile" && takes_path(key) && value != "~" && value != "-~" => {
                let path = value.strip_prefix('-').unwrap_or(value);
                path_of(&at, value.len() - path.len(), path, findings);
            }
            "Unit" if of_a_path(key) => {
                let path = value.trim_start_matches(['|', '!', ' ']);
                path_of(&at, value.len() - path.len(), path, findings);
            }
            _ => {}
        }
    }
}

fn takes_path(key: &str) -> bool {
    directive(Section::Service, key).is_some_and(|row| row.kind == ValueKind::Path)
}

fn paths_of(at: &At, findings: &mut Findings) {
    for (offset, word) in raw_words(at.value()) {
        let path = word.trim_start_matches(['-', '+']);
        path_of(at, offset + word.len() - path.len(), path, findings);
    }
}

/// Of quotes another finder tells, and what a specifier brings may be absolute.
fn path_of(at: &At, offset: usize, path: &str, findings: &mut Findings) {
    if path.is_empty() || path.starts_with(['/', '%', '"', '\'']) {
        return;
    }
    let severity = if at.key() == "WorkingDirectory" { Severity::Error } else { Severity::Warning };
    let message = format!("{}=: '{}' is no absolute path", at.key(), path.escape_debug());
    findings.as_bad(severity, &ABSOLUTE, at.within(offset), message);
}
