//! How long a job may take to stop: `ExitTimeOut`, in whole seconds.
//!
//! An adapter that stays kills a program whose time is over; launchd, which kills the adapter alone, has to come later.

use std::time::Duration;

use svcadapt_spec::Timespan;

use super::write::whole_seconds;

/// How long a job may take to stop where the spec does not say. launchd's own default has moved between 5 and 20
/// seconds, so it is always written.
const UNSAID: u64 = 30;

/// How long a unit has where it does not say (systemd-system.conf(5), `DefaultTimeoutStopSec=`).
pub(super) const OF_SYSTEMD: Timespan = Timespan::Finite(Duration::from_secs(90));

/// What an adapter that stays needs beyond that, to kill the program and to see it end.
const LONGER: u64 = 5;

/// What is written for a spec.
pub(super) fn written(said: Option<Timespan>, adapter_stays: bool) -> u64 {
    let longer = if adapter_stays { LONGER } else { 0 };
    match said {
        // 0 is launchd's word for ever.
        Some(Timespan::Infinity) => 0,
        Some(Timespan::Finite(span)) => whole_seconds(span).saturating_add(longer),
        None => UNSAID + longer,
    }
}

/// Whether it says no more than that an adapter stays, of which nobody has said how long the program has.
pub(super) fn is_unsaid_by_adapter(seconds: i128) -> bool {
    seconds == i128::from(UNSAID + LONGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_whole_seconds_and_longer_where_an_adapter_stays() {
        let said = |millis| Some(Timespan::Finite(Duration::from_millis(millis)));
        assert_eq!(written(said(90_000), false), 90);
        assert_eq!(written(said(1500), false), 2);
        assert_eq!(written(said(1500), true), 7);
        assert_eq!(written(Some(Timespan::Infinity), true), 0);
        assert_eq!(written(None, false), 30);
        assert!(is_unsaid_by_adapter(written(None, true).into()));
    }
}
