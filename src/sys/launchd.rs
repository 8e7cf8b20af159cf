//! The one question that launchd answers about the process that asks it (`launch_activate_socket`(3)).

use std::ffi::CStr;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

/// Why launchd handed over no socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `ENOENT`: a job of launchd's asks, but its property list has no socket of that name.
    NoSuchSocket,
    /// `EALREADY`: a job of launchd's asks, and has been given this socket before.
    AlreadyActivated,
    /// `ESRCH`: launchd did not start the process that asks.
    NotManaged,
    /// An error that the manual page does not name.
    Unknown,
    /// There is no launchd here.
    NotThisPlatform,
}

/// `launch_activate_socket`(3): 0 or an error number, and on success an array that malloc made.
type Function = unsafe extern "C" fn(
    name: *const libc::c_char,
    fds: *mut *mut libc::c_int,
    count: *mut libc::size_t,
) -> libc::c_int;

/// In libSystem since macOS 10.10.
#[cfg(target_os = "macos")]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it may be missing")]
fn function() -> Option<Function> {
    unsafe extern "C" {
        fn launch_activate_socket(
            name: *const libc::c_char,
            fds: *mut *mut libc::c_int,
            count: *mut libc::size_t,
        ) -> libc::c_int;
    }
    Some(launch_activate_socket)
}

/// No other system has it, unless a library was loaded that answers in launchd's place (the tests have one).
#[cfg(not(target_os = "macos"))]
fn function() -> Option<Function> {
    // SAFETY: the name ends in NUL; nothing is called.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"launch_activate_socket".as_ptr()) };
    // SAFETY: null is None; whoever has a function of this name has the one of the manual page.
    unsafe { std::mem::transmute::<*mut libc::c_void, Option<Function>>(address) }
}

/// Takes over the listening sockets of this name of the job that we are. Each name can be taken once.
pub fn activate(name: &CStr) -> Result<Vec<OwnedFd>, Refusal> {
    let function = function().ok_or(Refusal::NotThisPlatform)?;
    let mut numbers: *mut libc::c_int = std::ptr::null_mut();
    let mut count: libc::size_t = 0;
    // SAFETY: the name ends in NUL, and both places to write to live longer than the call.
    let result = unsafe { function(name.as_ptr(), &raw mut numbers, &raw mut count) };
    match result {
        0 if numbers.is_null() => Ok(Vec::new()),
        0 => {
            // SAFETY: on success the array holds `count` descriptors, and nobody else changes it.
            let taken = unsafe { std::slice::from_raw_parts(numbers, count) }.to_vec();
            // SAFETY: the array was allocated for us by malloc, is read no more, and is freed once.
            unsafe { libc::free(numbers.cast()) };
            let mut sockets = Vec::with_capacity(taken.len());
            for number in taken {
                // SAFETY: launchd gave us this descriptor just now, and nobody else knows of it.
                let socket = unsafe { OwnedFd::from_raw_fd(number) };
                let _ =
                    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC));
                sockets.push(socket);
            }
            Ok(sockets)
        }
        libc::ENOENT => Err(Refusal::NoSuchSocket),
        libc::EALREADY => Err(Refusal::AlreadyActivated),
        libc::ESRCH => Err(Refusal::NotManaged),
        _ => Err(Refusal::Unknown),
    }
}

/// The same, as descriptors that are known by their numbers alone, and that nobody closes: what is done with them is
/// not decided yet. They are close-on-exec.
pub fn take(name: &CStr) -> Result<Vec<i32>, Refusal> {
    Ok(activate(name)?.into_iter().map(IntoRawFd::into_raw_fd).collect())
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn elsewhere_there_is_no_launchd_to_ask() {
        assert_eq!(activate(c"Listeners").unwrap_err(), Refusal::NotThisPlatform);
    }
}
