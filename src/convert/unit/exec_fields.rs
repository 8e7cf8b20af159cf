//! The fields of the `Exec…=` directives.

use std::collections::BTreeMap;
use std::ffi::OsString;

use svcadapt_spec::command_line::CommandLine;
use svcadapt_spec::{CommandPrefix, ExecCommand, Field, Origin, boolean, literal};

use super::exec_lines::ExecAssignment;
use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::{Unmapped, UnmappedReason, commands, x_section};
use crate::divide::PERMISSIONS_START_ONLY;

/// The fields with command lines.
pub(super) const FIELDS: [Field; 7] = [
    Field::ExecCondition,
    Field::ExecStartPre,
    Field::ExecStart,
    Field::ExecStartPost,
    Field::ExecReload,
    Field::ExecStop,
    Field::ExecStopPost,
];

/// Reads one assignment of a directive with command lines.
pub(super) fn assign(reader: &mut UnitReader, site: &Site, field: Field) {
    let line = site.line;
    reader.checks.note("Service", site);
    if line.value.is_empty() {
        reader.checks.commands.remove(&line.key);
        reader.commands.of.remove(&field);
        reader.unmapped.retain(|kept| kept.section != "Service" || kept.directive != line.key);
        return;
    }
    let commands = match commands(&line.value, reader.name, &site.file.path) {
        Ok(read) => {
            read.warnings.iter().for_each(|warning| reader.warn(site, warning));
            *reader.checks.commands.entry(line.key.clone()).or_default() += read.commands.len();
            if read.commands.is_empty() {
                return reader.keep(site, UnmappedReason::Ignored("there is no command".into()));
            }
            Ok(read.commands)
        }
        // Only systemd knows the value of a specifier in it: the line can be kept, but not run.
        Err(error) if error.needs_host => {
            *reader.checks.commands.entry(line.key.clone()).or_default() += 1;
            Err(error.cause)
        }
        Err(error) => return reader.refuse(site, &error.cause),
    };
    let line = site.unmapped(UnmappedReason::NoField);
    reader.commands.of.entry(field).or_default().push(ExecAssignment { line, commands });
}

/// The command of the spec.
pub(super) struct SpecCommand {
    pub(super) words: Vec<OsString>,
    /// The origin of variables in the words, if there are any.
    pub(super) variables: Option<Origin>,
    /// `argv[0]`, if it differs from the program.
    pub(super) argv0: Option<(OsString, Origin)>,
    /// Whether the line started the program through svcadapt.
    pub(super) behind_adapter: bool,
}

/// Turns the command lines into values of fields. The lines of a directive stay together, because their order counts: if
/// only systemd can use one of them, all are kept as they are. Returns the program.
pub(super) fn finish(reader: &mut UnitReader) -> Option<SpecCommand> {
    let mut all = std::mem::take(&mut reader.commands.of);
    let start = all.remove(&Field::ExecStart);
    if only_start_drops_rights(reader) {
        all.values_mut().flatten().for_each(run_with_full_rights);
    }
    for (field, lines) in all {
        match values(field, &lines) {
            Ok(values) => put(reader, values, &lines),
            Err(whys) => keep(reader, lines, &whys),
        }
    }
    let mut lines = start?;
    let mut rest = match lines.first_mut().map(|line| &mut line.commands) {
        Some(Ok(commands)) if !commands.is_empty() => Some(commands.remove(0)),
        _ => None,
    };
    let further = match (&rest, values(Field::ExecStart, &lines)) {
        (Some(_), Ok(further)) => further,
        (_, further) => {
            let whys = further.err().unwrap_or_default();
            keep(reader, lines, &whys);
            return None;
        }
    };
    let command = rest.take()?;
    if command.prefixes.contains('|') {
        keep(reader, lines, &BTreeMap::from([(0, "the prefix '|' needs the user's login shell".into())]));
        return None;
    }
    // Only systemd can expand a variable in argv[0].
    let name = command.argv.first().filter(|_| command.prefixes.contains('@'));
    let name = name.and_then(|name| if command.has_variables() { literal(name) } else { Some(name.clone()) });
    if command.prefixes.contains('@') && name.is_none() {
        if !further.is_empty() {
            keep(reader, lines, &BTreeMap::from([(0, "the prefix '@' with a variable".into())]));
            return None;
        }
        let reason = UnmappedReason::Partly("the prefix '@'".into());
        reader.unmapped.push(Unmapped { reason, ..lines[0].line.clone() });
    }
    put(reader, further, &lines);
    Some(program(reader, &command, &lines[0].line.origin, name))
}

