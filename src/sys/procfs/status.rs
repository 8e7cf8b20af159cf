//! `/proc/PID/status`: the identity and permissions of a process.

use std::fs::File;
use std::io;
use std::io::Read;

use crate::sys::procfs;
use crate::sys::procfs::{CapabilityMask, SignalSet};

/// Even 65536 supplementary groups, the maximum, fit.
const MAX_STATUS_BYTES: u64 = 1 << 20;

/// The four user (or group) ids of a process, see credentials(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// The real id.
    pub real: u32,
    /// The effective id.
    pub effective: u32,
    /// The saved id.
    pub saved: u32,
    /// The file system id.
    pub file_system: u32,
}

impl Ids {
    /// All four set to the same id.
    pub fn all(id: u32) -> Self {
        Self { real: id, effective: id, saved: id, file_system: id }
    }
}

/// The capability sets of a process, see capabilities(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapabilitySets {
    /// The inheritable set.
    pub inheritable: CapabilityMask,
    /// The permitted set.
    pub permitted: CapabilityMask,
    /// The effective set.
    pub effective: CapabilityMask,
    /// The ambient set.
    pub ambient: CapabilityMask,
}

/// The seccomp(2) mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seccomp {
    /// No filter.
    Off,
    /// Only read, write and exit are allowed.
    Strict,
    /// A filter is installed.
    Filter,
}

/// The content of `/proc/PID/status`, which every user may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStatus {
    /// The thread group id; equals the pid for a process.
    pub thread_group: i32,
    /// Whether it is a kernel thread. Always `false` on old kernels, which do not report it.
    pub kernel_thread: bool,
    /// Its pids, from this pid namespace to its own.
    pub pids: Vec<i32>,
    /// The umask; `None` before Linux 4.7.
    pub umask: Option<u32>,
    /// The user ids.
    pub uids: Ids,
    /// The group ids.
    pub gids: Ids,
    /// The supplementary groups.
    pub groups: Vec<u32>,
    /// The signals that were sent to it, and were not taken by a thread.
    pub pending: SignalSet,
    /// The signals blocked by its main thread.
    pub blocked: SignalSet,
    /// The ignored signals.
    pub ignored: SignalSet,
    /// The signals that have a handler.
    pub caught: SignalSet,
    /// Its capabilities.
    pub capabilities: CapabilitySets,
    /// Whether no_new_privs is set (prctl(2)); `None` before Linux 4.10.
    pub no_new_privileges: Option<bool>,
    /// The seccomp mode; `None` if the kernel has no seccomp.
    pub seccomp: Option<Seccomp>,
}

/// Reads `/proc/PID/status`. An error of kind `NotFound` means that there is no such process.
pub fn status(pid: i32) -> io::Result<ProcessStatus> {
    let mut text = Vec::new();
    File::open(procfs::path(pid, "status")?)?.take(MAX_STATUS_BYTES).read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/status is malformed"))
}

/// A program name cannot forge a line: the kernel escapes its line breaks as `\n`.
fn parse(text: &str) -> Option<ProcessStatus> {
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let capabilities = |name| field(name).map_or(Some(CapabilityMask::default()), CapabilityMask::from_hex);
    Some(ProcessStatus {
        thread_group: field("Tgid")?.parse().ok()?,
        kernel_thread: field("Kthread") == Some("1"),
        pids: numbers(field("NSpid").or(field("Pid"))?)?,
        umask: field("Umask").and_then(|octal| u32::from_str_radix(octal, 8).ok()),
        uids: ids(field("Uid")?)?,
        gids: ids(field("Gid")?)?,
        groups: numbers(field("Groups")?)?,
        pending: SignalSet::from_hex(field("ShdPnd").or(field("SigPnd"))?)?,
        blocked: SignalSet::from_hex(field("SigBlk")?)?,
        ignored: SignalSet::from_hex(field("SigIgn")?)?,
        caught: SignalSet::from_hex(field("SigCgt")?)?,
        capabilities: CapabilitySets {
            inheritable: capabilities("CapInh")?,
            permitted: capabilities("CapPrm")?,
            effective: capabilities("CapEff")?,
            ambient: capabilities("CapAmb")?,
        },
        no_new_privileges: field("NoNewPrivs").map(|value| value == "1"),
        seccomp: match field("Seccomp") {
            Some("0") => Some(Seccomp::Off),
            Some("1") => Some(Seccomp::Strict),
            Some("2") => Some(Seccomp::Filter),
            _ => None,
        },
    })
}

fn numbers<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    text.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}

fn ids(text: &str) -> Option<Ids> {
    match numbers(text)?[..] {
        [real, effective, saved, file_system] => Some(Ids { real, effective, saved, file_system }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Name:\tx\\nUid:\t0\t0\t0\t0\nUmask:\t0027\nState:\tS (sleeping)\nTgid:\t42\nNgid:\t0\nPid:\t42\n\
        PPid:\t1\nTracerPid:\t0\nUid:\t33\t34\t35\t36\nGid:\t1\t2\t3\t4\nFDSize:\t64\nGroups:\t4 27 \nNStgid:\t42\t7\n\
        NSpid:\t42\t7\nKthread:\t0\nSigPnd:\t0000000000000000\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000001\n\
        SigCgt:\t0000000000000002\n\
        CapInh:\t0000000000000000\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\nCapAmb:\t0000000000000000\n\
        NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn status_is_read() {
        let status = parse(TEXT).unwrap();
        assert_eq!(status.uids, Ids { real: 33, effective: 34, saved: 35, file_system: 36 });
        assert_eq!((status.umask, status.groups), (Some(0o027), vec![4, 27]));
        assert_eq!((status.thread_group, status.pids), (42, vec![42, 7]));
        assert_eq!(status.blocked.names(), ["SIGTERM"]);
        assert_eq!(status.ignored.names(), ["SIGHUP"]);
        assert_eq!(status.capabilities.effective.bits(), 1 << 10);
        assert_eq!((status.no_new_privileges, status.seccomp), (Some(true), Some(Seccomp::Filter)));
    }

    #[test]
    fn field_missing_on_an_old_kernel_is_none() {
        let old: String = TEXT
            .lines()
            .filter(|line| {
                !["Umask", "NoNew", "Seccomp", "NSpid", "CapAmb"].iter().any(|name| line.starts_with(name))
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let status = parse(&old).unwrap();
        assert_eq!((status.umask, status.no_new_privileges, status.seccomp), (None, None, None));
        assert_eq!(status.pids, [42]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_status_is_read() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(status(own).unwrap().thread_group, own);
    }
}
