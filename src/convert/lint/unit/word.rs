//! Shell builtins used as programs, and wrappers before the program.

use svcadapt_spec::Scope;

use super::token::{PREFIXES, Token, WordRole, holds_commands, tokens};
use super::{UnitLine, UnitView};
use crate::lint::Findings;
use crate::lint::fork_behavior::unused_script_word;
use crate::lint::rules::command::{ASSIGNED, BUILTIN, KILL, NOHUP, SCRIPT, SUDO};

/// Builtins and keywords of a shell that are not programs.
const BUILTINS: [&str; 19] = [
    ".", "alias", "case", "cd", "eval", "exec", "export", "for", "function", "if", "popd", "pushd", "set",
    "source", "trap", "ulimit", "umask", "until", "while",
];

/// Programs that change the user.
const USER_CHANGERS: [&str; 5] = ["sudo", "su", "runuser", "doas", "gosu"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines().filter(|at| at.section() == "Service" && holds_commands(at.key())) {
        let tokens = tokens(at.value());
        let starts = tokens.iter().enumerate().filter(|(_, token)| token.role == WordRole::Program);
        for (number, token) in starts {
            if findings.is_full() {
                return;
            }
            let arguments = tokens[number + 1..].iter().take_while(|token| token.role == WordRole::Argument);
            one(unit, &at, token, &arguments.collect::<Vec<_>>(), findings);
        }
    }
}

fn one(unit: &UnitView, at: &UnitLine, token: &Token, arguments: &[&Token], findings: &mut Findings) {
    let text = token.text();
    let program = text.trim_start_matches(PREFIXES);
    let name = program.rsplit('/').next().unwrap_or_default();
    let place = at.within(token.offset);
    if let Some((variable, _)) = assignment(program) {
        let message = format!("systemd looks for a program named '{}'", program.escape_debug());
        let hint =
            format!("write Environment={variable}=..., or /usr/bin/env {variable}=... before the program");
        return findings.add_with_hint(&ASSIGNED, place, message, hint);
    }
    if is_builtin(program) {
        let message = format!("'{}' is a shell builtin, not a program", program.escape_debug());
        return findings.add(&BUILTIN, place, message);
    }
    let texts: Vec<String> = arguments.iter().map(|token| token.text()).collect();
    let words: Vec<&str> = std::iter::once(program).chain(texts.iter().map(String::as_str)).collect();
    if let Some(unused) = unused_script_word(&words) {
        let (place, message) = match arguments.get(unused - 1) {
            Some(token) => {
                (at.within(token.offset), format!("'{}' is not part of the script", token.raw.escape_debug()))
            }
            None => (place.clone(), format!("{name} -c has no script")),
        };
        findings.add(&SCRIPT, place, message);
    }
    let main = at.key() == "ExecStart";
    if main && USER_CHANGERS.contains(&name) && unit.service.host.scope == Scope::System {
        findings.add(&SUDO, place, format!("{name} changes the user, and remains the main process"));
    } else if main && name == "nohup" {
        findings.add(&NOHUP, place, "nohup has no effect: a service has no terminal");
    } else if name == "kill" && !names_process(arguments) {
        findings.add(&KILL, place, "kill has a signal but no process");
    }
}

/// The name and value of a `NAME=value` in the place of the program.
fn assignment(program: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    program.split_once('=').filter(|(name, _)| is_name(name))
}

fn is_builtin(program: &str) -> bool {
    BUILTINS.contains(&program)
}

/// Whether the word in the place of the program is shell syntax, which this file reports.
pub(super) fn is_shell_syntax(program: &str) -> bool {
    is_builtin(program) || assignment(program).is_some()
}

/// Whether kill(1) gets a process. With -l it needs no process.
fn names_process(arguments: &[&Token]) -> bool {
    let mut words = arguments.iter().map(|token| token.text());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" | "-n" | "--signal" | "-q" | "--queue" => drop(words.next()),
            "-l" | "-L" | "--list" | "--table" => return true,
            word if word.starts_with('-') && word != "--" => {}
            "--" => {}
            _ => return true,
        }
    }
    false
}
