//! The capabilities of OpenRC (openrc-run(8), supervise-daemon(8)).
//!
//! supervise-daemon starts a program again after every end, also one with status 0, and has no option against it. So
//! it gets a service that asks for exactly this, and of which no process has to stay. Any other service is the adapter's:
//! the script starts, stops and asks it, and a start returns when the service is ready.

use std::time::Duration;

use svcadapt_spec::{Field, Field as F, Restart, ServiceSpec, Timespan};

use super::{Capability, life, supervisor};

/// How well OpenRC can do a field that is set.
pub(super) fn capability(spec: &ServiceSpec, field: Field) -> Capability {
    let supervised = is_supervised(spec);
    match field {
        F::Description => Capability::Host,
        F::NotificationFd => Capability::lost("OpenRC takes no notifications of svcadapt"),
        F::Name
        | F::Type
        | F::Restart
        | F::RestartSec
        | F::StartLimitIntervalSec
        | F::StartLimitBurst
        | F::TimeoutStartSec
        | F::KillSignal
            if supervised =>
        {
            Capability::Host
        }
        F::RemainAfterExit if supervised && life::is_default(spec, field) => Capability::Host,
        _ => life::by_adapter_alone(spec, field),
    }
}

/// Whether supervise-daemon has the service.
pub(crate) fn is_supervised(spec: &ServiceSpec) -> bool {
    let whole_delay = spec.restart_delay.is_none_or(|delay| whole_seconds(delay).is_some());
    let by_script = spec.reload_signal.is_some() || spec.timeout_stop.is_some();
    let is_hosts = |field| matches!(field, F::StartLimitIntervalSec | F::StartLimitBurst);
    spec.restart == Some(Restart::Always)
        && whole_delay
        && !by_script
        && (!limits_starts(spec) || start_limit(spec).is_some())
        && !supervisor::asks_for_a_process(spec, is_hosts)
}

fn limits_starts(spec: &ServiceSpec) -> bool {
    spec.restarts.limit_interval.is_some() || spec.restarts.limit_burst.is_some()
}

/// The values of `respawn_max` and `respawn_period`, in seconds. `None`: the spec has no limit of starts, or OpenRC cannot
/// express it. systemd counts starts and supervise-daemon restarts, for which 0 means no limit; a value that is not set
/// is systemd's (systemd-system.conf(5)).
pub(crate) fn start_limit(spec: &ServiceSpec) -> Option<(u32, u64)> {
    const INTERVAL: Timespan = Timespan::Finite(Duration::from_secs(10));
    const BURST: u32 = 5;
    if !limits_starts(spec) {
        return None;
    }
    if life::is_default(spec, F::StartLimitIntervalSec) || spec.restarts.limit_burst == Some(0) {
        return Some((0, 1));
    }
    let period =
        whole_seconds(spec.restarts.limit_interval.unwrap_or(INTERVAL)).filter(|period| *period > 0)?;
    let restarts =
        spec.restarts.limit_burst.unwrap_or(BURST).checked_sub(1).filter(|restarts| *restarts > 0)?;
    Some((restarts, period))
}

fn whole_seconds(span: Timespan) -> Option<u64> {
    // supervise-daemon reads an int.
    let span = span.finite().filter(|span| span.subsec_nanos() == 0)?;
    Some(span.as_secs()).filter(|seconds| i32::try_from(*seconds).is_ok())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;

    fn spec(values: &[(Field, &str)]) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        draft.finish().unwrap()
    }

    #[test]
    fn supervise_daemon_gets_only_what_it_does_exactly() {
        let always = (F::Restart, "always");
        for (values, supervised) in [
            (&[always][..], true),
            (&[], false),
            (&[(F::Restart, "on-failure")], false),
            (&[always, (F::User, "www"), (F::Environment, "A=b")], true),
            (&[always, (F::RestartSec, "5")], true),
            (&[always, (F::RestartSec, "100ms")], false),
            (&[always, (F::Ready, "tcp:80")], false),
            (&[always, (F::ExecStop, "/bin/a")], false),
            (&[always, (F::TimeoutStopSec, "5")], false),
            (&[always, (F::PidFile, "/run/a.pid")], false),
            (&[always, (F::StartLimitBurst, "1")], false),
            (&[always, (F::StartLimitBurst, "2")], true),
        ] {
            assert_eq!(is_supervised(&spec(values)), supervised, "{values:?}");
        }
    }

    #[test]
    fn limit_of_starts_becomes_one_of_restarts() {
        for (values, limit) in [
            (&[][..], None),
            (&[(F::StartLimitBurst, "3")], Some((2, 10))),
            (&[(F::StartLimitIntervalSec, "1min")], Some((4, 60))),
            (&[(F::StartLimitIntervalSec, "0"), (F::StartLimitBurst, "3")], Some((0, 1))),
            (&[(F::StartLimitBurst, "0")], Some((0, 1))),
            (&[(F::StartLimitIntervalSec, "1500ms")], None),
        ] {
            assert_eq!(start_limit(&spec(values)), limit, "{values:?}");
        }
    }
}
