//! The control group of a service: systemd has one for each, elsewhere the adapter makes one where the kernel lets it.

use svcadapt_spec::{CpuWeight, Field, Field as F, ServiceSpec};

use super::Capability::Host;
use super::{Capability, Privileges, Systemd};

/// Whether the field is a limit or a share of the control group.
pub fn is_resource(field: Field) -> bool {
    matches!(
        field,
        F::TasksMax
            | F::MemoryMin
            | F::MemoryLow
            | F::MemoryHigh
            | F::MemoryMax
            | F::MemorySwapMax
            | F::CpuWeight
            | F::CpuQuota
            | F::AllowedCpus
            | F::AllowedMemoryNodes
            | F::IoWeight
    )
}

/// How well a start without a manager can do the field. `None` for any field but those of the control group.
pub(super) fn in_classic(field: Field) -> Option<Capability> {
    is_resource(field).then_some(Capability::Adapter(Privileges::Root))
}

/// How well launchd can do the field. `None` for any field but those of the control group.
pub(super) fn on_launchd(field: Field) -> Option<Capability> {
    is_resource(field).then(|| Capability::lost("macOS has no control groups"))
}

/// How well systemd can do the field. `None` for any field whose directive decides.
pub(super) fn on_systemd(spec: &ServiceSpec, field: Field, host: Systemd) -> Option<Capability> {
    // systemd.resource-control(5), `CPUWeight=`.
    const IDLE: u16 = 252;
    let idle = spec.resources.cpu_weight == Some(CpuWeight::Idle);
    match field {
        F::CpuWeight if idle && host.version.has(IDLE) => Some(Host),
        F::CpuWeight if idle => Some(Capability::lost("systemd before 252 does not know 'idle' there")),
        _ => None,
    }
}
