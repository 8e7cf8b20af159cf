//! The capabilities of runit (runsv(8), sv(8)).

use svcadapt_spec::{Field, Field as F, ServiceSpec};

use super::{Capability, supervisor};

/// How well runsv can do a field that is set.
pub(super) fn capability(spec: &ServiceSpec, field: Field) -> Capability {
    match field {
        F::NotificationFd => Capability::lost("runsv takes no notifications"),
        // runsv waits without a limit; sv(8) kills only when it is asked to.
        F::TimeoutStopSec if !stays(spec) => Capability::Host,
        _ => supervisor::capability(spec, field, stays(spec)),
    }
}

fn stays(spec: &ServiceSpec) -> bool {
    supervisor::stays(spec, |_| false)
}
