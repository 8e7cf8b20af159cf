//! Writes `[X-Svcadapt]`: the fields that systemd has no directive for.

use svcadapt_spec::{FIELDS, Field, Input, Output, Resource, ServiceType, literal, values};

use super::{UnitWriter, X_SECTION};
use crate::unit::quote;

impl UnitWriter<'_> {
    /// Writes the fields that are set and not in systemd's sections.
    pub(super) fn x_section(&mut self) {
        let set = FIELDS.iter().map(|row| row.field).filter(|field| !values(self.spec, *field).is_empty());
        let own: Vec<Field> = set.filter(|field| !self.is_in_systemd_section(*field)).collect();
        let part = [Field::Condition, Field::Assert].into_iter().filter(|field| !own.contains(field));
        let part = part.map(|field| (field, self.unknown_conditions(field)));
        let part: Vec<_> = part.filter(|(_, conditions)| !conditions.is_empty()).collect();
        if own.is_empty() && part.is_empty() {
            return;
        }
        self.section(X_SECTION);
        for field in own {
            self.lines(field, |value| Ok(quote::x_section(value)));
        }
        for (field, conditions) in part {
            for condition in conditions {
                self.put(field.directive(), &quote::x_section(&condition.to_value()));
            }
        }
    }

    fn is_in_systemd_section(&self, field: Field) -> bool {
        match field {
            Field::Name => true,
            Field::CleanEnvironment
            | Field::PreventCore
            | Field::LaunchdActivation
            | Field::StartOnConnect
            | Field::IdleExit => false,
            Field::Type => self.division.host.contains(&field) && self.spec.service_type == self.kind(),
            Field::ReloadSignal => self.kind() == Some(ServiceType::NotifyReload),
            Field::ExpandVariables => {
                let arguments = &self.spec.command.arguments;
                self.division.host.contains(&field) && arguments.iter().any(|word| literal(word).is_none())
            }
            // Without a field systemd gets the same line.
            Field::IgnoreSigpipe if self.spec.process.ignore_sigpipe == Some(false) => false,
            Field::Limit(Resource::Core) if self.spec.prevent_core => false,
            Field::StandardInput => self.spec.standard_input != Some(Input::Inherit),
            Field::StandardOutput => self.host_file(field, self.spec.standard_output.as_ref()),
            Field::StandardError => self.host_file(field, self.spec.standard_error.as_ref()),
            _ => self.division.host.contains(&field),
        }
    }

    fn host_file(&self, field: Field, output: Option<&Output>) -> bool {
        self.division.host.contains(&field) && !super::is_inherited(output)
    }
}
