//! The running program, as a file of the kernel.

use std::ffi::CString;
use std::io;
use std::path::PathBuf;

/// Linux does not require an exec after a fork.
pub(crate) const EXEC_AFTER_FORK: bool = false;

/// The link leads to the file itself, even if it was renamed or deleted (proc(5)).
#[allow(clippy::unnecessary_wraps, reason = "another system has to be asked")]
pub(crate) fn own_image() -> io::Result<PathBuf> {
    Ok("/proc/self/exe".into())
}

pub(crate) fn process_name() -> Vec<u8> {
    let mut name = [0_u8; 16];
    // SAFETY: PR_GET_NAME writes at most 16 bytes, and there is room for them.
    let asked = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    if asked == 0 { name.into_iter().take_while(|&byte| byte != 0).collect() } else { Vec::new() }
}

pub(crate) fn set_process_name(name: &[u8]) {
    if let Ok(name) = CString::new(name) {
        // SAFETY: PR_SET_NAME reads to the first NUL or 16 bytes, and the name ends in NUL. It cannot fail.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
}
