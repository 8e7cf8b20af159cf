//! Variables in commands that nothing sets.

use std::collections::BTreeSet;

use super::program::holds_commands;
use super::token::{Token, WordRole, tokens};
use super::{At, Unit};
use crate::lint::Findings;
use crate::lint::rules::command::{EMPTY, PROGRAM_VARIABLE, VANISHES, WHOLE_WORD};
use crate::unit::{Syntax, split};

/// What systemd itself sets (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
const SET: [&str; 35] = [
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

/// Whatever these may bring in is not in the unit.
const OPEN: [&str; 2] = ["EnvironmentFile", "PAMName"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let known = (!OPEN.iter().any(|key| unit.last(key).is_some())).then(|| set(unit));
    for at in unit.lines().filter(|at| at.section() == "Service" && at.value().contains('$')) {
        if !holds_commands(at.key()) {
            continue;
        }
        for token in tokens(at.value()).iter().filter(|token| token.variables && token.bytes.contains(&b'$'))
        {
            if findings.full() {
                return;
            }
            match token.role {
                WordRole::Program => {
                    let message = format!("no variable is expanded in the program's path '{}'", token.text());
                    findings.add(&PROGRAM_VARIABLE, at.within(token.offset), message);
                }
                WordRole::Argument => argument(&at, token, known.as_ref(), findings),
            }
        }
    }
}

/// The names that the unit sets.
fn set(unit: &Unit) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = SET.iter().map(|name| (*name).to_owned()).collect();
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

fn argument(at: &At, token: &Token, known: Option<&BTreeSet<String>>, findings: &mut Findings) {
    let text = token.text();
    let unset = |name: &str| known.is_some_and(|known| !known.contains(name));
    match text.strip_prefix('$') {
        Some(name) if !name.starts_with(['{', '$', '(']) && !name.is_empty() => {
            let plain = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            if plain < name.len() && plain > 0 {
                let message = format!("systemd looks for a variable named '{}'", name.escape_debug());
                let cure = format!("write ${{{}}}{}", &name[..plain], &name[plain..]);
                findings.cured(&WHOLE_WORD, at.within(token.offset), message, cure);
            } else if unset(name) {
                let message = format!("nothing sets {}, and the word is left out", name.escape_debug());
                findings.add(&VANISHES, at.within(token.offset), message);
            }
        }
        _ => {
            for name in braced(&text).filter(|name| unset(name)) {
                let message = format!("nothing sets {}, and it becomes nothing", name.escape_debug());
                findings.add(&EMPTY, at.within(token.offset), message);
            }
        }
    }
}

/// The names in `${NAME}`; `$$` protects.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            rest = after.strip_prefix('$').unwrap_or(after);
            if let Some((name, tail)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                rest = tail;
                // `${NAME:-…}` means something to shells alone.
                if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Some(name);
                }
            }
        }
    })
}
