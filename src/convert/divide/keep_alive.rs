//! `KeepAlive` of launchd and `Restart=` of systemd: where they agree, and where they differ.
//!
//! A spec uses the words of systemd. A spec from a property list also keeps the key, for launchd's meaning: for launchd
//! only status 0 is a success, while for systemd an end by SIGHUP, SIGINT, SIGTERM or SIGPIPE is also clean
//! (systemd.service(5), `SuccessExitStatus=`).

use svcadapt_spec::{NativeValue, Restart, ServiceSpec, SignalName};

/// The key.
const KEEP_ALIVE: &str = "KeepAlive";

/// The signals whose end is clean for systemd and a failure for launchd.
const CLEAN_SIGNALS: [&str; 4] = ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"];

/// The restart policy of a value of `KeepAlive`. `None` if no policy matches. Its conditions are alternatives: each is
/// enough alone.
pub fn keep_alive(value: &NativeValue) -> Option<Restart> {
    match value {
        NativeValue::Boolean(true) => Some(Restart::Always),
        NativeValue::Boolean(false) => Some(Restart::No),
        NativeValue::Dict(conditions) => {
            let entries: Vec<_> = conditions.iter().map(|(key, value)| (key.as_str(), value)).collect();
            match entries[..] {
                [("SuccessfulExit", NativeValue::Boolean(true))] => Some(Restart::OnSuccess),
                // A crash is also no success.
                [("SuccessfulExit", NativeValue::Boolean(false))]
                | [
                    ("SuccessfulExit", NativeValue::Boolean(false)),
                    ("Crashed", NativeValue::Boolean(true)),
                ]
                | [
                    ("Crashed", NativeValue::Boolean(true)),
                    ("SuccessfulExit", NativeValue::Boolean(false)),
                ] => Some(Restart::OnFailure),
                [("Crashed", NativeValue::Boolean(true))] => Some(Restart::OnAbort),
                _ => None,
            }
        }
        NativeValue::Integer(_) | NativeValue::String(_) | NativeValue::Array(_) => None,
    }
}

/// Whether a value of `KeepAlive` starts the job at once: a condition on the end of the job does, because the job must
/// have run. Other conditions start it when they hold (launchd.plist(5)).
pub fn starts_at_once(value: &NativeValue) -> bool {
    match value {
        NativeValue::Dict(conditions) => {
            let has = |name: &str| conditions.iter().any(|(key, _)| key == name);
            let waits = |(key, value): &(String, NativeValue)| {
                key == "AfterInitialDemand" && *value == NativeValue::Boolean(true)
            };
            (has("SuccessfulExit") || has("Crashed")) && !conditions.iter().any(waits)
        }
        value => *value == NativeValue::Boolean(true),
    }
}

/// Whether launchd starts the job only on demand.
pub fn is_on_demand(spec: &ServiceSpec) -> bool {
    spec.native.key("RunAtLoad") == Some(&NativeValue::Boolean(false))
        && !spec.native.key(KEEP_ALIVE).is_some_and(starts_at_once)
}

/// Whether the spec's restart policy comes from its `KeepAlive`, so that launchd's meaning applies.
pub(super) fn comes_from_keep_alive(spec: &ServiceSpec) -> bool {
    spec.native
        .key(KEEP_ALIVE)
        .is_some_and(|value| keep_alive(value).is_some_and(|is| spec.restart == Some(is)))
}

/// The directive of `[Service]` that gives `Restart=` the meaning of launchd. `None` if the meaning is the same, or if it
/// is not wanted.
pub fn clean_signals_directive(spec: &ServiceSpec) -> Option<(&'static str, String)> {
    let directive = directive(spec.restart).filter(|_| comes_from_keep_alive(spec))?;
    Some((directive, CLEAN_SIGNALS.join(" ")))
}

/// Whether the restarts must not be limited: the policy comes from launchd, which has no limit, unlike systemd.
pub fn restarts_without_limit(spec: &ServiceSpec) -> bool {
    comes_from_keep_alive(spec)
}

/// The directive that gives an end by one of these signals the meaning of launchd.
fn directive(restart: Option<Restart>) -> Option<&'static str> {
    match restart {
        Some(Restart::OnFailure) => Some("RestartForceExitStatus"),
        Some(Restart::OnSuccess) => Some("RestartPreventExitStatus"),
        _ => None,
    }
}

/// Whether the spec itself gives these signals the meaning of launchd.
pub(super) fn has_clean_signals(spec: &ServiceSpec) -> bool {
    let set = match spec.restart {
        Some(Restart::OnFailure) => &spec.restarts.force,
        Some(Restart::OnSuccess) => &spec.restarts.prevent,
        _ => return false,
    };
    let clean = |signal: &SignalName| CLEAN_SIGNALS.contains(&signal.to_string().as_str());
    set.statuses.is_empty() && set.signals.len() == CLEAN_SIGNALS.len() && set.signals.iter().all(clean)
}
