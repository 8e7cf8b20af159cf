//! What lines that only systemd understands say of a list, besides what only systemd understands.
//!
//! `RuntimeDirectory=web data:link` is kept as it stands for its link, and of a spec's two directories neither needs a
//! line of its own: said twice it would be there twice, and with every reading once more.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::spec::Field;
use crate::spec::ServiceSpec;
use crate::target::values;

use super::UnitFile;
use super::UnitName;
use super::read;

/// The values of a field that its kept lines have, and how often.
pub(super) fn covered(spec: &ServiceSpec, field: Field) -> BTreeMap<OsString, usize> {
    let mut times = BTreeMap::new();
    if spec.native.says(field.directive()) {
        for value in kept(spec, field) {
            *times.entry(value).or_default() += 1;
        }
    }
    times
}

fn kept(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    let mut text = String::from("[Service]\nType=oneshot\nExecStop=/bin/true\nRemainAfterExit=yes\n");
    for line in spec.native.systemd.iter().flatten() {
        if line.section() == "Service" && line.name() == field.directive() {
            text.extend([line.name(), "=", line.value(), "\n"]);
        }
    }
    let name = spec.name.as_ref().and_then(|name| UnitName::parse(&format!("{name}.service")));
    let name = name.or_else(|| UnitName::parse("nameless.service"));
    let alone = name.and_then(|name| {
        let file = UnitFile::parse(Path::new("kept"), text.as_bytes()).ok()?;
        read(&name, &file, &[]).ok()?.draft.finish_natively().ok()
    });
    alone.map(|alone| values(&alone, field)).unwrap_or_default()
}
