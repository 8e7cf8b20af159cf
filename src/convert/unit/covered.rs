//! What lines that only systemd understands say of a list, besides what only systemd understands.
//!
//! `RuntimeDirectory=web data:link` is kept as it stands for its link, and of a spec's two directories neither needs a
//! line of its own: said twice it would be there twice, and with every reading once more.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::{Arity, FIELDS, Field, Native, ServiceSpec, values};

use super::{UnitFile, UnitName, read};

/// The values of a field that its kept lines have, and how often.
pub(super) fn covered(spec: &ServiceSpec, field: Field) -> BTreeMap<OsString, usize> {
    let mut times = BTreeMap::new();
    if spec.native.has_directive(field.directive()) {
        for value in kept(spec, field) {
            *times.entry(value).or_default() += 1;
        }
    }
    times
}

fn kept(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    let head = "[Service]\nType=oneshot\nExecStop=/bin/true\nRemainAfterExit=yes\n";
    alone(spec, head, |name| name == field.directive()).map(|alone| values(&alone, field)).unwrap_or_default()
}

/// The directives that say something else than the spec's own fields do. systemd would have the last of the two, and
/// who runs the spec himself the other one.
pub(crate) fn contradictions(spec: &ServiceSpec) -> Vec<&'static str> {
    let start = spec.native.has_directive(Native::COMMAND);
    let head = if start { "[Service]\n" } else { "[Service]\nExecStart=/bin/true\n" };
    let alone = alone(spec, head, |_| true);
    let said = |field: Field| alone.as_ref().map(|alone| values(alone, field)).unwrap_or_default();
    let fields =
        FIELDS.iter().filter(|row| row.arity == Arity::One && spec.native.has_directive(row.directive));
    let fields = fields.filter(|row| {
        let own = values(spec, row.field);
        !own.is_empty() && own != said(row.field)
    });
    let command = start && !spec.command.is_native();
    let other = alone.as_ref().is_none_or(|alone| alone.command != spec.command);
    let command = (command && other).then_some(Native::COMMAND);
    command.into_iter().chain(fields.map(|row| row.directive)).collect()
}

/// What the kept lines of these names say by themselves; none where that is no unit.
fn alone(spec: &ServiceSpec, head: &str, which: impl Fn(&str) -> bool) -> Option<ServiceSpec> {
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
