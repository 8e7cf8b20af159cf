//! The directives of each level, in the order of a unit.

use std::ffi::OsString;

use super::case::HardenInput;
use super::{Level, objections as o, values as v};

/// A directive of the sandbox.
pub(super) struct SandboxRow {
    pub(super) directive: &'static str,
    /// The levels that have it.
    pub(super) levels: &'static [Level],
    /// Its values. Empty if the directive does not apply to this service, which is then not reported.
    pub(super) values: fn(&HardenInput) -> Vec<OsString>,
    /// Why this service cannot have it. `None` if it can.
    pub(super) objection: fn(&HardenInput) -> Option<String>,
    /// What it protects against.
    pub(super) why: &'static str,
}

const BOTH: &[Level] = &[Level::Baseline, Level::Strict];
const BASELINE: &[Level] = &[Level::Baseline];
const STRICT: &[Level] = &[Level::Strict];

const fn row(
    levels: &'static [Level],
    directive: &'static str,
    values: fn(&HardenInput) -> Vec<OsString>,
    objection: fn(&HardenInput) -> Option<String>,
    why: &'static str,
) -> SandboxRow {
    SandboxRow { directive, levels, values, objection, why }
}

#[rustfmt::skip]
pub(super) const ROWS: &[SandboxRow] = &[
    row(STRICT, "DynamicUser", v::yes, o::dynamic_user,
        "it runs as a user that exists only while the service runs; its directories are kept below private/"),
    row(STRICT, "NotifyAccess", v::main, o::adapter_notifies,
        "only its main process can send notifications"),
    row(STRICT, "CapabilityBoundingSet", v::bounding, o::bounding,
        "neither the service nor its child processes can gain another capability"),
    row(STRICT, "AmbientCapabilities", v::ambient, o::new_right,
        "a port below 1024 needs it; root is not needed"),
    row(BOTH, "NoNewPrivileges", v::yes, o::none,
        "set-uid programs give it no additional rights"),
    row(BASELINE, "ProtectSystem", v::full, o::none,
        "/usr/, /boot/ and /etc/ are read-only; other paths may be written by a daemon"),
    row(STRICT, "ProtectSystem", v::strict, o::none,
        "everything is read-only except the directories of the service"),
    row(BOTH, "ReadWritePaths", v::read_write, o::none,
        "the service creates files there"),
    row(BASELINE, "ProtectHome", v::read_only, o::home,
        "home directories are read-only, since some contain configuration"),
    row(STRICT, "ProtectHome", v::home, o::home,
        "home directories are inaccessible"),
    row(BOTH, "PrivateTmp", v::yes, o::private_tmp,
        "other users cannot plant files in its /tmp/, which is removed with the service"),
    row(STRICT, "PrivateDevices", v::yes, o::private_devices,
        "no hardware devices, only pseudo devices such as /dev/null"),
    row(STRICT, "PrivateMounts", v::yes, o::none,
        "other processes do not see its mounts"),
    row(STRICT, "PrivateUsers", v::yes, o::private_users,
        "it sees only itself and root as users, and has no rights over other users"),
    row(STRICT, "PrivateIPC", v::yes, o::none,
        "it shares no System V message queues or shared memory"),
    row(STRICT, "PrivateNetwork", v::yes, o::private_network,
        "it has no network except the sockets that systemd passes"),
    row(STRICT, "IPAddressDeny", v::any, o::address_deny,
        "it sends and receives no packets"),
    row(STRICT, "ProtectProc", v::invisible, o::other_processes,
        "it does not see processes of other users"),
    row(STRICT, "ProcSubset", v::pid, o::proc_subset,
        "/proc/ shows only processes, not the system"),
    row(BOTH, "ProtectKernelTunables", v::yes, o::tunables,
        "kernel variables are read-only"),
    row(BOTH, "ProtectKernelModules", v::yes, o::modules,
        "it cannot load kernel modules"),
    row(BOTH, "ProtectKernelLogs", v::yes, o::logs,
        "it cannot read the kernel log"),
    row(BOTH, "ProtectControlGroups", v::yes, o::control_groups,
        "it cannot change control groups"),
    row(STRICT, "ProtectClock", v::yes, o::clock,
        "it cannot set the clock"),
    row(STRICT, "ProtectHostname", v::yes, o::hostname,
        "it cannot change the host name"),
    row(STRICT, "RestrictAddressFamilies", v::families, o::none,
        "no other address families; a program that lists network interfaces needs AF_NETLINK"),
    row(STRICT, "RestrictNamespaces", v::yes, o::namespaces,
        "it cannot create namespaces, which expose much of the kernel"),
    row(BOTH, "RestrictRealtime", v::yes, o::realtime,
        "it cannot monopolise the processor"),
    row(BOTH, "RestrictSUIDSGID", v::yes, o::none,
        "it cannot create set-uid files"),
    row(BOTH, "LockPersonality", v::yes, o::none,
        "it cannot change the kernel personality"),
    row(STRICT, "MemoryDenyWriteExecute", v::yes, o::writable_code,
        "no memory is both writable and executable"),
    row(BOTH, "SystemCallArchitectures", v::native, o::none,
        "system calls of another architecture would bypass most filters"),
    row(STRICT, "SystemCallFilter", v::allowed_calls, o::none,
        "only system calls that services need"),
    row(STRICT, "SystemCallFilter", v::privileged_calls, o::privileged_calls,
        "no system calls that only root needs"),
    row(STRICT, "SystemCallFilter", v::resource_calls, o::resource_calls,
        "it cannot change limits and priorities"),
    row(STRICT, "SystemCallErrorNumber", v::eperm, o::none,
        "a forbidden system call fails instead of ending the service"),
    row(STRICT, "RemoveIPC", v::yes, o::remove_ipc,
        "its shared memory and message queues are removed when it ends"),
    row(STRICT, "UMask", v::umask, o::umask,
        "other users cannot read its files"),
];
