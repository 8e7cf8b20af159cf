//! Users and groups of a process on Linux: real, effective and saved, all set at once.

use std::ffi::CStr;
use std::io;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid};

pub(crate) fn groups() -> io::Result<Vec<u32>> {
    // nix's wrapper reads /proc/sys/kernel/ngroups_max on each call.
    // SAFETY: with a size of 0 the call only returns the count.
    let count = Errno::result(unsafe { libc::getgroups(0, std::ptr::null_mut()) })?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: there is room for `count` numbers, and the call writes no more than that.
    let count = Errno::result(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    groups.truncate(usize::try_from(count).unwrap_or(0));
    Ok(groups)
}

/// Whether the exec granted more privileges than the starter has, according to the kernel or a security module
/// (`AT_SECURE`, getauxval(3)).
pub(crate) fn is_secure_exec() -> bool {
    // SAFETY: getauxval(3) takes a number and reads the vector that the kernel passed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether an ordinary user has more capabilities than the ambient ones (capabilities(7)): then the file has some.
pub(crate) fn has_rights_of_the_file() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    match (nix::unistd::geteuid().is_root(), set("CapPrm:"), set("CapAmb:")) {
        (false, Some(permitted), Some(handed_down)) => permitted & !handed_down != 0,
        _ => false,
    }
}

pub(crate) fn ids_are_final() -> io::Result<bool> {
    let (user, group) = (nix::unistd::getresuid()?, nix::unistd::getresgid()?);
    let same_user = user.real == user.effective && user.saved == user.effective;
    Ok(same_user && group.real == group.effective && group.saved == group.effective)
}

pub(crate) fn set_groups(groups: &[u32], _member: Option<&str>) -> io::Result<()> {
    let wanted: Vec<Gid> = groups.iter().map(|&gid| Gid::from_raw(gid)).collect();
    nix::unistd::setgroups(&wanted)?;
    let (mut set, mut wanted) = (self::groups()?, groups.to_vec());
    set.sort_unstable();
    wanted.sort_unstable();
    if set == wanted {
        Ok(())
    } else {
        Err(io::Error::other("the groups differ from the requested ones after the change"))
    }
}

pub(crate) fn set_group(gid: Gid) -> io::Result<()> {
    nix::unistd::setresgid(gid, gid, gid)?;
    let now = nix::unistd::getresgid()?;
    if now.real == gid && now.effective == gid && now.saved == gid {
        Ok(())
    } else {
        Err(io::Error::other("the group differs from the requested one after the change"))
    }
}

/// Sessions have no name on Linux: getlogin(3) reads the login record of the terminal, and a service has no terminal.
#[allow(clippy::unnecessary_wraps, reason = "another system may refuse")]
pub(crate) fn set_login(_name: &CStr) -> io::Result<()> {
    Ok(())
}

pub(crate) fn set_user(uid: Uid) -> io::Result<()> {
    nix::unistd::setresuid(uid, uid, uid)?;
    let now = nix::unistd::getresuid()?;
    if now.real == uid && now.effective == uid && now.saved == uid {
        Ok(())
    } else {
        Err(io::Error::other("the user differs from the requested one after the change"))
    }
}
