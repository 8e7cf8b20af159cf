//! What the kernel reports about a process in `/proc` (proc(5)).
//!
//! Read-only: nothing is attached to or signalled. Every read is bounded, because a process writes much of this data
//! itself.

mod descriptor;
mod environ;
mod inode;
mod names;
mod scheduling;
mod status;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, fs, io};

use nix::fcntl::OFlag;

use super::file;

pub use descriptor::{Descriptor, DescriptorAccess, Descriptors, OpenFlags, descriptors, has_open};
pub use environ::for_each_variable;
pub use inode::{FileId, Inode, InodeKind, Link, link};
pub use names::{CapabilityMask, SignalSet};
pub use scheduling::{CoreAndFiles, ProcessLimit, limits, nice, oom_score_adjustment};
pub use status::{CapabilitySets, Ids, ProcessStatus, Seccomp, status};

/// Why a fact about a process is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The kernel denies access (ptrace(2), "Ptrace access mode checking").
    Denied,
    /// The kernel is too old to report it, or the process has gone.
    NotReported,
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::NotReported,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "not permitted to look",
            Self::NotReported => "the kernel does not say",
        })
    }
}

/// Whether `/proc` shows the processes of this pid namespace. Not on macOS, and not in a bare chroot.
pub fn mounted() -> bool {
    proc_mount() == ProcMount::Ours
}

/// Which processes `/proc` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProcMount {
    /// Those of this pid namespace.
    Ours,
    /// Those of another pid namespace: each pid there is a different process here (pid_namespaces(7)).
    Foreign,
    /// It is not mounted.
    Missing,
}

static PROC_MOUNT: OnceLock<ProcMount> = OnceLock::new();

/// `/proc/self` links to the own pid in the pid namespace of the mount. Read once: neither the mount nor the namespace
/// changes, and a fork changes both pids alike.
fn proc_mount() -> ProcMount {
    *PROC_MOUNT.get_or_init(|| match fs::read_link("/proc/self") {
        Ok(number) if number == Path::new(&std::process::id().to_string()) => ProcMount::Ours,
        // For a namespace that this process is not in, the link is broken; but something is mounted there.
        Ok(_) => ProcMount::Foreign,
        Err(_) if fs::symlink_metadata("/proc/self").is_ok() => ProcMount::Foreign,
        Err(_) => ProcMount::Missing,
    })
}

/// The fields of `/proc/PID/stat` that identify a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The pid.
    pub pid: i32,
    /// The name of the program, truncated to 15 bytes by the kernel.
    pub comm: String,
    /// `R`, `S`, `D`, `Z` (zombie: ended, not reaped), `T`, …
    pub state: char,
    /// The parent.
    pub ppid: i32,
    /// The process group.
    pub pgrp: i32,
    /// The session.
    pub session: i32,
    /// The controlling terminal's device number; 0 if there is none.
    pub tty_nr: i32,
    /// Whether it is exiting or has ended.
    pub exiting: bool,
    /// The start time in clock ticks since boot; with the pid it identifies a process until the next boot.
    pub start_time: u64,
}

/// Reads `/proc/PID/stat`. An error of kind `NotFound` means that there is no such process.
pub fn stat(pid: i32) -> io::Result<Stat> {
    // The own line contains the own pid, so it also shows which namespace `/proc` belongs to.
    let first = PROC_MOUNT.get().is_none() && u32::try_from(pid) == Ok(std::process::id());
    if first && let Ok(text) = read(Path::new("/proc/self/stat")) {
        let stat = parsed(&text)?;
        if stat.pid == pid {
            PROC_MOUNT.get_or_init(|| ProcMount::Ours);
            return Ok(stat);
        }
    }
    stat_at(&path(pid, "stat")?)
}

/// Reads such a file, of a process or of one of its threads.
pub fn stat_at(path: &Path) -> io::Result<Stat> {
    parsed(&read(path)?)
}

fn parsed(text: &[u8]) -> io::Result<Stat> {
    parse_stat(&String::from_utf8_lossy(text))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat is malformed"))
}

/// The arguments, as the program left them; empty for a kernel thread and a zombie. At most 4096 bytes.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only used on Linux"))]
pub fn command_line(pid: i32) -> io::Result<Vec<String>> {
    let mut text = read(&path(pid, "cmdline")?)?;
    text.truncate(4096);
    let words = text.strip_suffix(b"\0").unwrap_or(&text);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    Ok(words.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// The text of `/proc/PID/cgroup` (cgroups(7)): one line `ID:CONTROLLERS:PATH` for each hierarchy.
pub fn cgroup(pid: i32) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read(&path(pid, "cgroup")?)?).into_owned())
}

