//! How long a service may take to stop.

use svcadapt_spec::ServiceSpec;

/// The default stop timeout before SIGKILL: 30 seconds.
pub const DEFAULT_STOP_MICROS: u64 = 30_000_000;

/// The stop timeout in microseconds. `None` means no limit.
pub(super) fn stop_timeout(spec: &ServiceSpec) -> Option<u64> {
    match spec.timeout_stop {
        Some(span) => span.finite().map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        None => Some(DEFAULT_STOP_MICROS),
    }
}
