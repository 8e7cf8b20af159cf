//! Basic facts about processes, the same on every system.

use std::io::IsTerminal;

use nix::unistd::{Pid, geteuid, getpgrp, getpid, getppid, getsid};

/// Facts about this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnInfo {
    /// The process id.
    pub pid: i32,
    /// The parent; 0 if it is outside this pid namespace.
    pub ppid: i32,
    /// The session; equals `pid` in a session leader.
    pub session: i32,
    /// The process group.
    pub process_group: i32,
    /// The effective user.
    pub uid: u32,
    /// Whether the session has a controlling terminal.
    pub controlling_terminal: bool,
    /// Whether descriptor 0 is a terminal.
    pub stdin_terminal: bool,
}

/// Facts about another process, as far as this system reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its process id.
    pub pid: i32,
    /// Its parent.
    pub ppid: i32,
    /// Its process group.
    pub process_group: i32,
    /// The name of its program, truncated to 15 bytes.
    pub comm: String,
    /// Its arguments; empty if they cannot be read.
    pub command_line: Vec<String>,
}

/// Reads the facts about this process. Cannot fail.
pub fn own() -> OwnInfo {
    let pid = getpid().as_raw();
    OwnInfo {
        pid,
        ppid: getppid().as_raw(),
        session: getsid(None).map_or(0, Pid::as_raw),
        process_group: getpgrp().as_raw(),
        uid: geteuid().as_raw(),
        controlling_terminal: controlling_terminal(pid),
        stdin_terminal: std::io::stdin().is_terminal(),
    }
}

/// `/dev/tty` cannot be opened without a controlling terminal (tty(4)), but not every container has that file.
fn controlling_terminal(pid: i32) -> bool {
    #[cfg(target_os = "linux")]
    if let Ok(stat) = crate::sys::procfs::stat(pid) {
        return stat.tty_nr != 0;
    }
    let _ = pid;
    std::fs::File::open("/dev/tty").is_ok()
}

/// Reads the facts about another process. `None` if there is no such process or it is hidden.
#[cfg(target_os = "linux")]
pub fn of(pid: i32) -> Option<ProcessInfo> {
    let stat = crate::sys::procfs::stat(pid).ok()?;
    let command_line = crate::sys::procfs::command_line(pid).unwrap_or_default();
    Some(ProcessInfo { pid, ppid: stat.ppid, process_group: stat.pgrp, comm: stat.comm, command_line })
}

/// The user of a process. `None` if its real, effective and saved user differ, or cannot be seen.
#[cfg(target_os = "linux")]
pub fn user_of(pid: i32) -> Option<u32> {
    let users = crate::sys::procfs::status(pid).ok()?.uids;
    (users.real == users.effective && users.real == users.saved).then_some(users.real)
}

/// The user of a process: there are no supervisors to be asked on other systems.
#[cfg(not(target_os = "linux"))]
pub fn user_of(_pid: i32) -> Option<u32> {
    None
}

/// All processes that this one can see. Empty where /proc does not list them.
pub fn pids() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Reads the facts about another process. Only root can read the arguments of another user's process.
#[cfg(target_os = "macos")]
pub fn of(pid: i32) -> Option<ProcessInfo> {
    let info = crate::sys::platform::process_info(pid).ok()?;
    let name = info.pbsi_comm.iter().map(|&byte| byte.cast_unsigned()).take_while(|&byte| byte != 0);
    let comm: Vec<u8> = name.take(15).collect();
    Some(ProcessInfo {
        pid,
        ppid: info.pbsi_ppid.cast_signed(),
        process_group: info.pbsi_pgid.cast_signed(),
        comm: String::from_utf8_lossy(&comm).into_owned(),
        command_line: crate::sys::platform::arguments(pid).unwrap_or_default(),
    })
}

/// Other processes cannot be inspected on this system.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parent_process_is_visible() {
        let parent = of(own().ppid).unwrap();
        assert_eq!(parent.pid, own().ppid);
        assert!(!parent.comm.is_empty());
        let own = of(std::process::id().cast_signed()).unwrap();
        assert_eq!(own.command_line, std::env::args().collect::<Vec<_>>());
    }

    #[test]
    fn unused_pid_has_no_process() {
        assert_eq!(of(-1), None);
    }
}
