//! The readiness of a unit with `Type=dbus` (systemd.service(5), `BusName=`).

use std::ffi::OsString;

use svcadapt_spec::{Field, Probe};

use super::reader::{UnitReader, UnitValue};
use super::{Unmapped, UnmappedReason};

/// `Type=dbus`, which `BusName=` without a `Type=` means too, is a probe outside of systemd.
pub(super) fn probe(reader: &mut UnitReader, kind: Option<&UnitValue>) {
    if kind.is_some_and(|kind| kind.written != "dbus") {
        return;
    }
    let of = |line: &Unmapped, directive: &str| line.section == "Service" && line.directive == directive;
    let Some(name) = reader.unmapped.iter().rev().find(|line| of(line, "BusName")).cloned() else { return };
    let value = OsString::from(format!("dbus:{}", name.value));
    // A name with a specifier is not resolved here.
    if Probe::parse(&value).is_err() {
        return;
    }
    for line in &mut reader.unmapped {
        if of(line, "BusName") || of(line, "Type") {
            line.reason = UnmappedReason::Elsewhere;
        }
    }
    reader.values.push(UnitValue { field: Field::Ready, value, origin: name.origin, written: name.value });
}
