//! The keys of launchd.plist(5) with their types.
//!
//! An unknown key, or a value of another type, is logged and ignored (842, `job_import_keys`): so a typo has no effect.

use Kind::{Array, Boolean, Dict, Integer, Text};
use plist::{Dictionary, Value};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    Boolean,
    Dict,
    Integer,
    Text,
}

/// The keys of a dictionary with their permitted types.
pub(crate) type Table = &'static [(&'static str, &'static [Kind])];

/// The keys that are implemented here.
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
    // Keys that only affect scheduling or names are ignored without a log line.
    ("ProcessType", &[Text]),
    ("LimitLoadToSessionType", &[Text, Array]),
    ("AssociatedBundleIdentifiers", &[Text, Array]),
    ("LowPriorityIO", &[Boolean]),
    ("LowPriorityBackgroundIO", &[Boolean]),
];

/// The keys of launchd.plist(5) that affect a job's behaviour but are not implemented here.
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

/// The conditions of `KeepAlive` that are implemented here. (`NetworkState` is "no longer implemented" on a Mac.)
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

/// An ignored key, and the reason.
pub(crate) type Ignored = (String, String);

/// The accepted part of a dictionary. `within` is the name of the dictionary for the log.
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
