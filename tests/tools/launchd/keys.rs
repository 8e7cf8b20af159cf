//! The keys of launchd.plist(5) with their types.
//!
//! A value of another type, and a key that is not there, is a line in the log, and the job runs without it (842,
//! `job_import_keys`): the trap that a typo falls into.

use Kind::{Array, Boolean, Dict, Integer, Text};
use plist::{Dictionary, Value};

/// A type that a value may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    Boolean,
    Dict,
    Integer,
    Text,
}

/// The keys of a dictionary, and the types that each may have.
pub(crate) type Table = &'static [(&'static str, &'static [Kind])];

/// The keys that this stand-in acts on.
pub(crate) const JOB: Table = &[
    ("Label", &[Text]),
    ("Program", &[Text]),
    ("ProgramArguments", &[Array]),
    ("UserName", &[Text]),
    ("GroupName", &[Text]),
    ("InitGroups", &[Boolean]),
    ("Umask", &[Integer, Text]),
    ("WorkingDirectory", &[Text]),
    ("RootDirectory", &[Text]),
    ("EnvironmentVariables", &[Dict]),
    ("StandardInPath", &[Text]),
    ("StandardOutPath", &[Text]),
    ("StandardErrorPath", &[Text]),
    ("RunAtLoad", &[Boolean]),
    ("KeepAlive", &[Boolean, Dict]),
    ("ThrottleInterval", &[Integer]),
    ("ExitTimeOut", &[Integer]),
    ("AbandonProcessGroup", &[Boolean]),
    ("Nice", &[Integer]),
    ("SoftResourceLimits", &[Dict]),
    ("HardResourceLimits", &[Dict]),
    ("Sockets", &[Dict]),
    // What only schedules or names a job changes nothing here, so it needs no line in the log.
    ("ProcessType", &[Text]),
    ("LimitLoadToSessionType", &[Text, Array]),
    ("AssociatedBundleIdentifiers", &[Text, Array]),
    ("LowPriorityIO", &[Boolean]),
    ("LowPriorityBackgroundIO", &[Boolean]),
];

/// The keys of launchd.plist(5) that would change how a job behaves, and do not here.
pub(crate) const NOT_HERE: &[&str] = &[
    "BundleProgram",
    "Debug",
    "Disabled",
    "EnablePressuredExit",
    "EnableTransactions",
    "LaunchEvents",
    "LaunchOnlyOnce",
    "LegacyTimers",
    "LimitLoadFromHardware",
    "LimitLoadToHardware",
    "MachServices",
    "MaterializeDatalessFiles",
    "QueueDirectories",
    "SessionCreate",
    "StartCalendarInterval",
    "StartInterval",
    "StartOnMount",
    "WaitForDebugger",
    "WatchPaths",
    "inetdCompatibility",
];

/// The conditions of `KeepAlive`. `NetworkState` is "no longer implemented" and the others are not here.
pub(crate) const KEEP_ALIVE: Table =
    &[("SuccessfulExit", &[Boolean]), ("Crashed", &[Boolean]), ("PathState", &[Dict])];

/// The keys of one socket.
pub(crate) const SOCKET: Table = &[
    ("SockType", &[Text]),
    ("SockPassive", &[Boolean]),
    ("SockNodeName", &[Text]),
    ("SockServiceName", &[Text, Integer]),
    ("SockFamily", &[Text]),
    ("SockProtocol", &[Text]),
    ("SockPathName", &[Text]),
    ("SockPathMode", &[Integer]),
    ("SockPathOwner", &[Integer]),
    ("SockPathGroup", &[Integer]),
];

/// A key that does not count, and why.
pub(crate) type Ignored = (String, String);

/// The part of a dictionary that counts. `within` names the dictionary for the log.
pub(crate) fn sift(found: Dictionary, table: Table, within: &str, ignored: &mut Vec<Ignored>) -> Dictionary {
    let mut kept = Dictionary::new();
    for (key, value) in found {
        let why = match table.iter().find(|(known, _)| *known == key) {
            Some((_, kinds)) if kind(&value).is_some_and(|kind| kinds.contains(&kind)) => {
                kept.insert(key, value);
                continue;
            }
            Some(_) => "wrong type",
            None if within.is_empty() && NOT_HERE.contains(&key.as_str()) => "not in this stand-in",
            None => "unknown key",
        };
        ignored.push((format!("{within}{key}"), why.to_owned()));
    }
    kept
}

fn kind(value: &Value) -> Option<Kind> {
    match value {
        Value::Array(_) => Some(Array),
        Value::Boolean(_) => Some(Boolean),
        Value::Dictionary(_) => Some(Dict),
        Value::Integer(_) => Some(Integer),
        Value::String(_) => Some(Text),
        _ => None,
    }
}
