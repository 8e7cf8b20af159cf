//! How the kernel treats the process of a service: what only Linux has.

use svcadapt_spec::{Field, Field as F, IoClass, ServiceSpec};

use super::{Capability, Privileges};

/// How well launchd can do the field. `None` for any field but those of the process.
pub(super) fn on_launchd(spec: &ServiceSpec, field: Field) -> Option<Capability> {
    Some(match field {
        F::IoSchedulingClass if spec.scheduling.io_class == Some(IoClass::Idle) => {
            Capability::approximated("LowPriorityIO lowers the priority, but is not the idle class")
        }
        F::IoSchedulingClass | F::IoSchedulingPriority => Capability::lost("macOS has no I/O priorities"),
        F::CpuSchedulingPolicy | F::CpuSchedulingPriority | F::CpuSchedulingResetOnFork => {
            Capability::lost("macOS has no scheduling policies of processes")
        }
        F::CpuAffinity => Capability::lost("macOS does not bind processes to processors"),
        F::TimerSlackNSec => Capability::lost("macOS has no timer slack"),
        F::Personality => Capability::lost("macOS has no personalities"),
        F::KeyringMode => Capability::lost("macOS has no keyrings of sessions"),
        F::SecureBits => Capability::lost("macOS has no secure bits"),
        F::CoredumpFilter => Capability::lost("macOS does not choose the parts of a core dump"),
        F::NumaPolicy | F::NumaMask => Capability::lost("macOS has no policies of memory"),
        // launchd does not ignore it in its jobs.
        F::IgnoreSigpipe if spec.process.ignore_sigpipe == Some(true) => {
            Capability::Adapter(Privileges::Service)
        }
        F::IgnoreSigpipe => Capability::Host,
        _ => return None,
    })
}
