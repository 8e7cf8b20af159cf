//! Writes `[Unit]`: the description, the conditions and the limit of starts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::{Condition, Field};

use super::UnitWriter;
use crate::divide::{Place, knows_condition, restarts_without_limit, section};
use crate::unit::quote;
use crate::unit::write_socket::required_socket_unit;

impl UnitWriter<'_> {
    /// Writes the section, unless it is empty.
    pub(super) fn about(&mut self) {
        let (described, fields): (Vec<Field>, Vec<Field>) = self
            .division
            .host
            .iter()
            .copied()
            .filter(|field| section(*field) == "Unit")
            .partition(|field| *field == Field::Description);
        let socket = required_socket_unit(self.spec);
        let patient = restarts_without_limit(self.spec) && self.spec.restarts.limit_interval.is_none();
        let is_empty = described.is_empty() && fields.is_empty() && socket.is_none() && !patient;
        if !is_empty || !self.natives("Unit").is_empty() {
            self.section("Unit");
            for field in described {
                self.field(field);
            }
            if let Some(socket) = &socket {
                self.put("Requires", socket);
            }
            if patient {
                self.put("StartLimitIntervalSec", "0");
            }
            for field in fields {
                self.field(field);
            }
            self.native("Unit");
        }
    }

    /// Writes the conditions that this systemd knows.
    pub(super) fn conditions(&mut self, field: Field, all: &[Condition]) {
        let prefix = field.directive();
        let (spec, host) = (self.spec, self.host);
        for condition in all.iter().filter(|one| knows_condition(spec, prefix, one, host)) {
            let value = condition.to_value();
            let (kind, value) = (condition.kind.name(), &value.as_bytes()[condition.kind.name().len() + 1..]);
            match quote::raw(OsStr::from_bytes(value)) {
                Ok(text) => self.put(&format!("{prefix}{kind}"), &text),
                Err(error) => {
                    self.errors.push(error.in_value(Place::Field(field), &condition.to_value()));
                }
            }
        }
    }

    /// The conditions of a field that this systemd does not know.
    pub(super) fn unknown_conditions(&self, field: Field) -> Vec<Condition> {
        let all = match field {
            Field::Condition => &self.spec.conditions,
            Field::Assert => &self.spec.assertions,
            _ => return Vec::new(),
        };
        let unknown = |one: &&Condition| !knows_condition(self.spec, field.directive(), one, self.host);
        all.iter().filter(unknown).cloned().collect()
    }
}
