//! Restrictions that take away what the service needs.

use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::Command;

use super::Unit;
use super::absolute::PATH_LISTS;
use super::program::program_of;
use crate::harden::jit;
use crate::lint::Findings;
use crate::lint::rules::path::SANDBOX;
use crate::lint::rules::rights::{AMBIENT, HOME, JIT, PRIVATE_TMP};
use crate::unit::{CommandLine, Syntax, commands, split};

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    ambient(unit, findings);
    compiler(unit, findings);
    home(unit, findings);
    temporary(unit, findings);
    paths(unit, findings);
}

fn ambient(unit: &Unit, findings: &mut Findings) {
    if !unit.says("PrivateUsers") {
        return;
    }
    for at in unit.all("Service", "AmbientCapabilities").iter().filter(|at| !at.value().starts_with('~')) {
        let network = at
            .value()
            .split_ascii_whitespace()
            .find(|word| word.to_ascii_uppercase().starts_with("CAP_NET_"));
        if let Some(word) = network {
            findings.add(&AMBIENT, at.origin(), format!("PrivateUsers= makes {word} worthless"));
        }
    }
}

/// What switches a compiler off.
const INTERPRETED: [&str; 4] = ["--jitless", "-Xint", "--disable-jit", "-joff"];

fn compiler(unit: &Unit, findings: &mut Findings) {
    let said = unit.last("MemoryDenyWriteExecute").filter(|_| unit.says("MemoryDenyWriteExecute"));
    let Some(said) = said else { return };
    for at in unit.all("Service", "ExecStart") {
        let read = commands(at.value(), &unit.service.name, &at.file.path).unwrap_or_default();
        for CommandLine { program, argv, .. } in read.commands {
            if argv.iter().any(|word| INTERPRETED.iter().any(|off| word == off)) {
                continue;
            }
            let script = program.to_str().and_then(|program| program_of(unit, &at, program));
            let script = script.and_then(|(path, _)| interpreter(unit, &path));
            let words = std::iter::once(program).chain(argv.into_iter().skip(1)).collect();
            let named = [Some(words), script.map(|name| vec![name.into()])];
            let compiles = |words: Vec<OsString>| jit(&Command::new(words).ok()?);
            if let Some(name) = named.into_iter().flatten().find_map(compiles) {
                findings.add(&JIT, said.origin(), format!("{} makes code as it runs", name.escape_debug()));
            }
        }
    }
}

/// What a script is run by: the last word of its first line, or the first one (execve(2)).
fn interpreter(unit: &Unit, path: &Path) -> Option<String> {
    let content = unit.machine.content(path)?;
    let line = content.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    let after = words.find(|word| !word.starts_with('-'));
    Some(if first.ends_with("/env") { after? } else { first }.to_owned())
}

fn home(unit: &Unit, findings: &mut Findings) {
    let hidden = unit.last("ProtectHome").filter(|at| unit.says("ProtectHome") && at.value() != "read-only");
    let bound = ["BindPaths", "BindReadOnlyPaths"].iter().any(|key| unit.last(key).is_some());
    let Some(said) = hidden.filter(|_| !bound) else { return };
    let below = |path: &Path| ["/home", "/root", "/run/user"].iter().any(|home| path.starts_with(home));
    if let Some(at) = unit.last("WorkingDirectory").filter(|at| !at.value().starts_with('-'))
        && (at.value() == "~" && unit.last("User").is_none()
            || unit.path(&at, at.value()).is_some_and(|path| below(&path)))
    {
        findings.add(&HOME, at.origin(), format!("ProtectHome={} hides the working directory", said.value()));
    }
    for at in unit.all("Service", "ExecStart") {
        let read = commands(at.value(), &unit.service.name, &at.file.path).unwrap_or_default();
        if let Some(command) = read.commands.iter().find(|command| below(Path::new(&command.program))) {
            let message = format!("ProtectHome={} hides '{}'", said.value(), command.program.display());
            findings.add(&HOME, at.origin(), message);
        }
    }
}

fn temporary(unit: &Unit, findings: &mut Findings) {
    let shared = ["BindPaths", "BindReadOnlyPaths"].iter().any(|key| unit.last(key).is_some())
        || !unit.all("Unit", "JoinsNamespaceOf").is_empty();
    if shared || !unit.says("PrivateTmp") {
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

fn paths(unit: &Unit, findings: &mut Findings) {
    for key in PATH_LISTS {
        for at in unit.all("Service", key) {
            for word in split(at.value(), Syntax::Quoted).unwrap_or_default() {
                if findings.full() {
                    return;
                }
                let Ok(word) = String::from_utf8(word.bytes) else { continue };
                let text = word.trim_start_matches(['-', '+']);
                let optional = word[..word.len() - text.len()].contains('-');
                let source =
                    if key.starts_with("Bind") { text.split(':').next().unwrap_or_default() } else { text };
                let Some(path) = unit.path(&at, source).filter(|_| !optional) else { continue };
                if unit.machine.inode(&path).missing() && !unit.may_be_absent(&path) {
                    findings.add(&SANDBOX, at.origin(), format!("{key}=: there is no '{}'", path.display()));
                }
            }
        }
    }
}
