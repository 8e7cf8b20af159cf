//! Capabilities (capabilities(7)). Sets are the kernel's bit masks.

use std::io;

use caps::{CapSet, CapsHashSet};

fn set_of(bits: u64) -> CapsHashSet {
    caps::all().into_iter().filter(|capability| bits & capability.bitmask() != 0).collect()
}

/// The crate keeps the cause as text only; the kernel's own word is still in errno.
fn failed(_: caps::errors::CapsError) -> io::Error {
    io::Error::last_os_error()
}

/// Takes everything that is not in `keep` out of the bounding set.
pub fn bound(keep: u64) -> io::Result<()> {
    let bounding = caps::read(None, CapSet::Bounding).map_err(failed)?;
    let mut surplus: Vec<_> = bounding.into_iter().filter(|c| keep & c.bitmask() == 0).collect();
    // In the order of their numbers, as sets have none.
    surplus.sort_by_key(caps::Capability::index);
    surplus.into_iter().try_for_each(|c| caps::drop(None, CapSet::Bounding, c).map_err(failed))
}

/// Makes the next change of the user leave the permitted set (PR_SET_KEEPCAPS); an exec ends that.
pub fn keep_over_user_change() -> io::Result<()> {
    caps::securebits::set_keepcaps(true).map_err(failed)
}

/// Makes `bits` all that survives an exec: inheritable and ambient.
pub fn set_ambient(bits: u64) -> io::Result<()> {
    let wanted = set_of(bits);
    if bits != 0 {
        let mut permitted = caps::read(None, CapSet::Permitted).map_err(failed)?;
        permitted.extend(&wanted);
        caps::set(None, CapSet::Permitted, &permitted).map_err(failed)?;
    }
    caps::set(None, CapSet::Inheritable, &wanted).map_err(failed)?;
    // A kernel before 4.3 knows no ambient set: there is none to empty then.
    match caps::runtime::ambient_set_supported() {
        // At once, where the crate's way to set them asks for and lowers each one.
        Ok(()) if bits == 0 => caps::clear(None, CapSet::Ambient).map_err(failed),
        Ok(()) => caps::set(None, CapSet::Ambient, &wanted).map_err(failed),
        Err(_) if bits == 0 => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Gives up what is not in `keep`, now and in this thread: permitted and effective. Without an exec neither the bounding
/// set takes anything away, nor do the ambient ones become effective by themselves.
pub fn limit_own(keep: u64) -> io::Result<()> {
    let mut permitted = caps::read(None, CapSet::Permitted).map_err(failed)?;
    permitted.retain(|capability| keep & capability.bitmask() != 0);
    caps::set(None, CapSet::Effective, &permitted).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &permitted).map_err(failed)
}

/// PR_SET_NO_NEW_PRIVS: from here on no exec gives more rights.
pub fn no_new_privileges() -> io::Result<()> {
    Ok(nix::sys::prctl::set_no_new_privs()?)
}
