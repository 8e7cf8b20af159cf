//! These systems have no capabilities: root may do everything, other users only what their user may.

use std::io;

use super::unsupported;

fn none() -> io::Error {
    unsupported("this system has no capabilities")
}

/// Restricts the bounding set: not supported.
pub fn bound(_keep: u64) -> io::Result<()> {
    Err(none())
}

/// Keeps the permitted set over a change of user: not supported.
pub fn keep_over_user_change() -> io::Result<()> {
    Err(none())
}

/// Sets the capabilities that survive an exec. An empty set is already in effect.
pub fn set_ambient(bits: u64) -> io::Result<()> {
    if bits == 0 { Ok(()) } else { Err(none()) }
}

/// This system has no capabilities to restrict.
pub fn limit_own(_keep: u64) -> io::Result<()> {
    Ok(())
}

/// This system has no secure bits.
pub fn set_secure_bits(_bits: u8) -> io::Result<()> {
    Err(none())
}

/// Prevents an exec from granting privileges: not supported.
pub fn no_new_privileges() -> io::Result<()> {
    Err(unsupported("this system cannot prevent an exec from granting privileges"))
}
