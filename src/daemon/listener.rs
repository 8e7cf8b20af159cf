//! Sockets that were bound for the program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A socket, FIFO or other configured descriptor, close-on-exec, opened for the program by a service manager or before
/// privileges were dropped.
///
/// It is the same on every host. systemd passes sockets in `LISTEN_FDS` (sd_listen_fds(3)); under launchd, which has no
/// `LISTEN_FDS`, they are those of `Sockets` in the job's property list (launch_activate_socket(3)).
///
/// The unit defines its kind; `TcpListener::from(listener.into_fd())` and the like in std convert it without a check.
#[derive(Debug)]
pub struct Listener {
    name: String,
    socket: OwnedFd,
}

impl Listener {
    pub(super) fn new(name: String, socket: OwnedFd) -> Self {
        Self { name, socket }
    }

    /// The name: `FileDescriptorName=` of the unit (default: the name of the socket unit), or the key in `Sockets` of
    /// launchd's property list. For a socket that the program opens itself: `Field::FileDescriptorName`, or
    /// `NAME.socket` after the service's name. `unknown` if no name was passed (sd_listen_fds(3)).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Converts it into the descriptor.
    pub fn into_fd(self) -> OwnedFd {
        self.socket
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        listener.into_fd()
    }
}
