//! Systems without an implementation of their own: POSIX functions work, the rest are errors with a text.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::unistd::{Gid, Uid};

use super::accounts::User;
use super::posix::unsupported;
pub(super) use super::posix::{
    CLOEXEC_ON_RECEIVE, REUSE_SHARES_A_PORT, abstract_address, ask_for_credentials, bind_abstract,
    connect_abstract, group, never_dump, oom_score_adjust, peer_user, pipe, real_time, real_time_name,
    real_time_number, reset_dispositions, reset_ignored, sender, set_cpu_affinity, set_cpu_policy,
    set_io_priority, set_oom_score_adjust, set_timer_slack, user,
};
pub use super::posix::{capability, listeners};
use super::process::ProcessId;
use super::rules::groups::{led_by, unwanted};

/// Access control lists are not visible here, so there may be one.
pub(super) fn group_bits_may_be_a_mask(_path: &Path) -> bool {
    true
}

pub(super) fn access_list_lets_write(_path: &Path) -> bool {
    false
}

pub(super) fn is_noexec(_path: &Path) -> bool {
    false
}

pub(super) fn groups() -> io::Result<Vec<u32>> {
    Ok(nix::unistd::getgroups()?.into_iter().map(Gid::as_raw).collect())
}

/// If the effective group is the first of the list, as on FreeBSD up to 14, it must come first; elsewhere that does no
/// harm, because it is final by then.
pub(super) fn set_groups(groups: &[u32], _member: Option<&str>) -> io::Result<()> {
    let leader = nix::unistd::getegid().as_raw();
    let list: Vec<Gid> = led_by(leader, groups).into_iter().map(Gid::from_raw).collect();
    nix::unistd::setgroups(&list)?;
    let now = self::groups()?;
    let missing = groups.iter().any(|gid| *gid != leader && !now.contains(gid));
    if missing || unwanted(&now, leader, groups).is_some() {
        return Err(io::Error::other("the groups differ from the requested ones after the change"));
    }
    Ok(())
}

/// For root setgid(2) sets the real, the effective and the saved one.
pub(super) fn set_group(gid: Gid) -> io::Result<()> {
    nix::unistd::setgid(gid)?;
    if (nix::unistd::getgid(), nix::unistd::getegid()) == (gid, gid) {
        Ok(())
    } else {
        Err(io::Error::other("the group differs from the requested one after the change"))
    }
}

/// Unknown, so the comparison of user and group ids decides.
pub(super) fn is_secure_exec() -> bool {
    true
}

pub(super) fn has_rights_of_the_file() -> bool {
    false
}

/// The saved ids are not visible, so nothing is assumed to be final.
pub(super) fn ids_are_final() -> io::Result<bool> {
    Ok(false)
}

/// For root setuid(2) sets the real, the effective and the saved one.
pub(super) fn set_user(uid: Uid) -> io::Result<()> {
    nix::unistd::setuid(uid)?;
    if (nix::unistd::getuid(), nix::unistd::geteuid()) == (uid, uid) {
        Ok(())
    } else {
        Err(io::Error::other("the user differs from the requested one after the change"))
    }
}

