//! The directives of the process: its scheduling (systemd.exec(5), "Scheduling").

use svcadapt_spec::{Field, Field as F};

use super::fields::put;
use super::reader::UnitReader;
use super::site::Site;
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