/// Whether `PermissionsStartOnly=` is on, which systemd still reads: all commands but the program have full rights.
fn only_start_drops_rights(reader: &UnitReader) -> bool {
    let is_it = |line: &&Unmapped| line.section == "Service" && line.directive == PERMISSIONS_START_ONLY;
    let mut lines = reader.unmapped.iter().filter(is_it).rev();
    lines.find_map(|line| boolean(&line.value)).unwrap_or(false)
}

/// Gives the commands of a line the prefix `+` instead of others for rights.
fn run_with_full_rights(line: &mut ExecAssignment) {
    for command in line.commands.iter_mut().flatten() {
        command.prefixes.retain(|sign| !matches!(sign, '+' | '!'));
        command.prefixes.push('+');
    }
}

/// The values of a directive, each with the number of its line; or the lines that only systemd can use, with the reasons.
type Values = Result<Vec<(usize, Field, OsString)>, BTreeMap<usize, String>>;

fn values(field: Field, lines: &[ExecAssignment]) -> Values {
    let (mut values, mut whys) = (Vec::new(), BTreeMap::new());
    for (number, line) in lines.iter().enumerate() {
        match &line.commands {
            Err(why) => drop(whys.insert(number, why.clone())),
            Ok(commands) => {
                for command in commands {
                    match ExecCommand::of(command.clone()) {
                        Ok(command) => values.push((number, field, command.to_string().into())),
                        Err(refusal) => drop(whys.insert(number, refusal.cause)),
                    }
                }
            }
        }
    }
    if whys.is_empty() { Ok(values) } else { Err(whys) }
}

fn put(reader: &mut UnitReader, values: Vec<(usize, Field, OsString)>, lines: &[ExecAssignment]) {
    let values = values.into_iter().map(|(number, field, value)| UnitValue {
        field,
        value,
        origin: lines[number].line.origin.clone(),
        written: String::new(),
    });
    reader.values.extend(values);
}

/// Keeps the lines of a directive.
fn keep(reader: &mut UnitReader, lines: Vec<ExecAssignment>, whys: &BTreeMap<usize, String>) {
    let together = "the other lines of this directive can only be executed together with this one";
    let lines = lines.into_iter().enumerate().map(|(number, ExecAssignment { line, .. })| {
        let why = whys.get(&number).map_or(together, String::as_str);
        Unmapped { reason: UnmappedReason::Unusable(why.into()), ..line }
    });
    reader.unmapped.extend(lines);
}

/// The program of a command, with its prefixes as values of fields.
fn program(
    reader: &mut UnitReader,
    command: &CommandLine,
    origin: &Origin,
    name: Option<OsString>,
) -> SpecCommand {
    let prefix = CommandPrefix::of(command);
    if !prefix.is_empty() {
        let origin = origin.with_key(format!("ExecStart={prefix}{}", command.program.display()));
        let value = prefix.to_string().into();
        reader.values.push(UnitValue { field: Field::ExecPrefix, value, origin, written: String::new() });
    }
    if let Some(words) = x_section::unwrap_command(reader, command, origin) {
        return SpecCommand { words, variables: None, argv0: None, behind_adapter: true };
    }
    let is_set = |field: Field| reader.own.iter().any(|value| value.field == field);
    let arguments = &command.argv[1..];
    let argv0 = name.filter(|_| !is_set(Field::Argv0)).map(|name| (name, origin.clone()));
    let mut words = vec![command.program.clone()];
    let mut variables = None;
    if !command.has_variables() || is_set(Field::ExpandVariables) {
        words.extend(arguments.iter().cloned());
    } else if let Some(plain) = arguments.iter().map(|word| literal(word)).collect::<Option<Vec<_>>>() {
        words.extend(plain);
    } else {
        words.extend(arguments.iter().cloned());
        variables = Some(origin.clone());
    }
    SpecCommand { words, variables, argv0, behind_adapter: false }
}
