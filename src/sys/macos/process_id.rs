//! The identity of a process and of a boot.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use nix::errno::Errno;

use super::super::process::{ProcessId, Users};
use super::proc_info;

/// The start time is in microseconds since 1970. An exec keeps it.
pub(crate) fn identity(pid: i32) -> io::Result<ProcessId> {
    let found = proc_info::status(pid)?;
    Ok(ProcessId { start_time: found.started, ended: u32::from(found.state) == libc::SZOMB })
}

/// By the order of all forks of this boot, which does not depend on the clock.
pub(crate) fn is_younger(pid: i32, than: i32) -> io::Result<bool> {
    Ok(proc_info::order(pid)? > proc_info::order(than)?)
}

pub(crate) fn same_start(one: u64, other: u64) -> bool {
    one == other
}

pub(crate) fn age(start_time: u64) -> io::Result<Duration> {
    let since = UNIX_EPOCH.checked_add(Duration::from_micros(start_time));
    // An error if the clock was set back.
    since.and_then(|since| since.elapsed().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// PROC_FLAG_INEXIT of `<sys/proc_info.h>`: it is exiting. A zombie has ended.
pub(crate) fn is_exiting(pid: i32) -> io::Result<bool> {
    const IN_EXIT: u32 = 4;
    let info = proc_info::process(pid)?;
    Ok(info.pbsi_flags & IN_EXIT != 0 || info.pbsi_status == libc::SZOMB)
}

pub(crate) fn is_stopped(pid: i32) -> io::Result<bool> {
    proc_info::process(pid).map(|info| info.pbsi_status == libc::SSTOP)
}

pub(crate) fn has_stopped(pid: i32) -> io::Result<bool> {
    proc_info::process(pid).map(|info| matches!(info.pbsi_status, libc::SSTOP | libc::SZOMB))
}

pub(crate) fn users(pid: i32) -> io::Result<Users> {
    let info = proc_info::process(pid)?;
    Ok(Users { real: info.pbsi_ruid, effective: info.pbsi_uid })
}

/// macOS has no pid namespaces.
pub(crate) fn namespace() -> Option<String> {
    None
}

/// `_CS_DARWIN_USER_DIR` (confstr(3)): below `/var/folders`, created by the system for each user, never swept.
pub(crate) fn user_directory() -> Option<PathBuf> {
    let mut path = vec![0_u8; 1024];
    // SAFETY: the buffer is `path.len()` bytes long, and the call keeps no pointer to it.
    let length = unsafe { libc::confstr(libc::_CS_DARWIN_USER_DIR, path.as_mut_ptr().cast(), path.len()) };
    if length == 0 || length > path.len() {
        return None;
    }
    let path = std::ffi::CStr::from_bytes_until_nul(&path).ok()?;
    // Removes the trailing slash.
    Some(PathBuf::from(OsStr::from_bytes(path.to_bytes())).components().collect())
}

/// `kern.bootsessionuuid`. The boot time is unsuitable: it changes whenever the clock is set.
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
    use std::process::{Command, Stdio};

    use super::*;

    fn own() -> i32 {
        nix::unistd::getpid().as_raw()
    }

    #[test]
    fn later_process_is_younger_even_as_a_zombie() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(is_younger(pid, own()).unwrap() && !is_younger(own(), pid).unwrap());
        let found = identity(pid).unwrap();
        assert!(!found.ended);
        child.kill().unwrap();
        while !identity(pid).unwrap().ended {}
        assert_eq!(identity(pid).unwrap().start_time, found.start_time);
        assert!(is_exiting(pid).unwrap());
        child.wait().unwrap();
        assert_eq!(identity(pid).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn process_of_another_user_is_visible() {
        assert!(!identity(1).unwrap().ended);
        assert!(is_younger(own(), 1).unwrap());
        assert_eq!(users(1).unwrap(), Users { real: 0, effective: 0 });
    }

    #[test]
    fn boot_id_is_stable() {
        assert!(!boot().unwrap().is_empty());
        assert_eq!(boot().unwrap(), boot().unwrap());
    }
}
