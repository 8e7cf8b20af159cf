//! Extended attributes of files (xattr(7)) that matter to a service manager.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The attribute of a downloaded file: launchd rejects property lists with it. Other systems have no such attribute;
/// there a user attribute simulates it.
#[cfg(target_os = "macos")]
pub const QUARANTINE: &str = "com.apple.quarantine";
/// The attribute of a downloaded file: launchd rejects property lists with it. Other systems have no such attribute;
/// there a user attribute simulates it.
#[cfg(not(target_os = "macos"))]
pub const QUARANTINE: &str = "user.com.apple.quarantine";

/// Whether launchd is the service manager of this platform.
pub const HAS_LAUNCHD: bool = cfg!(target_os = "macos");

/// Whether a file (not the target of a link) has an attribute of this name. `false` if it cannot be read.
pub fn has(path: &Path, name: &str) -> bool {
    let (Ok(path), Ok(name)) = (CString::new(path.as_os_str().as_bytes()), CString::new(name)) else {
        return false;
    };
    #[cfg(target_os = "linux")]
    // SAFETY: both strings end in NUL and live longer than the call, which with a size of 0 writes nothing.
    let size = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) };
    #[cfg(target_os = "macos")]
    // SAFETY: both strings end in NUL and live longer than the call, which with a size of 0 writes nothing.
    let size = unsafe {
        libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0, 0, libc::XATTR_NOFOLLOW)
    };
    size >= 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_attribute_or_file_has_no_attribute() {
        assert!(!has(Path::new("/"), QUARANTINE));
        assert!(!has(Path::new("/no/such"), QUARANTINE));
        assert!(!has(Path::new("a\0b"), QUARANTINE));
    }
}
