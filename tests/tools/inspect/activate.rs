//! Asks launchd for the sockets of a name, as a C program does (launch(3)).

use std::ffi::{CString, c_char, c_int};
use std::os::fd::BorrowedFd;
use std::{io, mem, ptr, slice};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::sockopt::SockType;
use nix::sys::socket::{SockaddrStorage, getsockname, getsockopt};

type Function = unsafe extern "C" fn(*const c_char, *mut *mut c_int, *mut usize) -> c_int;

/// The result as a line: `NAME: ENOENT`, or `NAME: Stream 127.0.0.1:80, Stream [::1]:80` with ` cloexec` after each socket
/// that has this flag. If the function does not exist, `NAME: nobody`.
#[allow(unsafe_code, reason = "it is a C interface")]
pub(crate) fn activate(name: &str) -> io::Result<String> {
    // SAFETY: the name ends in NUL.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"launch_activate_socket".as_ptr()) };
    if function.is_null() {
        return Ok(format!("{name}: nobody"));
    }
    // SAFETY: the pointer is not null, and the function of that name has this signature (launch(3)).
    let function = unsafe { mem::transmute::<*mut libc::c_void, Function>(function) };
    let asked = CString::new(name)?;
    let (mut numbers, mut count) = (ptr::null_mut(), 0);
    // SAFETY: the name ends in NUL, and both places live longer than the call.
    let error = unsafe { function(asked.as_ptr(), &raw mut numbers, &raw mut count) };
    if error != 0 {
        return Ok(format!("{name}: {:?}", Errno::from_raw(error)));
    }
    // SAFETY: on success `fds` is an array of `count` elements.
    let got = unsafe { slice::from_raw_parts(numbers, count) }.to_vec();
    // SAFETY: the caller has to free the array (launch(3)), and it is not read any more.
    unsafe { libc::free(numbers.cast()) };
    let sockets: io::Result<Vec<String>> = got.into_iter().map(describe).collect();
    Ok(format!("{name}: {}", sockets?.join(", ")))
}

#[allow(unsafe_code, reason = "a descriptor that is known by its number has no other door")]
fn describe(number: c_int) -> io::Result<String> {
    // SAFETY: the descriptor was passed just now, and stays open until the end of the process.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let address: SockaddrStorage = getsockname(number)?;
    let kind = getsockopt(&fd, SockType)?;
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?);
    let mark = if flags.contains(FdFlag::FD_CLOEXEC) { " cloexec" } else { "" };
    Ok(format!("{kind:?} {address}{mark}"))
}
