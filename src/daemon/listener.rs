//! Sockets that somebody else has bound for us.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// One socket (or FIFO, or whatever was configured), close-on-exec, that was opened for the program: by a service manager, or
/// before its rights were given up.
///
/// What kind it is, the one who has written the unit knows; `TcpListener::from(listener.into_fd())` and its like in std
/// take it as what it is said to be.
#[derive(Debug)]
pub struct Listener {
    name: String,
    socket: OwnedFd,
}

impl Listener {
    pub(super) fn new(name: String, socket: OwnedFd) -> Self {
        Self { name, socket }
    }

    /// What the unit calls it (`FileDescriptorName=`, by default the name of the socket unit), or launchd's property list
    /// (the key in `Sockets`). Of one that the program has named itself: what `Field::FileDescriptorName` says, or `NAME.socket`
    /// after the service's name; `unknown` where nobody gives it a name (sd_listen_fds(3)).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The descriptor.
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
