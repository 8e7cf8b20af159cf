//! Sandbox directives that take away what the service needs.

use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::Command;

use super::UnitView;
use super::absolute::PATH_LISTS;
use super::program::program_of;
use crate::harden::jit;
use crate::lint::Findings;
use crate::lint::rules::path::SANDBOX;
use crate::lint::rules::rights::{AMBIENT, HOME, JIT, PRIVATE_TMP};
use crate::unit::{CommandLine, Syntax, commands, split};

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    ambient(unit, findings);
    compiler(unit, findings);
    home(unit, findings);
    temporary(unit, findings);
    paths(unit, findings);
}

fn ambient(unit: &UnitView, findings: &mut Findings) {
    if !unit.is_on("PrivateUsers") {
        return;
    }
    for at in unit.all("Service", "AmbientCapabilities").iter().filter(|at| !at.value().starts_with('~')) {
        let network = at
            .value()
            .split_ascii_whitespace()
            .find(|word| word.to_ascii_uppercase().starts_with("CAP_NET_"));
        if let Some(word) = network {
            findings.add(&AMBIENT, at.origin(), format!("{word} has no effect with PrivateUsers="));
        }
    }
}

/// Options that switch a JIT compiler off.
const JIT_OFF: [&str; 4] = ["--jitless", "-Xint", "--disable-jit", "-joff"];

fn compiler(unit: &UnitView, findings: &mut Findings) {
    let sandbox = unit.last("MemoryDenyWriteExecute").filter(|_| unit.is_on("MemoryDenyWriteExecute"));
    let Some(sandbox) = sandbox else { return };
    for at in unit.all("Service", "ExecStart") {
        let read = commands(at.value(), &unit.service.name, &at.file.path).unwrap_or_default();
        for CommandLine { program, argv, .. } in read.commands {
            if argv.iter().any(|word| JIT_OFF.iter().any(|off| word == off)) {
                continue;
            }
            let script = program.to_str().and_then(|program| program_of(unit, &at, program));
            let script = script.and_then(|(path, _)| interpreter(unit, &path));
            let words = std::iter::once(program).chain(argv.into_iter().skip(1)).collect();
            let named = [Some(words), script.map(|name| vec![name.into()])];
            let compiles = |words: Vec<OsString>| jit(&Command::new(words).ok()?);
            if let Some(name) = named.into_iter().flatten().find_map(compiles) {
                findings.add(
                    &JIT,
                    sandbox.origin(),
                    format!(
                        "{} has a JIT compiler, which needs memory that is writable and executable",
                        name.escape_debug()
                    ),
                );
            }
        }
    }
}

/// The interpreter of a script: the word after `env`, or the first word of the `#!` line (execve(2)).
fn interpreter(unit: &UnitView, path: &Path) -> Option<String> {
    let content = unit.machine.content(path)?;
    let line = content.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    let after = words.find(|word| !word.starts_with('-'));
    Some(if first.ends_with("/env") { after? } else { first }.to_owned())
}

fn home(unit: &UnitView, findings: &mut Findings) {
    let hidden = unit.last("ProtectHome").filter(|at| unit.is_on("ProtectHome") && at.value() != "read-only");
    let bound = ["BindPaths", "BindReadOnlyPaths"].iter().any(|key| unit.last(key).is_some());
    let Some(protect_home) = hidden.filter(|_| !bound) else { return };
    let below = |path: &Path| ["/home", "/root", "/run/user"].iter().any(|home| path.starts_with(home));
    if let Some(at) = unit.last("WorkingDirectory").filter(|at| !at.value().starts_with('-'))
        && (at.value() == "~" && unit.last("User").is_none()
            || unit.path(&at, at.value()).is_some_and(|path| below(&path)))
    {
        findings.add(
            &HOME,
            at.origin(),
            format!("ProtectHome={} hides the working directory", protect_home.value()),
        );
    }
    for at in unit.all("Service", "ExecStart") {
        let read = commands(at.value(), &unit.service.name, &at.file.path).unwrap_or_default();
        if let Some(command) = read.commands.iter().find(|command| below(Path::new(&command.program))) {
            let message =
                format!("ProtectHome={} hides '{}'", protect_home.value(), command.program.display());
            findings.add(&HOME, at.origin(), message);
        }
    }
}

fn temporary(unit: &UnitView, findings: &mut Findings) {
    let shared = ["BindPaths", "BindReadOnlyPaths"].iter().any(|key| unit.last(key).is_some())
        || !unit.all("Unit", "JoinsNamespaceOf").is_empty();
    if shared || !unit.is_on("PrivateTmp") {
        return;
    }
    let below =
        |path: &Path| ["/tmp", "/var/tmp"].iter().any(|tmp| path.starts_with(tmp) && path != Path::new(tmp));
    for at in unit.all("Service", "ExecStart") {
        let read = commands(at.value(), &unit.service.name, &at.file.path).unwrap_or_default();
        if let Some(command) = read.commands.iter().find(|command| below(Path::new(&command.program))) {
            findings.add(
                &PRIVATE_TMP,
                at.origin(),
                format!("PrivateTmp= hides '{}'", command.program.display()),
            );
        }
    }
    if let Some(at) = unit.last("WorkingDirectory").filter(|at| !at.value().starts_with('-'))
        && unit.path(&at, at.value()).is_some_and(|path| below(&path))
    {
        findings.add(&PRIVATE_TMP, at.origin(), "PrivateTmp= hides the working directory");
    }
}

fn paths(unit: &UnitView, findings: &mut Findings) {
    for key in PATH_LISTS {
        for at in unit.all("Service", key) {
            for word in split(at.value(), Syntax::Quoted).unwrap_or_default() {
                if findings.is_full() {
                    return;
                }
                let Ok(word) = String::from_utf8(word.bytes) else { continue };
                let text = word.trim_start_matches(['-', '+']);
                let optional = word[..word.len() - text.len()].contains('-');
                let source =
                    if key.starts_with("Bind") { text.split(':').next().unwrap_or_default() } else { text };
                let Some(path) = unit.path(&at, source).filter(|_| !optional) else { continue };
                if unit.machine.inode(&path).is_missing() && !unit.may_be_absent(&path) {
                    findings.add(
                        &SANDBOX,
                        at.origin(),
                        format!("{key}=: '{}' does not exist", path.display()),
                    );
                }
            }
        }
    }
}
