//! The datagram socket of the notify protocol (sd_notify(3)), from the side that listens.

use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use super::number::cast;

/// A socket that services send notifications to.
#[derive(Debug)]
pub struct NotifySocket(OwnedFd);

/// One datagram.
#[derive(Debug)]
pub struct Datagram {
    /// What it says; no more than [`MAX_DATAGRAM_BYTES`] bytes.
    pub bytes: Vec<u8>,
    /// The process that sent it, as the kernel vouches for it.
    pub sender: Option<i32>,
    /// Whether it was longer than it may be, or brought more than we could take.
    pub cut: bool,
    /// What it brought: closing it is what the sender of a BARRIER waits for.
    #[allow(dead_code, reason = "held until the message was acted on, and closed then")]
    pub descriptors: Vec<OwnedFd>,
}

/// systemd's own limit: it drops a longer datagram whole.
pub const MAX_DATAGRAM_BYTES: usize = 4096;

/// So many descriptors one message can bring (unix(7), SCM_MAX_FD).
const MAX_DESCRIPTORS: usize = 253;

/// Room for them, for the sender, and for what a kernel may add that we did not ask for.
const CONTROL: usize = MAX_DESCRIPTORS * size_of::<i32>() + 256;

impl NotifySocket {
    /// The longest path that a socket can have here (`sun_path`, unix(7), with its NUL).
    pub const MAX_PATH_BYTES: usize =
        size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

    /// Binds to a path that must not exist.
    pub fn at(path: &Path) -> io::Result<Self> {
        let address = std::os::unix::net::SocketAddr::from_pathname(path)?;
        let socket = std::os::unix::net::UnixDatagram::bind_addr(&address)?;
        // A name that nobody listens at is of no use to anybody.
        Self::bound(socket).inspect_err(|_| drop(std::fs::remove_file(path)))
    }

    fn bound(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        super::platform::ask_for_credentials(&socket)?;
        Ok(Self(socket.into()))
    }

    /// Binds to a name in the abstract namespace that the kernel chooses; says which.
    pub fn abstract_name() -> io::Result<(Self, Vec<u8>)> {
        let (socket, name) = super::platform::bind_abstract()?;
        Ok((Self::bound(socket)?, name))
    }

    /// The next datagram; none if none has come.
    pub fn receive(&self) -> io::Result<Option<Datagram>> {
        use std::os::fd::AsRawFd;

        use nix::errno::Errno;
        let mut bytes = vec![0; MAX_DATAGRAM_BYTES];
        // Of a type that is aligned as the kernel's headers are.
        let mut space = [0_u64; CONTROL.div_ceil(size_of::<u64>())];
        let mut slice = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        // SAFETY: msghdr is plain numbers and pointers, for which all zeroes are valid.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut slice;
        message.msg_iovlen = cast(1_u8);
        message.msg_control = space.as_mut_ptr().cast();
        message.msg_controllen = cast(size_of_val(&space));
        let flags = libc::MSG_DONTWAIT | super::platform::CLOEXEC_ON_RECEIVE.bits();
        // SAFETY: both buffers are valid for the lengths that are said, and live longer than the call.
        let received = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, flags) };
        let length = match Errno::result(received) {
            Ok(length) => usize::try_from(length).unwrap_or_default(),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (mut sender, mut descriptors) = (None, Vec::new());
        // SAFETY: the kernel has filled in the control buffer, and its length.
        let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
        // SAFETY: the macros of cmsg(3) give a header within the buffer, or none.
        while let Some(control) = unsafe { next.as_ref() } {
            // SAFETY: a header has its data behind it.
            let begin: *const u8 = unsafe { libc::CMSG_DATA(next) };
            let head = begin.addr() - next.addr();
            let said: usize = cast(control.cmsg_len);
            let length = said.saturating_sub(head);
            // SAFETY: the length that a header says is that of the data and of itself.
            let data = unsafe { std::slice::from_raw_parts(begin, length) };
            if (control.cmsg_level, control.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let (numbers, _) = data.as_chunks();
                let numbers = numbers.iter().map(|number| i32::from_ne_bytes(*number));
                // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
                descriptors.extend(numbers.map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
            } else {
                sender = sender.or(super::platform::sender(control.cmsg_level, control.cmsg_type, data));
            }
            // SAFETY: as above.
            next = unsafe { libc::CMSG_NXTHDR(&raw const message, next) };
        }
        if super::platform::CLOEXEC_ON_RECEIVE.is_empty() {
            descriptors.iter().try_for_each(super::fd::close_on_exec)?;
        }
        let cut = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
        bytes.truncate(length);
        Ok(Some(Datagram { bytes, sender, cut, descriptors }))
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket that notifications are sent from.
#[derive(Debug)]
pub struct Notification(std::os::unix::net::UnixDatagram);

impl Notification {
    /// Connects to a socket in the file system.
    pub fn to_path(path: &Path) -> io::Result<Self> {
        Self::connected(|socket| socket.connect(path))
    }

    /// Connects to a name in the abstract namespace.
    pub fn to_abstract(name: &[u8]) -> io::Result<Self> {
        Self::connected(|socket| super::platform::connect_abstract(socket, name))
    }

    fn connected(
        connect: impl FnOnce(&std::os::unix::net::UnixDatagram) -> io::Result<()>,
    ) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        connect(&socket)?;
        Ok(Self(socket))
    }

    /// Sends a message, and gives up after `timeout` where nobody reads.
    pub fn send(&self, message: &[u8], timeout: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(timeout))?;
        self.0.send(message).map(drop)
    }

    /// Sends a message with one end of a pipe, and waits until the receiver has closed it.
    pub fn barrier(&self, message: &[u8], timeout: Duration) -> io::Result<()> {
        use std::os::fd::AsRawFd;

        use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
        let (end, sent) = super::fd::pipe()?;
        self.0.set_write_timeout(Some(timeout))?;
        let numbers = [sent.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&numbers)];
        let slices = [IoSlice::new(message)];
        sendmsg::<()>(self.0.as_raw_fd(), &slices, &rights, MsgFlags::empty(), None)?;
        drop(sent);
        match super::fd::wait_readable(&[end.as_fd()], Some(timeout))?.first() {
            Some(true) => Ok(()),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
