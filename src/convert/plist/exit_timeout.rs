//! `ExitTimeOut`: the timeout for the stop of a job, in whole seconds.
//!
//! An adapter that stays kills the program after the timeout. launchd would kill only the adapter, so its own timeout
//! must be longer.

use std::time::Duration;

use svcadapt_spec::Timespan;

/// The timeout if the spec sets none. It is always written, because launchd's default has changed between 5 and 20
/// seconds.
const DEFAULT_SECONDS: u64 = 30;

/// systemd's default (systemd-system.conf(5), `DefaultTimeoutStopSec=`).
pub(super) const SYSTEMD_DEFAULT: Timespan = Timespan::Finite(Duration::from_secs(90));

/// The time that an adapter needs after the timeout to kill the program and to wait for its end.
const ADAPTER_EXTRA_SECONDS: u64 = 5;

/// The value of `ExitTimeOut` for the timeout of a spec.
pub(super) fn exit_timeout(timeout: Option<Timespan>, adapter_stays: bool) -> u64 {
    let extra = if adapter_stays { ADAPTER_EXTRA_SECONDS } else { 0 };
    match timeout {
        // 0 disables launchd's timeout.
        Some(Timespan::Infinity) => 0,
        Some(Timespan::Finite(span)) => whole_seconds(span).saturating_add(extra),
        None => DEFAULT_SECONDS + extra,
    }
}

/// Whether the value is the default for an adapter that stays, so that the spec sets no timeout.
pub(super) fn is_adapter_default(seconds: i128) -> bool {
    seconds == i128::from(DEFAULT_SECONDS + ADAPTER_EXTRA_SECONDS)
}

/// The number of seconds, rounded up.
pub(super) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_timeout_is_in_whole_seconds_and_longer_with_an_adapter() {
        let timeout = |millis| Some(Timespan::Finite(Duration::from_millis(millis)));
        assert_eq!(exit_timeout(timeout(90_000), false), 90);
        assert_eq!(exit_timeout(timeout(1500), false), 2);
        assert_eq!(exit_timeout(timeout(1500), true), 7);
        assert_eq!(exit_timeout(Some(Timespan::Infinity), true), 0);
        assert_eq!(exit_timeout(None, false), 30);
        assert!(is_adapter_default(exit_timeout(None, true).into()));
    }
}
