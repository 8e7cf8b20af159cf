//! There are no capabilities: root can do everything, and everybody else what their user may.

use std::io;

use super::unsupported;

fn none() -> io::Error {
    unsupported("this system has no capabilities")
}

/// Takes everything that is not in `keep` out of the bounding set: there is none.
pub fn bound(_keep: u64) -> io::Result<()> {
    Err(none())
}

/// Makes the next change of the user leave the permitted set: there is none.
pub fn keep_over_user_change() -> io::Result<()> {
    Err(none())
}

/// Makes `bits` all that survives an exec. Where that is nothing it is true already.
pub fn set_ambient(bits: u64) -> io::Result<()> {
    if bits == 0 { Ok(()) } else { Err(none()) }
}

/// Gives up what is not in `keep`: there is nothing to give up.
pub fn limit_own(_keep: u64) -> io::Result<()> {
    Ok(())
}

/// From here on no exec gives more rights: not to be had.
pub fn no_new_privileges() -> io::Result<()> {
    Err(unsupported("this system cannot keep a program from gaining rights by an exec"))
}
