//! `[X-Svcadapt]`: what systemd has no word for.

use svcadapt_spec::{FIELDS, Field, Input, Output, Resource, ServiceType, literal, values};

use super::{OWN, Unit};
use crate::unit::quote;

impl Unit<'_> {
    /// What was said and does not stand in systemd's own sections.
    pub(super) fn own(&mut self) {
        let said = FIELDS.iter().map(|row| row.field).filter(|field| !values(self.spec, *field).is_empty());
        let own: Vec<Field> = said.filter(|field| !self.stands_above(*field)).collect();
        if own.is_empty() {
            return;
        }
        self.section(OWN);
        for field in own {
            self.lines(field, |value| Ok(quote::own(value)));
        }
    }

    fn stands_above(&self, field: Field) -> bool {
        match field {
            Field::Name => true,
            Field::CleanEnvironment | Field::PreventCore | Field::LaunchdActivation => false,
            Field::Type => self.division.host.contains(&field) && self.spec.service_type == self.kind(),
            Field::ReloadSignal => self.kind() == Some(ServiceType::NotifyReload),
            Field::ExpandVariables => {
                let arguments = &self.spec.command.arguments;
                self.division.host.contains(&field) && arguments.iter().any(|word| literal(word).is_none())
            }
            Field::Limit(Resource::Core) if self.spec.prevent_core => false,
            Field::StandardInput => self.spec.standard_input != Some(Input::Inherit),
            Field::StandardOutput => self.host_file(field, self.spec.standard_output.as_ref()),
            Field::StandardError => self.host_file(field, self.spec.standard_error.as_ref()),
            _ => self.division.host.contains(&field),
        }
    }

    fn host_file(&self, field: Field, output: Option<&Output>) -> bool {
        self.division.host.contains(&field) && !super::is_starters(output)
    }
}
