//! `launch_activate_socket` of launch(3), for programs that run under the stand-in for launchd: a library for `LD_PRELOAD`
//! (ld.so(8)), so that the code that calls it on a Mac can be run on Linux.
//!
//! It asks the stand-in (`launchd/control.rs`) and returns as documented: 0 with an array that the caller frees; ENOENT
//! if the job has no socket of that name; EALREADY the second time; ESRCH if launchd does not manage the process, or if
//! there is no launchd.
//!
//! As on a Mac the descriptors are *not* close-on-exec: the caller sets that.

#![allow(unsafe_code, reason = "it is a C interface")]

use std::ffi::{CStr, c_char, c_int};
use std::io::{IoSliceMut, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// The control socket of the stand-in (`launchd/control.rs`).
const SOCKET: &str = "/run/launchd.sock";

/// The maximal number of descriptors in a message (`SCM_MAX_FD`, unix(7)).
const MAX_DESCRIPTORS: usize = 253;

/// launch(3).
///
/// # Safety
///
/// `name` ends in NUL, and `fds` and `count` may be written to; or each may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn launch_activate_socket(
    name: *const c_char,
    fds: *mut *mut c_int,
    count: *mut usize,
) -> c_int {
    if name.is_null() || fds.is_null() || count.is_null() {
        return libc::EINVAL;
    }
    // SAFETY: by the contract the name ends in NUL, and it is not null.
    let name = unsafe { CStr::from_ptr(name) };
    match ask(name.to_bytes()) {
        Ok(received) => {
            // SAFETY: takes a number. One byte more, because malloc(0) may return null.
            let array: *mut c_int = unsafe { libc::malloc(size_of_val(&received[..]) + 1) }.cast();
            if array.is_null() {
                return libc::ENOMEM;
            }
            // SAFETY: the array has room for all descriptors, and does not overlap with the source.
            unsafe { array.copy_from_nonoverlapping(received.as_ptr(), received.len()) };
            // SAFETY: by the contract it may be written to, and it is not null.
            unsafe { fds.write(array) };
            // SAFETY: likewise.
            unsafe { count.write(received.len()) };
            0
        }
        Err(error) => error,
    }
}

fn ask(name: &[u8]) -> Result<Vec<RawFd>, c_int> {
    // Without a launchd the process is not managed.
    let mut stream = UnixStream::connect(SOCKET).map_err(|_| libc::ESRCH)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(|_| libc::EIO)?;
    stream.write_all(&[b"activate ", name, b"\n"].concat()).map_err(|_| libc::EIO)?;
    stream.shutdown(Shutdown::Write).map_err(|_| libc::EIO)?;
    let mut text = [0; 256];
    let mut parts = [IoSliceMut::new(&mut text)];
    let mut space = cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())
        .map_err(|error| error as c_int)?;
    let mut received = Vec::new();
    for control in message.cmsgs().map_err(|error| error as c_int)? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            received.extend(numbers);
        }
    }
    let length = message.bytes;
    let line = str::from_utf8(&text[..length]).map_err(|_| libc::EIO)?;
    match line.split(' ').next().and_then(|status| status.parse().ok()) {
        Some(0) => Ok(received),
        Some(error) => Err(error),
        None => Err(libc::EIO),
    }
}
