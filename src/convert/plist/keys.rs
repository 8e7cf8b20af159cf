//! The keys of launchd.plist(5): what each takes, and what becomes of it here. Reader and writer both name them by
//! these. launchd passes over a key that it does not know, and over a value that it does not expect, in silence.

use Fate::{Dead, Kept, Read};
use Shape::{Any, Array, Boolean, Dict, Integer, Keys, String};
use svcadapt_spec::Field;

pub(super) const LABEL: &str = "Label";
pub(super) const SERVICE_DESCRIPTION: &str = "ServiceDescription";
pub(super) const PROGRAM: &str = "Program";
pub(super) const PROGRAM_ARGUMENTS: &str = "ProgramArguments";
pub(super) const RUN_AT_LOAD: &str = "RunAtLoad";
pub(super) const KEEP_ALIVE: &str = "KeepAlive";
pub(super) const ON_DEMAND: &str = "OnDemand";
pub(super) const THROTTLE_INTERVAL: &str = "ThrottleInterval";
pub(super) const EXIT_TIME_OUT: &str = "ExitTimeOut";
pub(super) const USER_NAME: &str = "UserName";
pub(super) const GROUP_NAME: &str = "GroupName";
pub(super) const INIT_GROUPS: &str = "InitGroups";
pub(super) const UMASK: &str = "Umask";
pub(super) const WORKING_DIRECTORY: &str = "WorkingDirectory";
pub(super) const ROOT_DIRECTORY: &str = "RootDirectory";
pub(super) const ENVIRONMENT_VARIABLES: &str = "EnvironmentVariables";
pub(super) const STANDARD_IN_PATH: &str = "StandardInPath";
pub(super) const STANDARD_OUT_PATH: &str = "StandardOutPath";
pub(super) const STANDARD_ERROR_PATH: &str = "StandardErrorPath";
pub(super) const SOFT_RESOURCE_LIMITS: &str = "SoftResourceLimits";
pub(super) const HARD_RESOURCE_LIMITS: &str = "HardResourceLimits";
pub(super) const NICE: &str = "Nice";
pub(super) const SOCKETS: &str = "Sockets";

