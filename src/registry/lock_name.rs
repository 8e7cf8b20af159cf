//! The names of locks and of a launcher's notify socket.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use svcadapt_spec::{AbsPath, ServiceName};

use super::lock_directory;
use super::lock_directory::directory;
use super::record_file::RECORD;
use crate::sys::directories::THIS_SYSTEM;
use crate::sys::{file, process};

/// The lock of a service. `None` if it has neither a name nor a pid file.
pub fn path(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<PathBuf> {
    Some(directory().join(file_name(name, pid_file)?))
}

/// The file name of that lock.
pub fn file_name(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<OsString> {
    match (name, pid_file) {
        (Some(name), _) => Some(THIS_SYSTEM.file_name(name.as_str()).into()),
        (None, Some(pid_file)) => Some(key(pid_file.as_path())),
        (None, None) => None,
    }
}

/// The name of the service with this lock. `None` if it has only a pid file.
pub fn name_of(lock: &Path) -> Option<String> {
    let name = lock.file_name()?.to_str()?;
    (!name.starts_with('.')).then(|| THIS_SYSTEM.service_name(name))
}

/// Whether this is the address of a launcher's notify socket, open or closed.
pub fn is_launchers(address: &OsStr) -> bool {
    let path = Path::new(address);
    let socket = path.file_name().is_some_and(|name| name.as_bytes().starts_with(SOCKET.as_bytes()));
    (socket && lock_directory::contains(path)) || address.as_bytes().starts_with(ABSTRACT_SOCKET)
}

/// A name for the notify socket of this process. Its pid alone may also be that of a process of another container that
/// shares the directory.
pub fn notify_socket() -> PathBuf {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    directory().join(format!("{SOCKET}{}.{:x}", process::own_pid(), now.as_nanos()))
}

/// The pid of the process with this notify or control socket.
pub fn socket_pid(name: &OsStr) -> Option<i32> {
    let name = name.to_str()?;
    let rest = name.strip_prefix(SOCKET).or_else(|| name.strip_prefix(CONTROL_SOCKET))?;
    rest.split('.').next()?.parse().ok()
}

/// The prefix of the name of a launcher's socket; the launcher's pid follows.
const SOCKET: &str = ".notify.";
/// The same for a socket without a place in the file system ([`crate::sys::socket`]).
const ABSTRACT_SOCKET: &[u8] = b"@svcadapt/notify/";

/// The control socket of the monitor with this pid, beside the lock of its service. The monitor of another service may
/// have the same pid, in a container that shares the directory.
pub fn control_socket(lock: &Path, pid: i32) -> PathBuf {
    let name = lock.file_name().unwrap_or_default();
    lock.with_file_name(format!("{CONTROL_SOCKET}{pid}.{}", file::digest(name.as_bytes())))
}

/// The prefix of the name of a monitor's control socket; the monitor's pid follows.
const CONTROL_SOCKET: &str = ".control.";

/// Encodes a path as a file name that no service can have. `%` escapes ambiguous bytes. A path that is too long is
/// replaced by a digest.
pub(super) fn key(path: &Path) -> OsString {
    let mut name = b".".to_vec();
    for &byte in path.as_os_str().as_bytes().iter().skip(1) {
        match byte {
            b'/' => name.push(b','),
            b'%' | b',' => name.extend(format!("%{byte:02x}").bytes()),
            _ => name.push(byte),
        }
    }
    if name.len() + RECORD.len() > file::MAX_NAME_BYTES {
        // No encoded path begins with two `%`.
        name = format!(".%%{}", file::digest(path.as_os_str().as_bytes())).into_bytes();
    }
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pid_files_have_one_key() {
        assert_eq!(key(Path::new("/run/a-b.pid")), ".run,a-b.pid");
        assert_ne!(key(Path::new("/run/a,b")), key(Path::new("/run/a/b")));
        let long = |last: &str| key(&Path::new("/run").join("a/".repeat(1500)).join(last));
        assert_eq!(long("x").len(), 35);
        assert_ne!(long("x"), long("y"));
    }
}
