//! The keys of launchd.plist(5): their types, and whether they are supported. launchd silently ignores unknown keys and
//! values of a wrong type.

use KeySupport::{Field as AsField, LaunchdOnly, Obsolete};
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
pub(super) const INETD: &str = "inetdCompatibility";

/// The type of a key's value.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// A boolean.
    Boolean,
    /// Any type.
    Any,
    /// An array with values of these types.
    Array(&'static [Shape]),
    /// A dictionary with any keys, and values of these types.
    Dict(&'static [Shape]),
    /// A dictionary with these keys only.
    Keys(&'static [(&'static str, &'static [Shape])]),
}

/// How svcadapt and launchd support a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeySupport {
    /// The spec has a field for it.
    Field,
    /// launchd honours it, svcadapt does not.
    LaunchdOnly,
    /// It is documented, but launchd ignores it.
    Obsolete,
}

/// A key of a property list.
#[derive(Debug)]
pub(super) struct KeyRow {
    pub(super) name: &'static str,
    /// The types that it accepts.
    pub(super) shapes: &'static [Shape],
    pub(super) support: KeySupport,
}

const fn row(name: &'static str, shapes: &'static [Shape], support: KeySupport) -> KeyRow {
    KeyRow { name, shapes, support }
}

const STRINGS: Shape = Array(&[String]);

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
    ("Bonjour", &[Boolean, String, STRINGS]),
    ("MulticastGroup", &[String]),
]);

const CALENDAR: Shape = Keys(&[
    ("Minute", &[Integer]),
    ("Hour", &[Integer]),
    ("Day", &[Integer]),
    ("Weekday", &[Integer]),
    ("Month", &[Integer]),
]);

