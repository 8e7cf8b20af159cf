//! Users and groups of a process, the Darwin way.
//!
//! The first of the supplementary groups *is* the effective group (`cr_gid` of `<sys/ucred.h>`), so it leads every list
//! that is set here, and has to be the right one by then: a later setgid(2) would leave it in the list.

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

/// `NGROUPS_MAX`. A user may be in more: those the kernel asks a daemon about, which a list that was set ends.
const MAX_GROUPS: usize = 16;

/// With room for this many getgrouplist(3) starts no thread.
const MAX_GROUPS_WITHOUT_THREAD: usize = MAX_GROUPS - 1;

pub(crate) fn groups() -> io::Result<Vec<u32>> {
    let mut groups = [0; MAX_GROUPS];
    let room = libc::c_int::try_from(groups.len()).map_err(io::Error::other)?;
    // SAFETY: the buffer has room for as many groups as we say.
    let count = Errno::result(unsafe { libc::getgroups(room, groups.as_mut_ptr()) })?;
    Ok(groups.into_iter().take(usize::try_from(count).unwrap_or(0)).collect())
}

/// Whether the exec was one with more rights than the starter's (issetugid(2)).
pub(crate) fn is_secure_exec() -> bool {
    // SAFETY: issetugid(2) takes nothing and gives a number.
    unsafe { libc::issetugid() != 0 }
}

/// Files have no rights here beside those of their user and group.
pub(crate) fn has_rights_of_the_file() -> bool {
    false
}

pub(crate) fn settled() -> io::Result<bool> {
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    let users = now.pbsi_ruid == now.pbsi_uid && now.pbsi_svuid == now.pbsi_uid;
    Ok(users && now.pbsi_rgid == now.pbsi_gid && now.pbsi_svgid == now.pbsi_gid)
}

/// Up to 16 are set, and are all then. A user who is in more is named to the kernel (initgroups(3)), which has the first
/// at hand and asks a directory service for the rest; lists of one's own cannot be as long (setgroups(2)).
pub(crate) fn set_groups(groups: &[u32], member: Option<&str>) -> io::Result<()> {
    let leader = nix::unistd::getegid().as_raw();
    let mut wanted = led_by(leader, groups);
    if wanted.len() > MAX_GROUPS {
        return match member {
            Some(name) => name_groups(name, leader, &wanted),
            None => Err(unsupported(
                "this system gives a process no more than 16 groups, the primary one among them",
            )),
        };
    }
    let count = libc::c_int::try_from(wanted.len()).map_err(io::Error::other)?;
    // SAFETY: the list is `count` groups long and is only read.
    Errno::result(unsafe { libc::setgroups(count, wanted.as_ptr()) })?;
    let mut set = self::groups()?;
    set.sort_unstable();
    wanted.sort_unstable();
    if set == wanted { Ok(()) } else { Err(io::Error::other("the groups are not those that were set")) }
}

/// initgroups(3), which has groups as signed numbers here, too.
fn name_groups(name: &str, leader: u32, wanted: &[u32]) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: the name ends in NUL.
    Errno::result(unsafe { libc::initgroups(name.as_ptr(), leader.cast_signed()) })?;
    // Which ones it has at hand is for the kernel to say; that they are none of the starter's is for us.
    match unwanted(&groups()?, leader, wanted) {
        None => Ok(()),
        Some(_) => Err(io::Error::other("the groups are not those that were set")),
    }
}

/// For root setgid(2) sets the real, the effective and the saved one.
pub(crate) fn set_group(gid: Gid) -> io::Result<()> {
    nix::unistd::setgid(gid)?;
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    if [now.pbsi_rgid, now.pbsi_gid, now.pbsi_svgid].iter().all(|&now| now == gid.as_raw()) {
        Ok(())
    } else {
        Err(io::Error::other("the group is not the one that was set"))
    }
}

/// For root setuid(2) sets the real, the effective and the saved one.
pub(crate) fn set_user(uid: Uid) -> io::Result<()> {
    nix::unistd::setuid(uid)?;
    let now = proc_info::process(nix::unistd::getpid().as_raw())?;
    if [now.pbsi_ruid, now.pbsi_uid, now.pbsi_svuid].iter().all(|&now| now == uid.as_raw()) {
        Ok(())
    } else {
        Err(io::Error::other("the user is not the one that was set"))
    }
}

/// setlogin(2): of the whole session.
pub(crate) fn set_login(name: &CStr) -> io::Result<()> {
    // SAFETY: the name ends in NUL and is only read.
    Errno::result(unsafe { libc::setlogin(name.as_ptr()) })?;
    Ok(())
}

/// getgrouplist(3), which nix does not offer here: Apple's has groups as signed numbers.
///
/// It is asked for no more than [`MAX_GROUPS_WITHOUT_THREAD`] groups: with room for more, macOS 14 and later start a thread to write that down
/// (Libinfo), and a process with two threads cannot become a daemon. Who is in more is looked up by a process of its own.
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

/// id(1), with an environment of its own.
fn many_groups_of(name: &str) -> io::Result<Vec<u32>> {
    /// A directory service may be slow.
    const TIMEOUT: Duration = Duration::from_secs(30);
    let mut command = Command::new("/usr/bin/id");
    command.env_clear().args(["-G", "--", name]);
    let answer = command_output::output_within(&mut command, TIMEOUT)?;
    id::groups(&answer).ok_or_else(|| io::Error::other("/usr/bin/id does not tell the groups of this user"))
}