/// An id that is unique to this boot (random(4)).
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only used on Linux"))]
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The first 64 KiB of a file below `/proc`. Such files report no length: without a buffer they would be read in pieces
/// of 32 bytes.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    const MAX_BYTES: u64 = 64 * 1024;
    let mut file = file::open(path, OFlag::O_RDONLY, 0)?;
    let mut first = [0; 4096];
    let length = file.read(&mut first)?;
    let mut text = first[..length].to_vec();
    // The kernel makes the text of these files as a whole: a read that does not fill the buffer has reached its end.
    if length == first.len() {
        file.take(MAX_BYTES - length as u64).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The signals that this process ignores. `None` if `/proc` does not say.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only used on Linux"))]
pub fn own_ignored_signals() -> Option<SignalSet> {
    let text = read(Path::new("/proc/self/status")).ok()?;
    let line = text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"SigIgn:"))?;
    SignalSet::from_hex(std::str::from_utf8(line).ok()?.trim())
}

/// The time since boot.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only used on Linux"))]
pub fn uptime() -> io::Result<Duration> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split_ascii_whitespace().next().and_then(|seconds| seconds.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/uptime is malformed"))
}

/// Converts clock ticks to a duration (sysconf(3), `_SC_CLK_TCK`).
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only used on Linux"))]
pub fn ticks(count: u64) -> Duration {
    // SAFETY: sysconf(3) takes a number.
    let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    // 100 on every Linux (USER_HZ).
    let a_second = u64::try_from(a_second).ok().filter(|ticks| *ticks > 0).unwrap_or(100);
    Duration::from_millis(count.saturating_mul(1000) / a_second)
}

/// `/proc/PID/NAME`. The error is of kind `Unsupported` if `/proc` does not show processes of this pid namespace, or is
/// not mounted.
pub fn path(pid: i32, name: &str) -> io::Result<PathBuf> {
    let unseen = match proc_mount() {
        ProcMount::Ours => return Ok(PathBuf::from(format!("/proc/{pid}/{name}"))),
        ProcMount::Foreign => "/proc is mounted for another pid namespace",
        ProcMount::Missing => "/proc is not mounted",
    };
    Err(io::Error::new(io::ErrorKind::Unsupported, unseen))
}

/// Whether an error of reading `/proc/PID/…` means that the process does not exist (any more).
pub fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The name may contain spaces and parentheses, so it ends at the *last* closing parenthesis.
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(") ")?;
    let (number, comm) = head.split_once(" (")?;
    let mut fields = tail.split_ascii_whitespace();
    let mut next = || fields.next();
    let state = next()?.chars().next()?;
    let (ppid, pgrp, session, tty_nr) =
        (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
    // tty_nr is field 7, flags field 9, starttime field 22. PF_EXITING is 4 (include/linux/sched.h).
    let flags: u32 = fields.nth(1)?.parse().ok()?;
    let start_time = fields.nth(12)?.parse().ok()?;
    Some(Stat {
        pid: number.parse().ok()?,
        comm: comm.to_owned(),
        state,
        ppid,
        pgrp,
        session,
        tty_nr,
        exiting: flags & 4 != 0,
        start_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_name_with_parentheses_and_spaces_is_read_completely() {
        let line = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20 21";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.comm.as_str(), stat.state, stat.ppid, stat.tty_nr), ("a) b (c", 'S', 1, 4));
        assert_eq!(stat.start_time, 99);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_stat_is_read() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(stat(own).unwrap().pid, own);
        let comm = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(comm.trim_end(), stat(own).unwrap().comm);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_start_time_is_between_boot_and_now() {
        let own = i32::try_from(std::process::id()).unwrap();
        let started = ticks(stat(own).unwrap().start_time);
        assert!(started > Duration::ZERO && started <= uptime().unwrap() + Duration::from_millis(20));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_command_line_equals_the_arguments() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(command_line(own).unwrap(), std::env::args().collect::<Vec<_>>());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn every_line_of_the_own_cgroups_has_three_fields() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(cgroup(own).unwrap().lines().all(|line| line.splitn(3, ':').count() == 3));
    }
}