pub(super) fn groups_of(user: &User, gid: u32) -> io::Result<Vec<u32>> {
    let name = CString::new(user.name.as_str())?;
    let found = nix::unistd::getgrouplist(&name, Gid::from_raw(gid))?;
    let mut groups: Vec<u32> = found.into_iter().map(Gid::as_raw).collect();
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// Every number up to the limit: the place where descriptors are listed differs between systems, and an incomplete list
/// would be worse.
pub(super) fn mark_all_close_on_exec(from: i32) -> io::Result<()> {
    let (_, hard) = super::limits::get("NOFILE")?;
    (from..=i32::try_from(hard).unwrap_or(i32::MAX)).try_for_each(super::posix::mark)
}

/// Every number up to the hard limit that is open.
pub(super) fn open_descriptors() -> io::Result<Vec<i32>> {
    let (_, hard) = super::limits::get("NOFILE")?;
    let last = i32::try_from(hard).unwrap_or(i32::MAX);
    Ok((0..last).filter(|&number| super::fd::is_open(number)).collect())
}

pub(super) fn descriptor_path(_number: i32) -> io::Result<std::path::PathBuf> {
    Err(unsupported("the file of a descriptor has no path on this system"))
}

/// Not every system has setlogin(2).
pub(super) fn set_login(_name: &CStr) -> io::Result<()> {
    Ok(())
}

pub(super) fn thread_count() -> io::Result<usize> {
    Err(unsupported("the threads of a process cannot be counted on this system yet"))
}

pub(super) fn identity(_pid: i32) -> io::Result<ProcessId> {
    Err(unsupported("processes cannot be identified on this system yet"))
}

pub(super) fn is_younger(_pid: i32, _than: i32) -> io::Result<bool> {
    Err(unsupported("processes cannot be identified on this system yet"))
}

pub(super) fn same_start(one: u64, other: u64) -> bool {
    one == other
}

pub(super) fn age(_start_time: u64) -> io::Result<std::time::Duration> {
    Err(unsupported("the start time of a process is not visible on this system yet"))
}

pub(super) fn users(_pid: i32) -> io::Result<super::process::Users> {
    Err(unsupported("the user of a process is not visible on this system yet"))
}

pub(super) fn is_exiting(_pid: i32) -> io::Result<bool> {
    Err(unsupported("the state of a process is not visible on this system yet"))
}

pub(super) fn is_stopped(_pid: i32) -> io::Result<bool> {
    Err(unsupported("the state of a process is not visible on this system yet"))
}

/// Nothing is known to require an exec after a fork.
pub(super) const EXEC_AFTER_FORK: bool = false;

pub(super) fn own_image() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

pub(super) fn process_name() -> Vec<u8> {
    Vec::new()
}

pub(super) fn set_process_name(_name: &[u8]) {}

pub(super) fn namespace() -> Option<String> {
    None
}

/// Only macOS has such a directory.
pub(super) fn user_directory() -> Option<std::path::PathBuf> {
    None
}

pub(super) fn boot() -> io::Result<String> {
    Err(unsupported("boots cannot be identified on this system yet"))
}

/// The number of a resource that POSIX names.
pub(super) fn resource(name: &str) -> Option<libc::c_int> {
    Some(match name {
        "CPU" => libc::RLIMIT_CPU,
        "FSIZE" => libc::RLIMIT_FSIZE,
        "DATA" => libc::RLIMIT_DATA,
        "STACK" => libc::RLIMIT_STACK,
        "CORE" => libc::RLIMIT_CORE,
        "NOFILE" => libc::RLIMIT_NOFILE,
        // OpenBSD has no limit of the address space (getrlimit(2)).
        #[cfg(not(target_os = "openbsd"))]
        "AS" => libc::RLIMIT_AS,
        _ => return None,
    })
}

/// Signals that arrive while all are blocked: not supported yet.
#[derive(Debug)]
pub(super) struct Signals(Infallible);

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Err(unsupported("signals cannot be waited for on this system yet"))
    }

    pub(super) fn next(&self) -> io::Result<Option<i32>> {
        match self.0 {}
    }

    pub(super) fn after_fork(self) {
        match self.0 {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}

/// Descendants.
pub mod descendants {
    use std::collections::BTreeSet;
    use std::io;

    use super::unsupported;

    /// Whether [`become_subreaper`] is supported.
    pub const HAS_SUBREAPER: bool = false;

    /// Makes this process the parent of orphaned descendants: not supported yet.
    pub fn become_subreaper() -> io::Result<()> {
        Err(unsupported("orphans cannot be adopted on this system yet"))
    }

    /// Ends this process together with its parent: not supported, so this does nothing.
    pub fn die_with_parent(_parent: i32) -> io::Result<()> {
        Ok(())
    }

    /// All processes below `root`: not supported yet.
    pub fn descendants(_root: i32) -> io::Result<BTreeSet<i32>> {
        Err(unsupported("the children of a process cannot be found on this system yet"))
    }

    /// All processes of a session: not supported yet.
    pub fn session(_number: i32) -> io::Result<Vec<i32>> {
        Err(unsupported("the processes of a session cannot be found on this system yet"))
    }

    /// All processes that started at this time or later: not supported yet.
    pub fn since(_start_time: u64) -> io::Result<Vec<i32>> {
        Err(unsupported("processes cannot be listed on this system yet"))
    }

    /// Whether `pid` is `root`. Descendants are not visible, so they count as no.
    pub fn descends(pid: i32, root: i32) -> bool {
        pid == root
    }
}

/// Processes held by a descriptor.
pub(super) mod pidfd {
    use std::convert::Infallible;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};

    use super::unsupported;

    /// A process: not supported yet.
    #[derive(Debug)]
    pub(crate) struct PidFd(Infallible);

    impl PidFd {
        /// Opens a process: not supported yet.
        pub(crate) fn open(_pid: i32) -> io::Result<Option<Self>> {
            Err(unsupported("a process cannot be watched on this system yet"))
        }

        /// The same handle after a fork.
        pub(crate) fn after_fork(self) -> io::Result<Option<Self>> {
            match self.0 {}
        }

        /// Whether it has ended.
        pub(crate) fn has_ended(&self) -> io::Result<bool> {
            match self.0 {}
        }

        /// Sends a signal to this process.
        pub(crate) fn send(&self, _signal: i32) -> io::Result<bool> {
            match self.0 {}
        }
    }

    impl AsFd for PidFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}

/// Only Linux has files without a name in memory.
pub(super) fn memory_file(_name: &str) -> io::Result<std::os::fd::OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
