//! Reads a unit with its drop-ins into a draft.

use svcadapt_spec::{FIELDS, Field, Native, Origin, SpecDraft, SpecError};

use super::lex::{MAX_ASSIGNMENTS, TOO_MANY};
use super::reader::UnitReader;
use super::site::Site;
use super::{UnitFile, UnitName, Unmapped, UnmappedReason, exec_fields, fields, life, unmapped, x_section};

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
            ("Unit" | "Service", _) if life::assign(self, site, section) => {}
            ("Service", Some(field)) if of_service(field) => {
                self.checks.note(section, site);
                fields::assign(self, site, field);
            }
            ("Service", Some(field)) if exec_fields::FIELDS.contains(&field) => {
                exec_fields::assign(self, site, field);
            }
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
        let command = exec_fields::finish(&mut self);
        x_section::finish(&mut self, command.as_ref().is_some_and(|command| command.behind_adapter));
        for value in self.values.into_iter().chain(self.own) {
            draft.assign(value.field, value.value, value.origin);
        }
        if let Some(exec_fields::SpecCommand { words, variables, argv0, .. }) = command {
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
            | Field::RemovePidFile
            | Field::Ready
            | Field::WatchdogProbe
            | Field::NotificationFd
            | Field::LogRotateSize
            | Field::LogRotateAge
            | Field::LogKeep
            | Field::LogCompress
            | Field::LogTimestamps
            | Field::ReopenSignal
            | Field::LaunchdActivation
            | Field::StartOnConnect
            | Field::IdleExit
            | Field::Condition
            | Field::Assert
            | Field::ExecPrefix
            | Field::StartLimitIntervalSec
            | Field::StartLimitBurst
    ) && !exec_fields::FIELDS.contains(&field)
        && !field.is_socket_field()
}
