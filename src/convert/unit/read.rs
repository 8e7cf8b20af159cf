//! Reads a unit with its drop-ins into a draft.

use std::ffi::OsString;

use svcadapt_spec::{FIELDS, Field, Native, Origin, SpecDraft, SpecError, literal};

use super::lex::{MAX_ASSIGNMENTS, TOO_MANY};
use super::reader::UnitReader;
use super::site::Site;
use super::{UnitFile, UnitName, Unmapped, UnmappedReason, commands, fields, unmapped, x_section};

/// The content of a unit with its drop-ins.
#[derive(Debug, Clone)]
pub struct ParsedUnit {
    /// The assignments that a spec has fields for.
    pub draft: SpecDraft,
    /// The other assignments in order.
    pub unmapped: Vec<Unmapped>,
    /// The lines and values that systemd ignores with a warning.
    pub warnings: Vec<SpecError>,
}

impl ParsedUnit {
    /// The assignments that have no effect if svcadapt runs the draft.
    pub fn not_honoured(&self) -> Vec<&Unmapped> {
        unmapped::in_force(&self.unmapped)
    }
}

/// The directives with command lines.
pub(super) const COMMANDS: [&str; 7] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];

/// Reads a unit and then its drop-ins in the given order, by the rules of systemd.service(5) and systemd.exec(5): lists
/// grow, an empty value resets a directive, otherwise the last value wins.
///
/// An invalid value is ignored with a warning, as by systemd. An error is what makes systemd refuse the unit.
pub fn read(name: &UnitName, unit: &UnitFile, drop_ins: &[UnitFile]) -> Result<ParsedUnit, Vec<SpecError>> {
    if unit.empty {
        return Err(vec![SpecError::in_file(&unit.path, None, "the unit is masked: the file is empty")]);
    }
    let mut reader = UnitReader::new(name);
    let files = || std::iter::once(unit).chain(drop_ins);
    if files().map(|file| file.lines.len() + file.warnings.len()).sum::<usize>() > MAX_ASSIGNMENTS {
        return Err(vec![SpecError::in_file(&unit.path, None, format!("with its drop-ins, {TOO_MANY}"))]);
    }
    for file in files() {
        reader.warnings.extend(file.warnings.iter().cloned());
        for line in &file.lines {
            let origin = Origin::in_file(&file.path, Some(line.spot.clone()));
            reader.line(&Site { file, line, origin });
        }
    }
    reader.finish(unit)
}

