//! Whether the programs exist and are executable.

use std::path::{Path, PathBuf};

use super::token::{PREFIXES, WordRole, tokens};
use super::word::is_shell_syntax;
use super::{UnitLine, UnitView};
use crate::directive::{Section, ValueKind, directives};
use crate::lint::rules::command::{MISSING, NOT_EXECUTABLE, RELATIVE};
use crate::lint::{FileInfo, FileKind, Findings, Lookup};
use crate::unit::commands;

/// The directories where systemd looks for a bare name (systemd.service(5)).
const SEARCHED: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for row in directives(Section::Service).filter(|row| row.kind == ValueKind::CommandLine) {
        for at in unit.all("Service", row.name) {
            if findings.is_full() {
                return;
            }
            relative(&at, findings);
            if unit.last("ExecSearchPath").is_none() {
                present(unit, &at, findings);
            }
        }
    }
}

fn relative(at: &UnitLine, findings: &mut Findings) {
    for token in tokens(at.value()).iter().filter(|token| token.role == WordRole::Program) {
        let text = token.text();
        let program = text.trim_start_matches(PREFIXES);
        if is_shell_syntax(program) {
            continue;
        }
        if program.contains('/') && !program.starts_with(['/', '%', '$']) {
            let message = format!("'{}' is neither an absolute path nor a bare name", program.escape_debug());
            findings.add(&RELATIVE, at.within(token.offset), message);
        }
    }
}

fn present(unit: &UnitView, at: &UnitLine, findings: &mut Findings) {
    let Ok(read) = commands(at.value(), &unit.service.name, &at.file.path) else { return };
    for command in read.commands.iter().filter(|command| !command.prefixes.contains('-')) {
        // `command` reports an attached `;`.
        let Some(program) =
            command.program.to_str().filter(|program| !program.ends_with(';') && !is_shell_syntax(program))
        else {
            continue;
        };
        let Some((path, look)) = program_of(unit, at, program) else { continue };
        match look {
            Lookup::Missing => {
                let message = format!("program '{}' does not exist", program.escape_debug());
                findings.add(&MISSING, at.origin(), message);
            }
            Lookup::Found(inode) if inode.kind != FileKind::File || inode.mode & 0o111 == 0 => {
                let what =
                    if inode.kind == FileKind::Directory { "is a directory" } else { "is not executable" };
                findings.add(&NOT_EXECUTABLE, at.origin(), format!("'{}' {what}", path.display()));
            }
            Lookup::Found(_) | Lookup::Unknown => {}
        }
    }
}

/// The path of the program, and the file there. `None` if it is not known.
pub(super) fn program_of(
    unit: &UnitView,
    at: &UnitLine,
    program: &str,
) -> Option<(PathBuf, Lookup<FileInfo>)> {
    if program.contains('/') {
        // Specifiers have been replaced already: a remaining % is literal.
        let path = unit.path(at, &program.replace('%', "%%"))?;
        let look = unit.machine.inode(&path);
        return (!unit.may_be_absent(&path)).then_some((path, look));
    }
    unit.path(at, "/")?;
    let mut answer = Lookup::Missing;
    for folder in SEARCHED {
        let path = Path::new(folder).join(program);
        match unit.machine.inode(&path) {
            found @ Lookup::Found(_) => return Some((path, found)),
            Lookup::Unknown => answer = Lookup::Unknown,
            Lookup::Missing => {}
        }
    }
    Some((PathBuf::from(program), answer))
}
