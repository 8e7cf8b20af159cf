//! User and groups of this process.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid};

use super::platform;
use super::rules::groups::unwanted;

/// Proof that the user was changed for good.
#[derive(Debug)]
pub struct PermanentUser(());

/// The effective user.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Whether the exec gave this process more privileges than its starter has: the file is set-user-ID, set-group-ID, or
/// has capabilities. Everything that the starter chose, first of all the environment, may then be an attack.
pub fn has_lent_rights() -> bool {
    // A security module may also request a secure exec (SELinux, for a new domain), without granting privileges.
    platform::is_secure_exec()
        && (nix::unistd::getuid() != nix::unistd::geteuid()
            || nix::unistd::getgid() != nix::unistd::getegid()
            || platform::has_rights_of_the_file())
}

/// User and groups of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessIdentity {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// Whether the real and saved user and group equal the effective ones, so that no other can be regained.
    pub ids_are_final: bool,
}

/// User and groups of this process.
pub fn current() -> io::Result<ProcessIdentity> {
    let mut groups = platform::groups()?;
    groups.sort_unstable();
    groups.dedup();
    let ids_are_final = platform::ids_are_final()?;
    Ok(ProcessIdentity { uid: effective_user(), gid: nix::unistd::getegid().as_raw(), groups, ids_are_final })
}

/// Runs `act` with the effective user and groups of another user. Only root can.
///
/// For opening files in directories of that user, so that only files that the user can open are opened. The group is
/// set before the groups: on macOS a later change of the group would put root's group into the list (`rules::groups`).
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
        // set_groups reads them back; a change of the user does not affect them.
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

/// Another real user and group, as which this process sends messages over Unix sockets (unix(7), `SCM_CREDENTIALS`). Its rights
/// stay. The own ones come back when this is dropped.
#[derive(Debug)]
pub struct RealUser {
    uid: u32,
    gid: u32,
}

impl RealUser {
    /// Changes them. Only root can. Without a group that stays.
    pub fn new(uid: u32, gid: Option<u32>) -> io::Result<Self> {
        let own = Self { uid: nix::unistd::getuid().as_raw(), gid: nix::unistd::getgid().as_raw() };
        if let Some(gid) = gid {
            require_valid_id(gid)?;
            set_real_group(gid)?;
        }
        require_valid_id(uid)?;
        set_real_user(uid)?;
        Ok(own)
    }
}

impl Drop for RealUser {
    fn drop(&mut self) {
        let _ = set_real_user(self.uid);
        let _ = set_real_group(self.gid);
    }
}

fn set_real_user(uid: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers; -1 leaves the effective user.
    nix::errno::Errno::result(unsafe { libc::setreuid(uid, libc::uid_t::MAX) })?;
    Ok(())
}

fn set_real_group(gid: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers; -1 leaves the effective group.
    nix::errno::Errno::result(unsafe { libc::setregid(gid, libc::gid_t::MAX) })?;
    Ok(())
}

/// Replaces the supplementary groups.
///
/// `member` is the user whose complete list of groups this is. A system that limits the groups of a process (macOS)
/// looks up the others by that name.
pub fn set_groups(groups: &[u32], member: Option<&str>) -> io::Result<()> {
    platform::set_groups(groups, member)
}

/// Sets the login name of the session (setlogin(2)), where sessions have one. Only root can. It affects every process
/// in the session.
pub fn set_login(name: &str) -> io::Result<()> {
    platform::set_login(&CString::new(name)?)
}

/// Sets the real, effective and saved group, and reads them back.
pub fn set_group(gid: u32) -> io::Result<()> {
    require_valid_id(gid)?;
    platform::set_group(Gid::from_raw(gid))
}

/// Sets the real, effective and saved user, reads them back, and proves that root cannot be regained.
///
/// This is the last change, so the groups are read once more and must equal `groups`, if given: a kernel may change
/// them together with the group or the user.
pub fn set_user(uid: u32, groups: Option<&[u32]>) -> io::Result<PermanentUser> {
    require_valid_id(uid)?;
    platform::set_user(Uid::from_raw(uid))?;
    if let Some(wanted) = groups {
        let effective = nix::unistd::getegid().as_raw();
        if let Some(gid) = unwanted(&platform::groups()?, effective, wanted) {
            return Err(io::Error::other(format!("the process is still a member of the group {gid}")));
        }
    }
    if uid != 0 && nix::unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other("root could be regained after the change"));
    }
    Ok(PermanentUser(()))
}

/// -1 is not a valid id: the kernel reads it as "no change" (setresuid(2)) or rejects it. On macOS it is the id of the
/// group `nogroup`.
fn require_valid_id(number: u32) -> io::Result<()> {
    if number == u32::MAX {
        let cause = "the id -1 is not valid for a process (on macOS it is the group 'nogroup')";
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
