//! The directives of the process: its scheduling (systemd.exec(5), "Scheduling").

use svcadapt_spec::{Field, Field as F, boolean};

use super::reader::UnitReader;
use super::site::Site;
use super::value::{discard_unmapped, put, resolved};
use super::{Unmapped, UnmappedReason};

const NUMA: &str = "numa";

/// Lists of processors add up. A spec has neither those of `NUMAMask=` nor a mask in hexadecimal.
pub(super) fn affinity(reader: &mut UnitReader, site: &Site) {
    let text = site.line.value.as_str();
    if text == NUMA {
        reader.forget(F::CpuAffinity);
        return reader.keep(site, UnmappedReason::NoField);
    }
    if text.starts_with("0x") {
        return reader.keep(site, UnmappedReason::NoField);
    }
    let is_numa = |line: &Unmapped| line.directive == site.line.key && line.value == NUMA;
    reader.unmapped.retain(|line| !is_numa(line));
    put(reader, site, F::CpuAffinity, text.into());
}

/// What is off is what a spec without the field means, and what systemd does not: the line stays as it is.
pub(super) fn ignore_sigpipe(reader: &mut UnitReader, site: &Site) {
    let ignored = boolean(&site.line.value);
    if ignored.is_some() {
        reader.forget(F::IgnoreSigpipe);
        discard_unmapped(reader, site);
    }
    if ignored == Some(false) {
        return reader.keep(site, UnmappedReason::NoField);
    }
    put(reader, site, F::IgnoreSigpipe, site.line.value.clone().into());
}

/// Specifiers are replaced in the name of a credential, but not in its data.
pub(super) fn credential(reader: &mut UnitReader, site: &Site) {
    let text = site.line.value.as_str();
    let (name, data) = text.split_once(':').map_or((text, None), |(name, data)| (name, Some(data)));
    let Some(mut value) = resolved(reader, site, name.as_bytes()) else { return };
    if let Some(data) = data {
        value.push(":");
        value.push(data);
    }
    put(reader, site, F::SetCredential, value);
}

/// An empty class or policy also resets the priority, and an empty priority the class.
pub(super) fn empty(reader: &mut UnitReader, site: &Site, field: Field) {
    match field {
        F::IoSchedulingClass | F::IoSchedulingPriority => {
            reader.forget(F::IoSchedulingClass);
            reader.forget(F::IoSchedulingPriority);
        }
        F::CpuSchedulingPolicy => {
            reader.forget(F::CpuSchedulingPolicy);
            reader.forget(F::CpuSchedulingPriority);
        }
        _ => reader.warn(site, "systemd ignores an empty value here"),
    }
}
