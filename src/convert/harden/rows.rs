//! What each level sets, in the order in which a unit says it.

use std::ffi::OsString;

use super::case::Case;
use super::{Level, objections as o, values as v};

/// A directive of the sandbox.
pub(super) struct Row {
    pub(super) directive: &'static str,
    /// The levels that have it.
    pub(super) levels: &'static [Level],
    /// What it says; nothing where it makes no sense for this service, which then need not be told.
    pub(super) values: fn(&Case) -> Vec<OsString>,
    /// Why this service cannot have it.
    pub(super) objection: fn(&Case) -> Option<String>,
    /// What it is good for.
    pub(super) why: &'static str,
}

const BOTH: &[Level] = &[Level::Baseline, Level::Strict];
const BASELINE: &[Level] = &[Level::Baseline];
const STRICT: &[Level] = &[Level::Strict];

const fn row(
    levels: &'static [Level],
    directive: &'static str,
    values: fn(&Case) -> Vec<OsString>,
    objection: fn(&Case) -> Option<String>,
    why: &'static str,
) -> Row {
    Row { directive, levels, values, objection, why }
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row(STRICT, "DynamicUser", v::yes, o::dynamic_user,
        "it runs as a user that exists only while it does; its directories move below private/ and stay its own"),
    row(STRICT, "NotifyAccess", v::main, o::beside,
        "only its main process speaks for it"),
    row(STRICT, "CapabilityBoundingSet", v::bounding, o::bounding,
        "neither it nor what it starts can ever have another capability"),
    row(STRICT, "AmbientCapabilities", v::ambient, o::new_right,
        "a port below 1024 needs it, and nobody has to be root for it"),
    row(BOTH, "NoNewPrivileges", v::yes, o::none,
        "set-uid programs give it no more rights"),
    row(BASELINE, "ProtectSystem", v::full, o::none,
        "/usr/, /boot/ and /etc/ are read-only; where else a daemon writes, nobody knows beforehand"),
    row(STRICT, "ProtectSystem", v::strict, o::none,
        "everything is read-only, except directories that the service is given"),
    row(BOTH, "ReadWritePaths", v::read_write, o::none,
        "the service makes something there"),
    row(BASELINE, "ProtectHome", v::read_only, o::home,
        "the files of people can be read, as some configurations are, and not changed"),
    row(STRICT, "ProtectHome", v::home, o::home,
        "the files of people are out of its reach"),
    row(BOTH, "PrivateTmp", v::yes, o::private_tmp,
        "nobody can lay a trap in /tmp/, and what it leaves there goes with it"),
    row(STRICT, "PrivateDevices", v::yes, o::private_devices,
        "no device but those that are none, like /dev/null"),
    row(STRICT, "PrivateMounts", v::yes, o::none,
        "what it mounts nobody else sees"),
    row(STRICT, "PrivateUsers", v::yes, o::private_users,
        "it knows no user but itself and root, and has no rights over others'"),
    row(STRICT, "PrivateIPC", v::yes, o::none,
        "it shares no message queues and no shared memory of System V"),
    row(STRICT, "PrivateNetwork", v::yes, o::private_network,
        "it has no network but the sockets that it is given"),
    row(STRICT, "IPAddressDeny", v::any, o::address_deny,
        "it exchanges no packets"),
    row(STRICT, "ProtectProc", v::invisible, o::other_processes,
        "it does not see the processes of others"),
    row(STRICT, "ProcSubset", v::pid, o::proc_subset,
        "/proc/ shows processes alone, not the machine"),
    row(BOTH, "ProtectKernelTunables", v::yes, o::tunables,
        "the kernel's variables are read-only"),
    row(BOTH, "ProtectKernelModules", v::yes, o::modules,
        "it loads no code into the kernel"),
    row(BOTH, "ProtectKernelLogs", v::yes, o::logs,
        "the kernel's log is closed to it"),
    row(BOTH, "ProtectControlGroups", v::yes, o::control_groups,
        "the control groups are the manager's"),
    row(STRICT, "ProtectClock", v::yes, o::clock,
        "it cannot set the clock"),
    row(STRICT, "ProtectHostname", v::yes, o::hostname,
        "it cannot rename the machine"),
    row(STRICT, "RestrictAddressFamilies", v::families, o::none,
        "no other kind of socket; only who asks for the machine's interfaces misses AF_NETLINK"),
    row(STRICT, "RestrictNamespaces", v::yes, o::namespaces,
        "it makes no namespaces, where most of the kernel's holes are"),
    row(BOTH, "RestrictRealtime", v::yes, o::realtime,
        "it cannot take the processor from everybody"),
    row(BOTH, "RestrictSUIDSGID", v::yes, o::none,
        "it makes no set-uid files"),
    row(BOTH, "LockPersonality", v::yes, o::none,
        "it cannot make the kernel imitate another one"),
    row(STRICT, "MemoryDenyWriteExecute", v::yes, o::writable_code,
        "no memory is writable and code"),
    row(BOTH, "SystemCallArchitectures", v::native, o::none,
        "system calls of another architecture pass by most filters"),
    row(STRICT, "SystemCallFilter", v::allowed_calls, o::none,
        "only what services need of the kernel"),
    row(STRICT, "SystemCallFilter", v::privileged_calls, o::privileged_calls,
        "none that only root has a use for"),
    row(STRICT, "SystemCallFilter", v::resource_calls, o::resource_calls,
        "its limits and priorities are the manager's"),
    row(STRICT, "SystemCallErrorNumber", v::eperm, o::none,
        "a call that is not allowed fails, instead of ending the service"),
    row(STRICT, "RemoveIPC", v::yes, o::remove_ipc,
        "nothing of it stays in memory when it has ended"),
    row(STRICT, "UMask", v::umask, o::umask,
        "its files are nobody else's"),
];
