//! Paths that must be absolute, and directory names that must not be.

use super::raw::is_path_condition;
use super::token::raw_words;
use super::{UnitLine, UnitView};
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

/// Lists of paths in any unit.
const MOUNTS: [&str; 2] = ["RequiresMountsFor", "WantsMountsFor"];

/// Directives whose directories systemd creates below a fixed directory.
const DIRECTORIES: [&str; 5] =
    ["RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory", "ConfigurationDirectory"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines() {
        let (key, value) = (at.key(), at.value());
        match at.section() {
            _ if findings.is_full() => return,
            "Service" if PATH_LISTS.contains(&key) => check_paths(&at, findings),
            "Unit" if MOUNTS.contains(&key) => check_paths(&at, findings),
            "Service" if DIRECTORIES.contains(&key) => {
                for (offset, word) in raw_words(value) {
                    if word.trim_start_matches('"').starts_with('/') {
                        let message = format!("{key}= takes a name, but '{}' is a path", word.escape_debug());
                        findings.add(&DIRECTORY_NAME, at.within(offset), message);
                    }
                }
            }
            "Service" if STREAMS.contains(&key) => {
                let (kind, path) = value.split_once(':').unwrap_or_default();
                if ["file", "append", "truncate"].contains(&kind) {
                    check_path(&at, kind.len() + 1, path, findings);
                }
            }
            // A relative PID file is below /run.
            "Service" if key != "PIDFile" && takes_path(key) && value != "~" && value != "-~" => {
                let path = value.strip_prefix('-').unwrap_or(value);
                check_path(&at, value.len() - path.len(), path, findings);
            }
            "Unit" if is_path_condition(key) => {
                let path = value.trim_start_matches(['|', '!', ' ']);
                check_path(&at, value.len() - path.len(), path, findings);
            }
            _ => {}
        }
    }
}

fn takes_path(key: &str) -> bool {
    directive(Section::Service, key).is_some_and(|row| row.kind == ValueKind::Path)
}

fn check_paths(at: &UnitLine, findings: &mut Findings) {
    for (offset, word) in raw_words(at.value()) {
        let path = word.trim_start_matches(['-', '+']);
        check_path(at, offset + word.len() - path.len(), path, findings);
    }
}

/// Reports a relative path. `raw` reports quotes, and a specifier may become an absolute path.
fn check_path(at: &UnitLine, offset: usize, path: &str, findings: &mut Findings) {
    if path.is_empty() || path.starts_with(['/', '%', '"', '\'']) {
        return;
    }
    let severity = if at.key() == "WorkingDirectory" { Severity::Error } else { Severity::Warning };
    let message = format!("{}=: '{}' is not an absolute path", at.key(), path.escape_debug());
    findings.add_with_severity(severity, &ABSOLUTE, at.within(offset), message);
}
