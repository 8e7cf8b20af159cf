//! The capabilities of s6 (s6-supervise(8), "servicedir").

use svcadapt_spec::{Field, Field as F, Probe, Restart, ServiceSpec, SignalName, Timespan};

use super::{Capability, Division, Loss, LossKind, supervisor};

/// How well s6-supervise can do a field that is set.
pub(super) fn capability(spec: &ServiceSpec, field: Field) -> Capability {
    let stays = stays(spec);
    match field {
        _ if !stays && is_hosts(spec, field) => Capability::Host,
        F::TimeoutStopSec if !stays => Capability::Host,
        // It is the adapter that reports there.
        F::NotificationFd if !stays => Capability::lost("there is no --ready that could be reported"),
        _ => supervisor::capability(spec, field, stays),
    }
}

/// Adds the loss of s6's own restart: the end that it causes may be a final one.
pub(super) fn add_restart_loss(spec: &ServiceSpec, division: &mut Division) {
    let how = match spec.restart {
        Some(_) if division.adapter.contains(&F::Restart) => {
            "s6-svc -r leaves the service down; svcadapt restart restarts it"
        }
        None | Some(Restart::Always) => return,
        Some(_) => {
            "s6-svc -r leaves the service down after an end that is final; s6-svc -d and then -u restart it"
        }
    };
    division.losses.push(Loss::of(F::Restart, LossKind::Approximated(how.into())));
}

/// Whether a field beyond those of every supervisor is one of s6: `notification-fd`, `down-signal`, `timeout-kill`.
fn is_hosts(spec: &ServiceSpec, field: Field) -> bool {
    match field {
        F::Ready => is_heard_by_s6(spec),
        F::KillSignal => matches!(spec.kill_signal, Some(SignalName::Named(_))),
        F::TimeoutStopSec => s6_kill_timeout(spec).is_some(),
        _ => false,
    }
}

fn stays(spec: &ServiceSpec) -> bool {
    supervisor::stays(spec, |field| is_hosts(spec, field))
}

/// Whether the program itself reports its readiness as s6 hears it, and nothing else is waited for.
fn is_heard_by_s6(spec: &ServiceSpec) -> bool {
    matches!(spec.ready[..], [Probe::Fd(_)])
        && supervisor::starts_by_exec(spec)
        && spec.timeout_start.is_none()
        && spec.notification_fd.is_none()
}

/// The value of `timeout-kill`, in milliseconds. `None`: there is no limit, or s6 cannot express it; 0 means no limit.
pub(crate) fn s6_kill_timeout(spec: &ServiceSpec) -> Option<u32> {
    let limit = spec.timeout_stop.and_then(Timespan::finite)?;
    let whole = limit.subsec_nanos() % 1_000_000 == 0;
    u32::try_from(limit.as_millis()).ok().filter(|limit| whole && *limit > 0)
}

/// The descriptor on which s6 hears that the service is ready, unless the spec names one.
pub(crate) const NOTIFICATION_FD: i32 = 3;

/// Whether the adapter reports when the service is ready.
pub(crate) fn hears_the_adapter(spec: &ServiceSpec, division: &Division) -> bool {
    division.adapter_watches() || division.needs_adapter() && !supervisor::starts_by_exec(spec)
}
