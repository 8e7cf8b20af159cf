//! Who this process is.

use std::io;

use nix::unistd::Gid;
use nix::unistd::Uid;

use super::platform;

/// Proof that this process is who it is to be, and can become nobody else.
#[derive(Debug)]
pub struct Settled(());

/// The effective user.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The real and the effective user, the real and the effective group, and the supplementary groups, sorted.
pub fn current() -> io::Result<(u32, u32, u32, u32, Vec<u32>)> {
    use nix::unistd::getegid;
    use nix::unistd::geteuid;
    use nix::unistd::getgid;
    use nix::unistd::getuid;
    let mut groups = platform::groups()?;
    groups.sort_unstable();
    groups.dedup();
    Ok((getuid().as_raw(), geteuid().as_raw(), getgid().as_raw(), getegid().as_raw(), groups))
}

/// Does something with the rights of somebody else, for as long as it takes. Only root can.
///
/// It is for opening files in places that belong to them: what they could not open, we do not open for them.
pub fn with_rights_of<T>(
    uid: u32,
    gid: u32,
    groups: &[u32],
    act: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let own_groups = platform::groups()?;
    let own_group = nix::unistd::getegid();
    platform::set_groups(groups)?;
    let became =
        nix::unistd::setegid(Gid::from_raw(gid)).and_then(|()| nix::unistd::seteuid(Uid::from_raw(uid)));
    let result = match became {
        Ok(()) => act(),
        Err(error) => Err(error.into()),
    };
    nix::unistd::seteuid(Uid::from_raw(0))?;
    nix::unistd::setegid(own_group)?;
    platform::set_groups(&own_groups)?;
    result
}

/// Replaces the supplementary groups.
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    platform::set_groups(groups)
}

/// Sets the real, effective and saved group, and reads them back.
pub fn set_group(gid: u32) -> io::Result<()> {
    platform::set_group(Gid::from_raw(gid))
}

/// Sets the real, effective and saved user, reads them back, and proves that root cannot be had again.
pub fn set_user(uid: u32) -> io::Result<Settled> {
    platform::set_user(Uid::from_raw(uid))?;
    if uid != 0 && nix::unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other("root could be had again after the change"));
    }
    Ok(Settled(()))
}