impl UnitReader<'_> {
    fn line(&mut self, site: &Site) {
        let section = site.file.section(site.line);
        let row = FIELDS.iter().find(|row| row.directive == site.line.key);
        match (section, row.map(|row| row.field)) {
            ("X-Svcadapt", Some(field)) => x_section::assign(self, site, field),
            ("Unit", Some(field @ Field::Description)) => fields::assign(self, site, field),
            ("Service", Some(field)) if of_service(field) => {
                self.checks.note(section, site);
                fields::assign(self, site, field);
            }
            ("Service", _) if COMMANDS.contains(&site.line.key.as_str()) => self.commands(site),
            ("Service", _) if site.line.key == "TimeoutSec" => {
                fields::assign(self, site, Field::TimeoutStartSec);
                fields::assign(self, site, Field::TimeoutStopSec);
            }
            ("X-Svcadapt", None) => {
                self.keep(site, UnmappedReason::NoField);
                self.warn(site, "unknown field; svcadapt ignores it");
            }
            (_, row) => {
                if row.is_some() && ["Unit", "Service", "Install"].contains(&section) {
                    self.warn(site, "wrong section; systemd ignores it here");
                } else if !section.starts_with("X-") && !["Unit", "Service", "Install"].contains(&section) {
                    self.warn(site, "unknown section for a service; systemd ignores it");
                }
                if section.starts_with(Native::SOCKET_UNIT_PREFIX) {
                    // A spec uses this prefix for the lines of the socket unit.
                    return self.keep(site, UnmappedReason::Ignored("unknown section for a service".into()));
                }
                self.checks.note(section, site);
                self.keep(site, UnmappedReason::NoField);
            }
        }
    }

    fn commands(&mut self, site: &Site) {
        let line = site.line;
        let start = line.key == "ExecStart";
        self.checks.note("Service", site);
        if !start {
            self.keep(site, UnmappedReason::NoField);
        }
        if line.value.is_empty() {
            self.checks.commands.remove(&line.key);
            if start {
                self.start.clear();
                self.started.clear();
                self.checks.unknown_start = false;
                self.unmapped.retain(|line| line.directive != "ExecStart");
            }
            return;
        }
        match commands(&line.value, self.name, &site.file.path) {
            Ok(read) => {
                read.warnings.iter().for_each(|warning| self.warn(site, warning));
                *self.checks.commands.entry(line.key.clone()).or_default() += read.commands.len();
                if start {
                    if read.commands.is_empty() {
                        self.keep(site, UnmappedReason::Ignored("there is no command".into()));
                    } else {
                        self.started.push(site.unmapped(UnmappedReason::NoField));
                    }
                    self.start.extend(read.commands);
                }
            }
            // Only systemd knows the value of a specifier in it: the line can be kept, but not run.
            Err(error) if error.needs_host => {
                *self.checks.commands.entry(line.key.clone()).or_default() += 1;
                if start {
                    self.checks.unknown_start = true;
                    self.keep(site, UnmappedReason::Unusable(error.cause));
                }
            }
            Err(error) => self.refuse(site, &error.cause),
        }
    }

    fn finish(mut self, unit: &UnitFile) -> Result<ParsedUnit, Vec<SpecError>> {
        let kind = self.values.iter().rev().find(|value| value.field == Field::Type);
        let kind = kind.map(|value| value.written.clone());
        let whole = |why: &str| SpecError::in_file(&unit.path, None, why);
        let faults = self.checks.faults(kind.as_deref());
        self.faults
            .extend(faults.map(|(at, why)| at.map_or_else(|| whole(why), |at| SpecError::at(at, why))));
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut draft = SpecDraft::new();
        let file = Origin::in_file(&unit.path, None);
        draft.assign(Field::Name, self.name.stem(), file);
        fields::finish(&mut self);
        let command = self.command();
        x_section::finish(&mut self, command.as_ref().is_some_and(|command| command.behind_adapter));
        for value in self.values.into_iter().chain(self.own) {
            draft.assign(value.field, value.value, value.origin);
        }
        if let Some(SpecCommand { words, variables, argv0, .. }) = command {
            if let Some((name, origin)) = argv0 {
                draft.assign(Field::Argv0, name, origin);
            }
            if let Some(origin) = variables {
                draft.assign(Field::ExpandVariables, "yes", origin);
            }
            draft.command(words);
        }
        draft.native(Native { systemd: Some(unmapped::native(&self.unmapped)), launchd: Vec::new() });
        Ok(ParsedUnit { draft, unmapped: self.unmapped, warnings: self.warnings })
    }

    /// The command of the spec. `None` if there are several: running only one of them would change the meaning.
    fn command(&mut self) -> Option<SpecCommand> {
        let started = std::mem::take(&mut self.started);
        if self.start.len() != 1 || self.checks.unknown_start {
            let several =
                UnmappedReason::Unusable("svcadapt runs one command, and the unit has several".into());
            self.unmapped
                .extend(started.into_iter().map(|line| Unmapped { reason: several.clone(), ..line }));
            return None;
        }
        let (command, line) = (self.start.pop()?, started.into_iter().next_back()?);
        if command.prefixes.contains('|') {
            let reason = UnmappedReason::Unusable("the prefix '|' needs the user's login shell".into());
            self.unmapped.push(Unmapped { reason, ..line });
            return None;
        }
        // Only systemd can expand a variable in argv[0].
        let name = command.argv.first().filter(|_| command.prefixes.contains('@'));
        let name =
            name.and_then(|name| if command.has_variables() { literal(name) } else { Some(name.clone()) });
        let supported = |sign: &char| *sign == ':' || *sign == '@' && name.is_some();
        let missing: String = command.prefixes.chars().filter(|sign| !supported(sign)).collect();
        if !missing.is_empty() {
            let reason = UnmappedReason::Partly(format!("the prefix '{missing}'"));
            self.unmapped.push(Unmapped { reason, ..line.clone() });
        }
        if let Some(words) = x_section::unwrap_command(self, &command, &line.origin) {
            return Some(SpecCommand { words, variables: None, argv0: None, behind_adapter: true });
        }
        let is_set = self.own.iter().any(|value| value.field == Field::ExpandVariables);
        let arguments = &command.argv[1..];
        let has_name = self.own.iter().any(|value| value.field == Field::Argv0);
        let argv0 = name.filter(|_| !has_name).map(|name| (name, line.origin.clone()));
        let mut program = SpecCommand {
            words: vec![command.program.clone()],
            variables: None,
            argv0,
            behind_adapter: false,
        };
        if !command.has_variables() || is_set {
            program.words.extend(arguments.iter().cloned());
        } else if let Some(plain) = arguments.iter().map(|word| literal(word)).collect::<Option<Vec<_>>>() {
            program.words.extend(plain);
        } else {
            program.words.extend(arguments.iter().cloned());
            program.variables = Some(line.origin);
        }
        Some(program)
    }
}

/// The command of the spec.
struct SpecCommand {
    words: Vec<OsString>,
    /// The origin of variables in the words, if there are any.
    variables: Option<Origin>,
    /// `argv[0]`, if it differs from the program.
    argv0: Option<(OsString, Origin)>,
    /// Whether the line started the program through svcadapt.
    behind_adapter: bool,
}

/// Whether the field is a directive of systemd in `[Service]`.
fn of_service(field: Field) -> bool {
    !matches!(
        field,
        Field::Name
            | Field::Description
            | Field::CleanEnvironment
            | Field::ExpandVariables
            | Field::Argv0
            | Field::PreventCore
            | Field::FilesPreserve
            | Field::Ready
            | Field::NotificationFd
            | Field::LaunchdActivation
    ) && !field.is_socket_field()
}
