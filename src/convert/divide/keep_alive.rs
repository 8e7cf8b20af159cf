//! `KeepAlive` of launchd and `Restart=` of systemd: where the two mean the same, and where only nearly.
//!
//! A spec has systemd's words for it. One that comes from a property list keeps the key besides, for launchd's own
//! meaning: that to it only status 0 is a success, while systemd takes an end by SIGHUP, SIGINT, SIGTERM or SIGPIPE for
//! a clean one, too (systemd.service(5), `SuccessExitStatus=`).

use svcadapt_spec::{NativeValue, Restart, ServiceSpec};

/// The key.
const KEEP_ALIVE: &str = "KeepAlive";

/// The ends that are clean to systemd and none to launchd.
const CLEAN_SIGNALS: [&str; 4] = ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"];

/// The restart policy that a value of `KeepAlive` is, if it is one. Its conditions are alternatives: each alone is
/// enough.
pub fn keep_alive(value: &NativeValue) -> Option<Restart> {
    match value {
        NativeValue::Boolean(true) => Some(Restart::Always),
        NativeValue::Boolean(false) => Some(Restart::No),
        NativeValue::Dict(conditions) => {
            let said: Vec<_> = conditions.iter().map(|(key, value)| (key.as_str(), value)).collect();
            match said[..] {
                [("SuccessfulExit", NativeValue::Boolean(true))] => Some(Restart::OnSuccess),
                // What crashed did not succeed.
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

/// Whether a value of `KeepAlive` starts the job at once, as only what has run can have ended. Of conditions that are
/// about something else each starts it when it holds (launchd.plist(5)).
pub fn starts_at_once(value: &NativeValue) -> bool {
    match value {
        NativeValue::Dict(conditions) => {
            let says = |name: &str| conditions.iter().any(|(key, _)| key == name);
            let waits = |(key, value): &(String, NativeValue)| {
                key == "AfterInitialDemand" && *value == NativeValue::Boolean(true)
            };
            (says("SuccessfulExit") || says("Crashed")) && !conditions.iter().any(waits)
        }
        value => *value == NativeValue::Boolean(true),
    }
}

/// Whether a job of launchd's is started only when something asks for it.
pub fn is_on_demand(spec: &ServiceSpec) -> bool {
    spec.native.key("RunAtLoad") == Some(&NativeValue::Boolean(false))
        && !spec.native.key(KEEP_ALIVE).is_some_and(starts_at_once)
}

/// Whether a spec's `Restart=` is what its `KeepAlive` says, so that launchd's own meaning is meant.
pub(super) fn is_of_launchd(spec: &ServiceSpec) -> bool {
    spec.native
        .key(KEEP_ALIVE)
        .is_some_and(|value| keep_alive(value).is_some_and(|is| spec.restart == Some(is)))
}

/// What `[Service]` has to say beside `Restart=` so that systemd means by it what launchd does; none where that goes
/// without saying, or where it is not meant.
pub fn as_launchd(spec: &ServiceSpec) -> Option<(&'static str, String)> {
    let directive = directive(spec.restart).filter(|_| is_of_launchd(spec))?;
    Some((directive, CLEAN_SIGNALS.join(" ")))
}

/// Whether systemd gives up after so many starts, and launchd, which is meant, never does.
pub fn never_gives_up(spec: &ServiceSpec) -> bool {
    is_of_launchd(spec)
}

/// The directive that makes an end by one of those signals what it is to launchd.
fn directive(restart: Option<Restart>) -> Option<&'static str> {
    match restart {
        Some(Restart::OnFailure) => Some("RestartForceExitStatus"),
        Some(Restart::OnSuccess) => Some("RestartPreventExitStatus"),
        _ => None,
    }
}

/// Whether a unit says that those signals are to it what they are to launchd.
pub(super) fn says_as_launchd(spec: &ServiceSpec) -> bool {
    let lines = || spec.native.systemd.iter().flatten();
    directive(spec.restart).is_some_and(|name| {
        let mut of = lines().filter(|line| line.section() == "Service" && line.name() == name);
        of.next().is_some_and(|line| is_all_clean_signals(line.value())) && of.next().is_none()
    })
}

fn is_all_clean_signals(value: &str) -> bool {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    words.len() == CLEAN_SIGNALS.len() && CLEAN_SIGNALS.iter().all(|signal| words.contains(signal))
}
