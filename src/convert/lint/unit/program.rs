//! Whether the programs are there.

use std::path::{Path, PathBuf};

use super::token::{PREFIXES, WordRole, tokens};
use super::word::is_of_the_shell;
use super::{At, Unit};
use crate::directive::{Section, ValueKind, directive, directives};
use crate::lint::rules::command::{MISSING, NOT_EXECUTABLE, RELATIVE};
use crate::lint::{Findings, Inode, Kind, Lookup};
use crate::unit::commands;

/// Where systemd looks for a bare name (systemd.service(5)).
const SEARCHED: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    for row in directives(Section::Service).filter(|row| row.kind == ValueKind::CommandLine) {
        for at in unit.all("Service", row.name) {
            if findings.full() {
                return;
            }
            relative(&at, findings);
            if unit.last("ExecSearchPath").is_none() {
                present(unit, &at, findings);
            }
        }
    }
}

fn relative(at: &At, findings: &mut Findings) {
    for token in tokens(at.value()).iter().filter(|token| token.role == WordRole::Program) {
        let text = token.text();
        let program = text.trim_start_matches(PREFIXES);
        if is_of_the_shell(program) {
            continue;
        }
        if program.contains('/') && !program.starts_with(['/', '%', '$']) {
            let message = format!("'{}' is neither an absolute path nor a bare name", program.escape_debug());
            findings.add(&RELATIVE, at.within(token.offset), message);
        }
    }
}

fn present(unit: &Unit, at: &At, findings: &mut Findings) {
    let Ok(read) = commands(at.value(), &unit.service.name, &at.file.path) else { return };
    for command in read.commands.iter().filter(|command| !command.prefixes.contains('-')) {
        // Of a ; that hangs at it another finder tells.
        let Some(program) =
            command.program.to_str().filter(|program| !program.ends_with(';') && !is_of_the_shell(program))
        else {
            continue;
        };
        let Some((path, look)) = program_of(unit, at, program) else { continue };
        match look {
            Lookup::Missing => {
                let message = format!("there is no program '{}'", program.escape_debug());
                findings.add(&MISSING, at.origin(), message);
            }
            Lookup::Found(inode) if inode.kind != Kind::File || inode.mode & 0o111 == 0 => {
                let what = if inode.kind == Kind::Directory { "is a directory" } else { "is not executable" };
                findings.add(&NOT_EXECUTABLE, at.origin(), format!("'{}' {what}", path.display()));
            }
            Lookup::Found(_) | Lookup::Unknown => {}
        }
    }
}

/// Where the program lies, or would, and what is there; none where nothing can be said.
pub(super) fn program_of(unit: &Unit, at: &At, program: &str) -> Option<(PathBuf, Lookup<Inode>)> {
    if program.contains('/') {
        // Specifiers have been replaced: what is left of them is text.
        let path = unit.path(at, &program.replace('%', "%%"))?;
        let look = unit.machine.inode(&path);
        return (!unit.may_be_absent(&path)).then_some((path, look));
    }
    unit.path(at, "/")?;
    let mut answer = Lookup::Missing;
    for folder in SEARCHED {
        let path = Path::new(folder).join(program);
        match unit.machine.inode(&path) {
            there @ Lookup::Found(_) => return Some((path, there)),
            Lookup::Unknown => answer = Lookup::Unknown,
            Lookup::Missing => {}
        }
    }
    Some((PathBuf::from(program), answer))
}

/// Whether a directive holds commands.
pub(super) fn holds_commands(key: &str) -> bool {
    directive(Section::Service, key).is_some_and(|row| row.kind == ValueKind::CommandLine)
}
