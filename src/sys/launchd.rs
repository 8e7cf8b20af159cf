//! Socket activation by launchd (`launch_activate_socket`(3)).

use std::ffi::CStr;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

/// Why launchd returned no socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `ENOENT`: the caller is a launchd job, but its property list has no socket of that name.
    NoSuchSocket,
    /// `EALREADY`: the socket was activated before.
    AlreadyActivated,
    /// `ESRCH`: launchd did not start the caller.
    NotManaged,
    /// An error that the manual page does not list.
    Unknown,
    /// This system has no launchd.
    NotThisPlatform,
}

/// `launch_activate_socket`(3): returns 0 or an errno, and on success an array allocated by malloc(3).
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

/// Other systems lack it, unless a preloaded library provides it, as in the tests.
#[cfg(not(target_os = "macos"))]
fn function() -> Option<Function> {
    // SAFETY: the name ends in NUL; nothing is called.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"launch_activate_socket".as_ptr()) };
    // SAFETY: null becomes `None`; a function of this name has the signature of the manual page.
    unsafe { std::mem::transmute::<*mut libc::c_void, Option<Function>>(address) }
}

/// Activates the sockets with this name in the job's property list. Works once for each name.
pub fn activate(name: &CStr) -> Result<Vec<OwnedFd>, Refusal> {
    let function = function().ok_or(Refusal::NotThisPlatform)?;
    let mut numbers: *mut libc::c_int = std::ptr::null_mut();
    let mut count: libc::size_t = 0;
    // SAFETY: the name ends in NUL, and both places to write to live longer than the call.
    let result = unsafe { function(name.as_ptr(), &raw mut numbers, &raw mut count) };
    match result {
        0 if numbers.is_null() => Ok(Vec::new()),
        0 => {
            // SAFETY: on success the array holds `count` descriptors, and nothing else changes it.
            let taken = unsafe { std::slice::from_raw_parts(numbers, count) }.to_vec();
            // SAFETY: malloc allocated the array for this call; it is not read after this and freed once.
            unsafe { libc::free(numbers.cast()) };
            let mut sockets = Vec::with_capacity(taken.len());
            for number in taken {
                // SAFETY: launchd has just returned this descriptor, so nothing else owns it.
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

/// The same as raw numbers without an owner, close-on-exec: their use is decided later.
pub fn take(name: &CStr) -> Result<Vec<i32>, Refusal> {
    Ok(activate(name)?.into_iter().map(IntoRawFd::into_raw_fd).collect())
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn activation_without_launchd_is_refused() {
        assert_eq!(activate(c"Listeners").unwrap_err(), Refusal::NotThisPlatform);
    }
}
