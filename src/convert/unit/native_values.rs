//! The values of fields that a spec's native systemd lines contain.
//!
//! `RuntimeDirectory=web data:link` is kept verbatim because of its link. The writer must then not write the two
//! directories of the spec a second time: each read and write would add them once more.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::{Arity, FIELDS, Field, Native, ServiceSpec, values};

use super::{UnitFile, UnitName, exec_fields, read};

/// The values of a field that are in native lines already, each with its count.
pub(super) fn covered_by_native(spec: &ServiceSpec, field: Field) -> BTreeMap<OsString, usize> {
    let mut times = BTreeMap::new();
    // Native commands are no values of the field.
    let are_commands = exec_fields::FIELDS.contains(&field);
    if !are_commands && spec.native.has_directive(field.directive()) {
        for value in native_values(spec, field) {
            *times.entry(value).or_default() += 1;
        }
    }
    times
}

fn native_values(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    let head = "[Service]\nType=oneshot\nExecStop=/bin/true\nRemainAfterExit=yes\n";
    native_spec(spec, head, |name| name == field.directive())
        .map(|native| values(&native, field))
        .unwrap_or_default()
}

/// The native directives that contradict a field of the spec. systemd would use the directive, svcadapt the field.
pub(crate) fn contradictions(spec: &ServiceSpec) -> Vec<&'static str> {
    let start = spec.native.has_directive(Native::COMMAND);
    let head = if start { "[Service]\n" } else { "[Service]\nExecStart=/bin/true\n" };
    let native = native_spec(spec, head, |_| true);
    let native_value = |field: Field| native.as_ref().map(|native| values(native, field)).unwrap_or_default();
    let fields =
        FIELDS.iter().filter(|row| row.arity == Arity::One && spec.native.has_directive(row.directive));
    let fields = fields.filter(|row| {
        let own = values(spec, row.field);
        !own.is_empty() && own != native_value(row.field)
    });
    let command = start && !spec.command.is_native();
    let other = native.as_ref().is_none_or(|native| native.command != spec.command);
    let command = (command && other).then_some(Native::COMMAND);
    command.into_iter().chain(fields.map(|row| row.directive)).collect()
}

/// The spec of the native lines with these names alone; `None` if they are not a valid unit.
fn native_spec(spec: &ServiceSpec, head: &str, which: impl Fn(&str) -> bool) -> Option<ServiceSpec> {
    let mut text = head.to_owned();
    for line in spec.native.systemd.iter().flatten() {
        if line.section() == "Service" && which(line.name()) {
            text.extend([line.name(), "=", line.value(), "\n"]);
        }
    }
    let name = spec.name.as_ref().and_then(|name| UnitName::parse(&format!("{name}.service")));
    let name = name.or_else(|| UnitName::parse("nameless.service"))?;
    let file = UnitFile::parse(Path::new("kept"), text.as_bytes()).ok()?;
    read(&name, &file, &[]).ok()?.draft.finish_native().ok()
}
