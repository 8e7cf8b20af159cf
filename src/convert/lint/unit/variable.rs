//! Variables in commands that are not set.

use std::collections::BTreeSet;

use super::token::{Token, WordRole, holds_commands, tokens};
use super::{UnitLine, UnitView};
use crate::lint::Findings;
use crate::lint::rules::command::{EMPTY, PROGRAM_VARIABLE, VANISHES, WHOLE_WORD};
use crate::unit::{Syntax, split};

/// Variables that systemd itself sets (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
const SET_BY_SYSTEMD: [&str; 35] = [
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "EXIT_CODE",
    "EXIT_STATUS",
    "FDSTORE",
    "HOME",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LANG",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LOGNAME",
    "LOGS_DIRECTORY",
    "MAINPID",
    "MANAGERPID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "MONITOR_SERVICE_RESULT",
    "MONITOR_UNIT",
    "NOTIFY_SOCKET",
    "PATH",
    "PIDFILE",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "RUNTIME_DIRECTORY",
    "SERVICE_RESULT",
    "SHELL",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    "TERM",
    "USER",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Directives that set variables whose names are not in the unit.
const SET_ELSEWHERE: [&str; 2] = ["EnvironmentFile", "PAMName"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let known = (!SET_ELSEWHERE.iter().any(|key| unit.last(key).is_some())).then(|| set_names(unit));
    for at in unit.lines().filter(|at| at.section() == "Service" && at.value().contains('$')) {
        if !holds_commands(at.key()) {
            continue;
        }
        for token in tokens(at.value()).iter().filter(|token| token.variables && token.bytes.contains(&b'$'))
        {
            if findings.is_full() {
                return;
            }
            match token.role {
                WordRole::Program => {
                    let message =
                        format!("variable in the program's path '{}' is not expanded", token.text());
                    findings.add(&PROGRAM_VARIABLE, at.within(token.offset), message);
                }
                WordRole::Argument => argument(&at, token, known.as_ref(), findings),
            }
        }
    }
}

/// The names of the variables that the unit and systemd set.
fn set_names(unit: &UnitView) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = SET_BY_SYSTEMD.iter().map(|name| (*name).to_owned()).collect();
    for (key, syntax) in [("Environment", Syntax::Command), ("PassEnvironment", Syntax::Quoted)] {
        for at in unit.all("Service", key) {
            let words = split(at.value(), syntax).unwrap_or_default();
            names.extend(words.iter().map(|word| {
                String::from_utf8_lossy(word.bytes.split(|byte| *byte == b'=').next().unwrap_or_default())
                    .into_owned()
            }));
        }
    }
    names
}

fn argument(at: &UnitLine, token: &Token, known: Option<&BTreeSet<String>>, findings: &mut Findings) {
    let text = token.text();
    let unset = |name: &str| known.is_some_and(|known| !known.contains(name));
    match text.strip_prefix('$') {
        Some(name) if !name.starts_with(['{', '$', '(']) && !name.is_empty() => {
            let plain = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            if plain < name.len() && plain > 0 {
                let message = format!("systemd looks for a variable named '{}'", name.escape_debug());
                let hint = format!("write ${{{}}}{}", &name[..plain], &name[plain..]);
                findings.add_with_hint(&WHOLE_WORD, at.within(token.offset), message, hint);
            } else if unset(name) {
                let message = format!("nothing sets {}, and systemd drops the argument", name.escape_debug());
                findings.add(&VANISHES, at.within(token.offset), message);
            }
        }
        _ => {
            for name in braced(&text).filter(|name| unset(name)) {
                let message =
                    format!("nothing sets {}, and systemd replaces it with nothing", name.escape_debug());
                findings.add(&EMPTY, at.within(token.offset), message);
            }
        }
    }
}

/// The names in `${NAME}`. `$$` is an escaped `$`.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            rest = after.strip_prefix('$').unwrap_or(after);
            if let Some((name, tail)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                rest = tail;
                // Only a shell understands `${NAME:-…}`.
                if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Some(name);
                }
            }
        }
    })
}
