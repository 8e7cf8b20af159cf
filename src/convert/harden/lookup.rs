//! What a spec says about a directive or a capability by its name.

use std::ffi::OsStr;

use svcadapt_spec::{Capabilities, Directive, ServiceSpec};

use crate::divide::is_off;

/// Capabilities by constant names.
pub(super) fn named(names: &str) -> Capabilities {
    Capabilities::parse(OsStr::new(names)).unwrap_or_default()
}

/// The last value of a directive of `[Service]` in the unit that was read. `None` if not set.
pub(super) fn last<'a>(spec: &'a ServiceSpec, name: &str) -> Option<&'a str> {
    let mut lines = spec.native.systemd.iter().flatten();
    lines.rfind(|line| line.section() == "Service" && line.name() == name).map(Directive::value)
}

/// Whether the unit that was read sets a directive to anything but a false boolean.
pub(super) fn is_on(spec: &ServiceSpec, name: &str) -> bool {
    last(spec, name).is_some_and(|value| !is_off(value))
}
