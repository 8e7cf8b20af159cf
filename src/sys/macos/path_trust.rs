//! Write access to a directory beyond its mode: access control lists (acl(3), chmod(1)) extend the mode and are not
//! visible in it.

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

// <sys/acl.h>; missing in the libc crate.
unsafe extern "C" {
    fn acl_get_link_np(path: *const c_char, kind: c_int) -> *mut c_void;
    fn acl_get_entry(list: *mut c_void, which: c_int, entry: *mut *mut c_void) -> c_int;
    fn acl_get_tag_type(entry: *mut c_void, tag: *mut c_int) -> c_int;
    fn acl_get_permset(entry: *mut c_void, permissions: *mut *mut c_void) -> c_int;
    fn acl_get_perm_np(permissions: *mut c_void, permission: c_int) -> c_int;
    fn acl_free(list: *mut c_void) -> c_int;
}

const ACL_TYPE_EXTENDED: c_int = 0x100;
const ACL_FIRST_ENTRY: c_int = 0;
const ACL_NEXT_ENTRY: c_int = -1;
const ACL_EXTENDED_ALLOW: c_int = 1;
/// Permissions on a directory: add a file, delete it, add a directory, delete a child, write the list, change the
/// owner.
const WRITING: [c_int; 6] = [1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 12, 1 << 13];

/// Whether the group bits of a directory may be the mask of an access control list. On macOS lists are separate from
/// the mode.
pub(crate) fn group_bits_may_be_a_mask(_path: &Path) -> bool {
    false
}

/// Whether an access control list grants write access beyond the mode.
pub(crate) fn access_list_lets_write(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return true };
    // SAFETY: the path ends in NUL and lives longer than the call.
    let list = unsafe { acl_get_link_np(path.as_ptr(), ACL_TYPE_EXTENDED) };
    if list.is_null() {
        return false;
    }
    let mut which = ACL_FIRST_ENTRY;
    let mut found = false;
    while !found {
        let mut entry = std::ptr::null_mut();
        // SAFETY: the list was just returned, and `entry` has room for a pointer into it.
        if unsafe { acl_get_entry(list, which, &raw mut entry) } != 0 {
            break;
        }
        which = ACL_NEXT_ENTRY;
        found = allows_writing(entry);
    }
    // SAFETY: the list is not used after this.
    unsafe { acl_free(list) };
    found
}

fn allows_writing(entry: *mut c_void) -> bool {
    let mut tag = 0;
    let mut permissions = std::ptr::null_mut();
    // SAFETY: the entry belongs to a live list, and there is room for what is written.
    let tagged = unsafe { acl_get_tag_type(entry, &raw mut tag) } == 0;
    // SAFETY: as before.
    let read = tagged && unsafe { acl_get_permset(entry, &raw mut permissions) } == 0;
    // SAFETY: the permissions belong to an entry of a live list.
    let has = |permission: c_int| unsafe { acl_get_perm_np(permissions, permission) != 0 };
    !read || (tag == ACL_EXTENDED_ALLOW && WRITING.into_iter().any(has))
}

/// Whether the file system of a path is mounted noexec.
pub(crate) fn is_noexec(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends in NUL, and there is room for the structure.
    let filled = unsafe { libc::statfs(path.as_ptr(), found.as_mut_ptr()) } == 0;
    // SAFETY: it is read only if the call has filled it.
    filled && i64::from(unsafe { found.assume_init() }.f_flags) & i64::from(libc::MNT_NOEXEC) != 0
}