/// All keys: those of launchd.plist(5), then Apple's own keys of the last launchd with published source code.
pub(super) const ROWS: [KeyRow; 77] = [
    row(LABEL, &[String], AsField),
    row(SERVICE_DESCRIPTION, &[String], AsField),
    row(PROGRAM, &[String], AsField),
    row(PROGRAM_ARGUMENTS, &[STRINGS], AsField),
    row(RUN_AT_LOAD, &[Boolean], AsField),
    row(KEEP_ALIVE, &[Boolean, CONDITIONS], AsField),
    row(EXIT_TIME_OUT, &[Integer], AsField),
    row(USER_NAME, &[String], AsField),
    row(GROUP_NAME, &[String], AsField),
    row(INIT_GROUPS, &[Boolean], AsField),
    row(UMASK, &[Integer, String], AsField),
    row(WORKING_DIRECTORY, &[String], AsField),
    row(ROOT_DIRECTORY, &[String], AsField),
    // launchd drops a value that is not a string, and only that value; the reader warns of it.
    row(ENVIRONMENT_VARIABLES, &[Dict(&[Any])], AsField),
    row(STANDARD_IN_PATH, &[String], AsField),
    row(STANDARD_OUT_PATH, &[String], AsField),
    row(STANDARD_ERROR_PATH, &[String], AsField),
    row(SOFT_RESOURCE_LIMITS, &[LIMITS], AsField),
    row(HARD_RESOURCE_LIMITS, &[LIMITS], AsField),
    row(NICE, &[Integer], AsField),
    row(SOCKETS, &[Dict(&[SOCKET, Array(&[SOCKET])])], AsField),
    row("Disabled", &[Boolean], LaunchdOnly),
    row("BundleProgram", &[String], LaunchdOnly),
    row(THROTTLE_INTERVAL, &[Integer], AsField),
    row("StartInterval", &[Integer], LaunchdOnly),
    row("StartCalendarInterval", &[CALENDAR, Array(&[CALENDAR])], LaunchdOnly),
    row("StartOnMount", &[Boolean], LaunchdOnly),
    row("WatchPaths", &[STRINGS], LaunchdOnly),
    row("QueueDirectories", &[STRINGS], LaunchdOnly),
    row(INETD, &[Keys(&[("Wait", &[Boolean]), ("Instances", &[Integer])])], AsField),
    row("MachServices", &[Dict(&[Any])], LaunchdOnly),
    row("LaunchEvents", &[Dict(&[Any])], LaunchdOnly),
    row("LaunchOnlyOnce", &[Boolean], LaunchdOnly),
    row("AbandonProcessGroup", &[Boolean], LaunchdOnly),
    row("EnableTransactions", &[Boolean], LaunchdOnly),
    row("EnablePressuredExit", &[Boolean], LaunchdOnly),
    row("EnableGlobbing", &[Boolean], LaunchdOnly),
    row("ProcessType", &[String], LaunchdOnly),
    row("LowPriorityIO", &[Boolean], LaunchdOnly),
    row("LowPriorityBackgroundIO", &[Boolean], LaunchdOnly),
    row("LegacyTimers", &[Boolean], LaunchdOnly),
    row("MaterializeDatalessFiles", &[Boolean], LaunchdOnly),
    row("SessionCreate", &[Boolean], LaunchdOnly),
    row("LimitLoadToSessionType", &[String, STRINGS], LaunchdOnly),
    row("LimitLoadToHosts", &[STRINGS], LaunchdOnly),
    row("LimitLoadFromHosts", &[STRINGS], LaunchdOnly),
    row("LimitLoadToHardware", &[Dict(&[STRINGS])], LaunchdOnly),
    row("LimitLoadFromHardware", &[Dict(&[STRINGS])], LaunchdOnly),
    row("AssociatedBundleIdentifiers", &[String, STRINGS], LaunchdOnly),
    row("Debug", &[Boolean], LaunchdOnly),
    row("WaitForDebugger", &[Boolean], LaunchdOnly),
    row(ON_DEMAND, &[Boolean], AsField),
    row("ServiceIPC", &[Boolean], Obsolete),
    row("HopefullyExitsFirst", &[Boolean], Obsolete),
    row("HopefullyExitsLast", &[Boolean], Obsolete),
    row("TimeOut", &[Integer], Obsolete),
    row("POSIXSpawnType", &[Any], LaunchdOnly),
    row("UserEnvironmentVariables", &[Any], LaunchdOnly),
    row("SandboxProfile", &[Any], LaunchdOnly),
    row("SandboxFlags", &[Any], LaunchdOnly),
    row("SandboxContainer", &[Any], LaunchdOnly),
    row("DisableASLR", &[Any], LaunchdOnly),
    row("IgnoreProcessGroupAtShutdown", &[Any], LaunchdOnly),
    row("BeginTransactionAtShutdown", &[Any], LaunchdOnly),
    row("TransactionTimeLimitEnabled", &[Any], LaunchdOnly),
    row("MultipleInstances", &[Any], LaunchdOnly),
    row("ShutdownMonitor", &[Any], LaunchdOnly),
    row("JoinGUISession", &[Any], LaunchdOnly),
    row("BinaryOrderPreference", &[Any], LaunchdOnly),
    row("JetsamProperties", &[Any], LaunchdOnly),
    row("EventMonitor", &[Any], LaunchdOnly),
    row("PreventsSleep", &[Any], LaunchdOnly),
    row("XPCDomain", &[Any], LaunchdOnly),
    row("QuarantineData", &[Any], LaunchdOnly),
    row("SecuritySessionUUID", &[Any], LaunchdOnly),
    row("Policies", &[Any], LaunchdOnly),
    row("CFBundleIdentifier", &[Any], LaunchdOnly),
];

/// The key of a field. A field without a key is an option of the adapter in `ProgramArguments`.
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

/// Whether fields of a spec represent the key completely.
pub(crate) fn is_field(name: &str) -> bool {
    let partly = [KEEP_ALIVE, ON_DEMAND, THROTTLE_INTERVAL, RUN_AT_LOAD, INIT_GROUPS, "Sockets"];
    !partly.contains(&name) && ROWS.iter().any(|row| row.name == name && row.support == AsField)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use svcadapt_spec::Resource;

    use super::*;
    use crate::divide::resource_key;

    #[test]
    fn keys_are_unique() {
        assert_eq!(ROWS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), ROWS.len());
    }

    #[test]
    fn limit_keys_match_the_writer() {
        let Keys(known) = LIMITS else { unreachable!() };
        let mut written: Vec<_> = Resource::ALL.into_iter().filter_map(resource_key).collect();
        let mut read: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        written.sort_unstable();
        read.sort_unstable();
        assert_eq!(read, written);
    }
}
