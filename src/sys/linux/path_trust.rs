//! Write access to a directory beyond its mode.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether the group bits of a directory may be the mask of an access control list (acl(5)), which covers all its
/// entries.
pub(crate) fn group_bits_may_be_a_mask(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return true };
    let name = c"system.posix_acl_access";
    // SAFETY: both strings end in NUL and live longer than the call, which with a size of 0 writes nothing.
    let size = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) };
    let none = [Some(libc::ENODATA), Some(libc::EOPNOTSUPP)];
    size >= 0 || !none.contains(&io::Error::last_os_error().raw_os_error())
}

/// Whether an access control list grants write access beyond the mode. POSIX lists (acl(5)) never do.
pub(crate) fn access_list_lets_write(_path: &Path) -> bool {
    false
}

/// Whether the file system of a path is mounted noexec.
pub(crate) fn is_noexec(path: &Path) -> bool {
    use nix::sys::statvfs::FsFlags;
    nix::sys::statvfs::statvfs(path).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC))
}
