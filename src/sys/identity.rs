//! Who this process is.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid};

use super::platform;
use super::rules::groups::unwanted;

/// Proof that this process is who it is to be, and can become nobody else.
#[derive(Debug)]
pub struct Settled(());

/// The effective user.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Whether an exec has given this process more rights than its starter has: the file is set-user-ID, set-group-ID, or has
/// capabilities. Then everything that the starter chose, the environment first of all, may be meant for those rights.
pub fn has_lent_rights() -> bool {
    // A security module asks for a secure exec too (SELinux, of a new domain), and lends no rights.
    platform::is_secure_exec()
        && (nix::unistd::getuid() != nix::unistd::geteuid()
            || nix::unistd::getgid() != nix::unistd::getegid()
            || platform::has_rights_of_the_file())
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Current {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// Whether the real and the saved user and group are the effective ones too, so that nobody else can be become.
    pub settled: bool,
}

/// Who this process is.
pub fn current() -> io::Result<Current> {
    let mut groups = platform::groups()?;
    groups.sort_unstable();
    groups.dedup();
    let settled = platform::settled()?;
    Ok(Current { uid: effective_user(), gid: nix::unistd::getegid().as_raw(), groups, settled })
}

/// Does something with the rights of somebody else, for as long as it takes. Only root can.
///
/// It is for opening files in places that belong to them: what they could not open, we do not open for them. The group
/// comes before the groups: on macOS a later change of the group would put root's among them (`rules::groups`).
pub fn with_rights_of<T>(
    uid: u32,
    gid: u32,
    groups: &[u32],
    member: Option<&str>,
    act: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let own_groups = platform::groups()?;
    let own_group = nix::unistd::getegid();
    let become_them = || {
        nix::unistd::setegid(Gid::from_raw(gid))?;
        // It reads them back; a change of the user leaves them.
        platform::set_groups(groups, member)?;
        nix::unistd::seteuid(Uid::from_raw(uid))?;
        Ok(())
    };
    let result = become_them().and_then(|()| act());
    nix::unistd::seteuid(Uid::from_raw(0))?;
    nix::unistd::setegid(own_group)?;
    platform::set_groups(&own_groups, None)?;
    result
}

/// Replaces the supplementary groups.
///
/// `member` is the user whose own groups these are, all of them and no others. A system that gives a process fewer groups
/// than a user may be in (macOS) finds the others by that name.
pub fn set_groups(groups: &[u32], member: Option<&str>) -> io::Result<()> {
    platform::set_groups(groups, member)
}

/// Gives the session of this process its user's name (setlogin(2)), where sessions have one. Only root can. Of a session
/// that others are in, too, it would change theirs.
pub fn set_login(name: &str) -> io::Result<()> {
    platform::set_login(&CString::new(name)?)
}

/// Sets the real, effective and saved group, and reads them back.
pub fn set_group(gid: u32) -> io::Result<()> {
    changes(gid)?;
    platform::set_group(Gid::from_raw(gid))
}

/// Sets the real, effective and saved user, reads them back, and proves that root cannot be had again.
///
/// It is the last of the changes, so the groups are read once more, where they are known to be `groups` and no others:
/// what a kernel makes of them when the group or the user changes, it may say to nobody.
pub fn set_user(uid: u32, groups: Option<&[u32]>) -> io::Result<Settled> {
    changes(uid)?;
    platform::set_user(Uid::from_raw(uid))?;
    if let Some(wanted) = groups {
        let effective = nix::unistd::getegid().as_raw();
        if let Some(gid) = unwanted(&platform::groups()?, effective, wanted) {
            return Err(io::Error::other(format!("the process is still a member of the group {gid}")));
        }
    }
    if uid != 0 && nix::unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other("root could be had again after the change"));
    }
    Ok(Settled(()))
}

/// -1 is the number of no user and no group: the kernel takes it for "no change" (setresuid(2)), or for none at all. On
/// macOS it is that of the group `nogroup`.
fn changes(number: u32) -> io::Result<()> {
    if number == u32::MAX {
        let cause = "its number is -1, which no process can have (on macOS that of the group 'nogroup')";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_that_means_no_change_is_refused() {
        assert_eq!(set_group(u32::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(set_user(u32::MAX, None).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