/// What a key takes.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// A boolean.
    Boolean,
    /// Whatever it is.
    Any,
    /// An array of one of these.
    Array(&'static [Shape]),
    /// A dictionary of one of these, under any keys.
    Dict(&'static [Shape]),
    /// A dictionary with these keys and no others.
    Keys(&'static [(&'static str, &'static [Shape])]),
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The spec has a field for it.
    Read,
    /// launchd acts on it and svcadapt does not.
    Kept,
    /// It is documented, and launchd does nothing with it any more.
    Dead,
}

/// A key.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// It takes one of these.
    pub(super) shapes: &'static [Shape],
    pub(super) fate: Fate,
}

const fn row(name: &'static str, shapes: &'static [Shape], fate: Fate) -> Row {
    Row { name, shapes, fate }
}

const TEXTS: Shape = Array(&[String]);

const LIMITS: Shape = Keys(&[
    ("Core", &[Integer]),
    ("CPU", &[Integer]),
    ("Data", &[Integer]),
    ("FileSize", &[Integer]),
    ("MemoryLock", &[Integer]),
    ("NumberOfFiles", &[Integer]),
    ("NumberOfProcesses", &[Integer]),
    ("ResidentSetSize", &[Integer]),
    ("Stack", &[Integer]),
]);

const CONDITIONS: Shape = Keys(&[
    ("SuccessfulExit", &[Boolean]),
    ("Crashed", &[Boolean]),
    ("PathState", &[Dict(&[Boolean])]),
    ("OtherJobEnabled", &[Dict(&[Boolean])]),
    ("OtherJobActive", &[Dict(&[Boolean])]),
    ("AfterInitialDemand", &[Boolean]),
    ("NetworkState", &[Boolean]),
]);

const SOCKET: Shape = Keys(&[
    ("SockType", &[String]),
    ("SockPassive", &[Boolean]),
    ("SockNodeName", &[String]),
    ("SockServiceName", &[String, Integer]),
    ("SockFamily", &[String]),
    ("SockProtocol", &[String]),
    ("SockPathName", &[String]),
    ("SockPathOwner", &[Integer]),
    ("SockPathGroup", &[Integer]),
    ("SockPathMode", &[Integer]),
    ("SecureSocketWithKey", &[String]),
    ("ReceivePacketInfo", &[Boolean]),
    ("Bonjour", &[Boolean, String, TEXTS]),
    ("MulticastGroup", &[String]),
]);

const CALENDAR: Shape = Keys(&[
    ("Minute", &[Integer]),
    ("Hour", &[Integer]),
    ("Day", &[Integer]),
    ("Weekday", &[Integer]),
    ("Month", &[Integer]),
]);

/// All keys: those of the manual page, and behind them Apple's own from the last launchd whose source is open.
pub(super) const ROWS: [Row; 77] = [
    row(LABEL, &[String], Read),
    row(SERVICE_DESCRIPTION, &[String], Read),
    row(PROGRAM, &[String], Read),
    row(PROGRAM_ARGUMENTS, &[TEXTS], Read),
    row(RUN_AT_LOAD, &[Boolean], Read),
    row(KEEP_ALIVE, &[Boolean, CONDITIONS], Read),
    row(EXIT_TIME_OUT, &[Integer], Read),
    row(USER_NAME, &[String], Read),
    row(GROUP_NAME, &[String], Read),
    row(INIT_GROUPS, &[Boolean], Read),
    row(UMASK, &[Integer, String], Read),
    row(WORKING_DIRECTORY, &[String], Read),
    row(ROOT_DIRECTORY, &[String], Read),
    // launchd drops a value that is no string, and only that: the reader says which.
    row(ENVIRONMENT_VARIABLES, &[Dict(&[Any])], Read),
    row(STANDARD_IN_PATH, &[String], Read),
    row(STANDARD_OUT_PATH, &[String], Read),
    row(STANDARD_ERROR_PATH, &[String], Read),
    row(SOFT_RESOURCE_LIMITS, &[LIMITS], Read),
    row(HARD_RESOURCE_LIMITS, &[LIMITS], Read),
    row(NICE, &[Integer], Read),
    row(SOCKETS, &[Dict(&[SOCKET, Array(&[SOCKET])])], Read),
    row("Disabled", &[Boolean], Kept),
    row("BundleProgram", &[String], Kept),
    row(THROTTLE_INTERVAL, &[Integer], Read),
    row("StartInterval", &[Integer], Kept),
    row("StartCalendarInterval", &[CALENDAR, Array(&[CALENDAR])], Kept),
    row("StartOnMount", &[Boolean], Kept),
    row("WatchPaths", &[TEXTS], Kept),
    row("QueueDirectories", &[TEXTS], Kept),
    row("inetdCompatibility", &[Keys(&[("Wait", &[Boolean]), ("Instances", &[Integer])])], Kept),
    row("MachServices", &[Dict(&[Any])], Kept),
    row("LaunchEvents", &[Dict(&[Any])], Kept),
    row("LaunchOnlyOnce", &[Boolean], Kept),
    row("AbandonProcessGroup", &[Boolean], Kept),
    row("EnableTransactions", &[Boolean], Kept),
    row("EnablePressuredExit", &[Boolean], Kept),
    row("EnableGlobbing", &[Boolean], Kept),
    row("ProcessType", &[String], Kept),
    row("LowPriorityIO", &[Boolean], Kept),
    row("LowPriorityBackgroundIO", &[Boolean], Kept),
    row("LegacyTimers", &[Boolean], Kept),
    row("MaterializeDatalessFiles", &[Boolean], Kept),
    row("SessionCreate", &[Boolean], Kept),
    row("LimitLoadToSessionType", &[String, TEXTS], Kept),
    row("LimitLoadToHosts", &[TEXTS], Kept),
    row("LimitLoadFromHosts", &[TEXTS], Kept),
    row("LimitLoadToHardware", &[Dict(&[TEXTS])], Kept),
    row("LimitLoadFromHardware", &[Dict(&[TEXTS])], Kept),
    row("AssociatedBundleIdentifiers", &[String, TEXTS], Kept),
    row("Debug", &[Boolean], Kept),
    row("WaitForDebugger", &[Boolean], Kept),
    row(ON_DEMAND, &[Boolean], Read),
    row("ServiceIPC", &[Boolean], Dead),
    row("HopefullyExitsFirst", &[Boolean], Dead),
    row("HopefullyExitsLast", &[Boolean], Dead),
    row("TimeOut", &[Integer], Dead),
    row("POSIXSpawnType", &[Any], Kept),
    row("UserEnvironmentVariables", &[Any], Kept),
    row("SandboxProfile", &[Any], Kept),
    row("SandboxFlags", &[Any], Kept),
    row("SandboxContainer", &[Any], Kept),
    row("DisableASLR", &[Any], Kept),
    row("IgnoreProcessGroupAtShutdown", &[Any], Kept),
    row("BeginTransactionAtShutdown", &[Any], Kept),
    row("TransactionTimeLimitEnabled", &[Any], Kept),
    row("MultipleInstances", &[Any], Kept),
    row("ShutdownMonitor", &[Any], Kept),
    row("JoinGUISession", &[Any], Kept),
    row("BinaryOrderPreference", &[Any], Kept),
    row("JetsamProperties", &[Any], Kept),
    row("EventMonitor", &[Any], Kept),
    row("PreventsSleep", &[Any], Kept),
    row("XPCDomain", &[Any], Kept),
    row("QuarantineData", &[Any], Kept),
    row("SecuritySessionUUID", &[Any], Kept),
    row("Policies", &[Any], Kept),
    row("CFBundleIdentifier", &[Any], Kept),
];

/// The key that says a field. What none says is said to the adapter, by its options.
pub(super) fn of(field: Field) -> &'static str {
    match field {
        Field::Name => LABEL,
        Field::Description => SERVICE_DESCRIPTION,
        Field::User => USER_NAME,
        Field::Group => GROUP_NAME,
        Field::Umask => UMASK,
        Field::WorkingDirectory => WORKING_DIRECTORY,
        Field::RootDirectory => ROOT_DIRECTORY,
        Field::Environment => ENVIRONMENT_VARIABLES,
        Field::StandardInput => STANDARD_IN_PATH,
        Field::StandardOutput => STANDARD_OUT_PATH,
        Field::StandardError => STANDARD_ERROR_PATH,
        Field::Limit(_) => SOFT_RESOURCE_LIMITS,
        Field::Nice => NICE,
        Field::TimeoutStopSec => EXIT_TIME_OUT,
        Field::Restart => KEEP_ALIVE,
        Field::RestartSec => THROTTLE_INTERVAL,
        field if field.is_socket_field() || field == Field::LaunchdActivation => SOCKETS,
        _ => PROGRAM_ARGUMENTS,
    }
}

/// Whether a spec has a field for all that the key says, so that nothing of it need be kept.
pub(crate) fn is_field(name: &str) -> bool {
    let partly = [KEEP_ALIVE, ON_DEMAND, THROTTLE_INTERVAL, RUN_AT_LOAD, INIT_GROUPS, "Sockets"];
    !partly.contains(&name) && ROWS.iter().any(|row| row.name == name && row.fate == Read)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use svcadapt_spec::Resource;

    use super::*;
    use crate::divide::resource_key;

    #[test]
    fn every_key_stands_once() {
        assert_eq!(ROWS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), ROWS.len());
    }

    #[test]
    fn the_limits_are_those_that_can_be_written() {
        let Keys(known) = LIMITS else { unreachable!() };
        let mut written: Vec<_> = Resource::ALL.into_iter().filter_map(resource_key).collect();
        let mut read: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        written.sort_unstable();
        read.sort_unstable();
        assert_eq!(read, written);
    }
}
