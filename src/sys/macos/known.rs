//! What tells one process, and one boot, from all others.

use std::io;

use nix::errno::Errno;

use super::super::process::Identity;
use super::super::process::Users;
use super::proc_info;

/// The start time is in microseconds since 1970.
pub(crate) fn identity(pid: i32) -> io::Result<Identity> {
    let info = proc_info::process(pid)?;
    let start_time = info.pbi_start_tvsec.wrapping_mul(1_000_000).wrapping_add(info.pbi_start_tvusec);
    Ok(Identity { start_time, ended: info.pbi_status == libc::SZOMB })
}

/// PROC_FLAG_INEXIT of `<sys/proc_info.h>`: it has begun to end. A zombie has ended.
pub(crate) fn is_exiting(pid: i32) -> io::Result<bool> {
    const IN_EXIT: u32 = 4;
    let info = proc_info::process(pid)?;
    Ok(info.pbi_flags & IN_EXIT != 0 || info.pbi_status == libc::SZOMB)
}

pub(crate) fn users(pid: i32) -> io::Result<Users> {
    let info = proc_info::process(pid)?;
    Ok(Users { real: info.pbi_ruid, effective: info.pbi_uid })
}

/// There is only one.
pub(crate) fn namespace() -> Option<String> {
    None
}

/// `kern.bootsessionuuid`. The time of the boot would not do: it moves whenever the clock is set.
pub(crate) fn boot() -> io::Result<String> {
    let mut text = [0_u8; 64];
    let mut length = text.len();
    let name = c"kern.bootsessionuuid".as_ptr();
    // SAFETY: the name ends in NUL, the buffer is `length` bytes long, and nothing is set.
    let result = unsafe {
        libc::sysctlbyname(name, text.as_mut_ptr().cast(), &raw mut length, std::ptr::null_mut(), 0)
    };
    Errno::result(result)?;
    let text = std::ffi::CStr::from_bytes_until_nul(&text).map_err(io::Error::other)?;
    Ok(text.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_has_one_name() {
        assert!(!boot().unwrap().is_empty());
        assert_eq!(boot().unwrap(), boot().unwrap());
    }
}
