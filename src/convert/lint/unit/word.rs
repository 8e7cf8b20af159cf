//! Programs that are words of a shell, and programs that stand before the program.

use svcadapt_spec::Scope;

use super::program::holds_commands;
use super::token::{PREFIXES, Token, WordRole, tokens};
use super::{At, Unit};
use crate::lint::Findings;
use crate::lint::habit::behind_script;
use crate::lint::rules::command::{ASSIGNED, BUILTIN, KILL, NOHUP, SCRIPT, SUDO};

/// Words of a shell that are no programs.
const BUILTINS: [&str; 19] = [
    ".", "alias", "case", "cd", "eval", "exec", "export", "for", "function", "if", "popd", "pushd", "set",
    "source", "trap", "ulimit", "umask", "until", "while",
];

/// Programs that become another user.
const OTHER_USER: [&str; 5] = ["sudo", "su", "runuser", "doas", "gosu"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for at in unit.lines().filter(|at| at.section() == "Service" && holds_commands(at.key())) {
        let tokens = tokens(at.value());
        let starts = tokens.iter().enumerate().filter(|(_, token)| token.role == WordRole::Program);
        for (number, token) in starts {
            if findings.full() {
                return;
            }
            let arguments = tokens[number + 1..].iter().take_while(|token| token.role == WordRole::Argument);
            one(unit, &at, token, &arguments.collect::<Vec<_>>(), findings);
        }
    }
}

fn one(unit: &Unit, at: &At, token: &Token, arguments: &[&Token], findings: &mut Findings) {
    let text = token.text();
    let program = text.trim_start_matches(PREFIXES);
    let name = program.rsplit('/').next().unwrap_or_default();
    let place = at.within(token.offset);
    if let Some((variable, _)) = assignment(program) {
        let message = format!("systemd looks for a program named '{}'", program.escape_debug());
        let cure =
            format!("write Environment={variable}=..., or /usr/bin/env {variable}=... before the program");
        return findings.cured(&ASSIGNED, place, message, cure);
    }
    if is_builtin(program) {
        let message = format!("'{}' is a word of the shell, and no program", program.escape_debug());
        return findings.add(&BUILTIN, place, message);
    }
    let texts: Vec<String> = arguments.iter().map(|token| token.text()).collect();
    let words: Vec<&str> = std::iter::once(program).chain(texts.iter().map(String::as_str)).collect();
    if let Some(behind) = behind_script(&words) {
        let (place, message) = match arguments.get(behind - 1) {
            Some(token) => {
                (at.within(token.offset), format!("'{}' is no part of the script", token.raw.escape_debug()))
            }
            None => (place.clone(), format!("{name} is given no script")),
        };
        findings.add(&SCRIPT, place, message);
    }
    let main = at.key() == "ExecStart";
    if main && OTHER_USER.contains(&name) && unit.service.host.scope == Scope::System {
        findings.add(&SUDO, place, format!("{name} becomes the user, and stays as the main process"));
    } else if main && name == "nohup" {
        findings.add(&NOHUP, place, "a service has no terminal that could hang up");
    } else if name == "kill" && !names_process(arguments) {
        findings.add(&KILL, place, "kill is given a signal and no process");
    }
}

/// `NAME=value` before a program.
fn assignment(program: &str) -> Option<(&str, &str)> {
    let named = |name: &str| {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    program.split_once('=').filter(|(name, _)| named(name))
}

fn is_builtin(program: &str) -> bool {
    BUILTINS.contains(&program)
}

/// Whether a program's name is one that another finder tells more of.
pub(super) fn is_of_the_shell(program: &str) -> bool {
    is_builtin(program) || assignment(program).is_some()
}

/// Whether kill(1) is given more than a signal. What it prints with -l needs none.
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
