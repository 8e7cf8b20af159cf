//! The capabilities of an init script: a place in the order of the boot. The adapter makes the program a daemon, and is
//! asked for everything else by its name.

use svcadapt_spec::{Field, Field as F, ServiceSpec};

use super::{Capability, life};

/// How well an init script can do a field that is set.
pub(super) fn capability(spec: &ServiceSpec, field: Field) -> Capability {
    match field {
        F::Description => Capability::Host,
        F::NotificationFd => Capability::lost("no process takes notifications from an init script"),
        _ => life::by_adapter_alone(spec, field),
    }
}
