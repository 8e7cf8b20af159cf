//! Users and groups of a process on macOS.
//!
//! The first supplementary group *is* the effective group (`cr_gid` of `<sys/ucred.h>`), so it comes first in every
//! list set here, and must be final before: a later setgid(2) would leave the old one in the list.

use std::ffi::{CStr, CString};
use std::io;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid};

use super::super::accounts::User;
use super::super::command_output;
use super::super::posix::unsupported;
use super::super::rules::groups::{led_by, unwanted};
use super::super::rules::id;
use super::proc_info;

/// `NGROUPS_MAX`. A user may be in more groups: the kernel asks a daemon for those, unless a list was set.
const MAX_GROUPS: usize = 16;

/// Up to this size getgrouplist(3) starts no thread.
const MAX_GROUPS_WITHOUT_THREAD: usize = MAX_GROUPS - 1;

pub(crate) fn groups() -> io::Result<Vec<u32>> {
    let mut groups = [0; MAX_GROUPS];
    let room = libc::c_int::try_from(groups.len()).map_err(io::Error::other)?;
    // SAFETY: the buffer has room for `room` groups.
    let count = Errno::result(unsafe { libc::getgroups(room, groups.as_mut_ptr()) })?;
    Ok(groups.into_iter().take(usize::try_from(count).unwrap_or(0)).collect())
}

/// Whether the exec granted more privileges than the starter has (issetugid(2)).
pub(crate) fn is_secure_exec() -> bool {
    // SAFETY: issetugid(2) takes no argument and returns a number.
    unsafe { libc::issetugid() != 0 }
}

/// macOS has no file capabilities.
pub(crate) fn has_rights_of_the_file() -> bool {
    false
}

pub(crate) fn ids_are_final() -> io::Result<bool> {
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    let users = now.pbsi_ruid == now.pbsi_uid && now.pbsi_svuid == now.pbsi_uid;
    Ok(users && now.pbsi_rgid == now.pbsi_gid && now.pbsi_svgid == now.pbsi_gid)
}

/// Up to 16 groups are set directly and are then complete. For a user in more, the kernel gets the user's name
/// (initgroups(3)) and asks a directory service for the rest; setgroups(2) takes no longer list.
pub(crate) fn set_groups(groups: &[u32], member: Option<&str>) -> io::Result<()> {
    let leader = nix::unistd::getegid().as_raw();
    let mut wanted = led_by(leader, groups);
    if wanted.len() > MAX_GROUPS {
        return match member {
            Some(name) => name_groups(name, leader, &wanted),
            None => {
                Err(unsupported("this system allows a process at most 16 groups, including the primary one"))
            }
        };
    }
    let count = libc::c_int::try_from(wanted.len()).map_err(io::Error::other)?;
    // SAFETY: the list is `count` groups long and is only read.
    Errno::result(unsafe { libc::setgroups(count, wanted.as_ptr()) })?;
    let mut set = self::groups()?;
    set.sort_unstable();
    wanted.sort_unstable();
    if set == wanted {
        Ok(())
    } else {
        Err(io::Error::other("the groups differ from the requested ones after the change"))
    }
}

/// initgroups(3), whose groups are signed numbers on macOS.
fn name_groups(name: &str, leader: u32, wanted: &[u32]) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: the name ends in NUL.
    Errno::result(unsafe { libc::initgroups(name.as_ptr(), leader.cast_signed()) })?;
    // The kernel decides which groups it caches; they must not include any of the starter's.
    match unwanted(&groups()?, leader, wanted) {
        None => Ok(()),
        Some(_) => Err(io::Error::other("the groups differ from the requested ones after the change")),
    }
}

/// For root setgid(2) sets the real, the effective and the saved one.
pub(crate) fn set_group(gid: Gid) -> io::Result<()> {
    nix::unistd::setgid(gid)?;
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    if [now.pbsi_rgid, now.pbsi_gid, now.pbsi_svgid].iter().all(|&now| now == gid.as_raw()) {
        Ok(())
    } else {
        Err(io::Error::other("the group differs from the requested one after the change"))
    }
}

/// For root setuid(2) sets the real, the effective and the saved one.
pub(crate) fn set_user(uid: Uid) -> io::Result<()> {
    nix::unistd::setuid(uid)?;
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    if [now.pbsi_ruid, now.pbsi_uid, now.pbsi_svuid].iter().all(|&now| now == uid.as_raw()) {
        Ok(())
    } else {
        Err(io::Error::other("the user differs from the requested one after the change"))
    }
}

/// setlogin(2), for the whole session.
pub(crate) fn set_login(name: &CStr) -> io::Result<()> {
    // SAFETY: the name ends in NUL and is only read.
    Errno::result(unsafe { libc::setlogin(name.as_ptr()) })?;
    Ok(())
}

/// getgrouplist(3), which nix lacks on macOS: Apple's uses signed numbers.
///
/// It is called with room for at most [`MAX_GROUPS_WITHOUT_THREAD`] groups: with more, macOS 14 and later start a
/// logging thread (Libinfo), and a process with two threads cannot become a daemon. If a user is in more groups, a
/// separate process looks them up.
pub(crate) fn groups_of(user: &User, gid: u32) -> io::Result<Vec<u32>> {
    let name = CString::new(user.name.as_str())?;
    let mut found = [0; MAX_GROUPS_WITHOUT_THREAD];
    let mut count = libc::c_int::try_from(MAX_GROUPS_WITHOUT_THREAD).map_err(io::Error::other)?;
    // SAFETY: the name ends in NUL, and the list has room for `count` groups.
    let result =
        unsafe { libc::getgrouplist(name.as_ptr(), gid.cast_signed(), found.as_mut_ptr(), &raw mut count) };
    let mut groups: Vec<u32> = if result >= 0 {
        let count = usize::try_from(count).unwrap_or(0);
        found.into_iter().take(count).map(i32::cast_unsigned).collect()
    } else {
        many_groups_of(&user.name)?
    };
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// Executes id(1) with an empty environment.
fn many_groups_of(name: &str) -> io::Result<Vec<u32>> {
    /// Directory services may be slow.
    const TIMEOUT: Duration = Duration::from_secs(30);
    let mut command = Command::new("/usr/bin/id");
    command.env_clear().args(["-G", "--", name]);
    let answer = command_output::output_within(&mut command, TIMEOUT)?;
    id::groups(&answer).ok_or_else(|| io::Error::other("/usr/bin/id printed no groups of this user"))
}
