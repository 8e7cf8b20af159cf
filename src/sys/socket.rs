//! The notify socket (sd_notify(3)), both sides.

use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::number::cast;

/// The receiving socket.
#[derive(Debug)]
pub struct NotifySocket(OwnedFd);

/// One datagram.
#[derive(Debug)]
pub struct Datagram {
    /// Its content, at most [`MAX_DATAGRAM_BYTES`] bytes.
    pub bytes: Vec<u8>,
    /// The pid of the sender, verified by the kernel.
    pub sender: Option<i32>,
    /// Whether the content or the descriptors were truncated.
    pub cut: bool,
    /// The passed descriptors. The sender of a BARRIER waits until they are closed.
    pub descriptors: Vec<OwnedFd>,
}

/// systemd's limit: it drops longer datagrams.
pub const MAX_DATAGRAM_BYTES: usize = 4096;

/// The kernel's limit of descriptors in one message (unix(7), SCM_MAX_FD).
const MAX_DESCRIPTORS: usize = 253;

/// Room for the descriptors, the sender, and unrequested control messages.
const CONTROL: usize = MAX_DESCRIPTORS * size_of::<i32>() + 256;

impl From<OwnedFd> for NotifySocket {
    /// A socket that an earlier image of this process has opened.
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl NotifySocket {
    /// The maximum length of a socket's path on this system (`sun_path` without its NUL, unix(7)).
    pub const MAX_PATH_BYTES: usize =
        size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

    /// Binds to a path that must not exist.
    pub fn at(path: &Path) -> io::Result<Self> {
        let address = std::os::unix::net::SocketAddr::from_pathname(path)?;
        let socket = std::os::unix::net::UnixDatagram::bind_addr(&address)?;
        // A socket file without a listener is useless.
        Self::bound(socket).inspect_err(|_| drop(std::fs::remove_file(path)))
    }

    /// The path that it is bound to, if it has one.
    pub fn path(&self) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        let address: nix::sys::socket::UnixAddr = nix::sys::socket::getsockname(self.0.as_raw_fd()).ok()?;
        address.path().map(Path::to_owned)
    }

    fn bound(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        super::platform::ask_for_credentials(&socket)?;
        Ok(Self(socket.into()))
    }

    /// Binds to a generated name in the abstract namespace, and returns it.
    pub fn abstract_name() -> io::Result<(Self, Vec<u8>)> {
        let (socket, name) = super::platform::bind_abstract()?;
        Ok((Self::bound(socket)?, name))
    }

    /// The next datagram. `None` if there is none.
    pub fn receive(&self) -> io::Result<Option<Datagram>> {
        use std::os::fd::AsRawFd;

        use nix::errno::Errno;
        let mut bytes = vec![0; MAX_DATAGRAM_BYTES];
        // `u64` has the alignment that control messages need (cmsg(3)).
        let mut space = [0_u64; CONTROL.div_ceil(size_of::<u64>())];
        let mut slice = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        // SAFETY: msghdr is plain numbers and pointers, for which all zeroes are valid.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut slice;
        message.msg_iovlen = cast(1_u8);
        message.msg_control = space.as_mut_ptr().cast();
        message.msg_controllen = cast(size_of_val(&space));
        let flags = libc::MSG_DONTWAIT | super::platform::CLOEXEC_ON_RECEIVE.bits();
        // SAFETY: both buffers are valid for the given lengths, and outlive the call.
        let received = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, flags) };
        let length = match Errno::result(received) {
            Ok(length) => usize::try_from(length).unwrap_or_default(),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (mut sender, mut descriptors) = (None, Vec::new());
        // SAFETY: the kernel has filled in the control buffer, and its length.
        let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
        // SAFETY: the macros of cmsg(3) return a header within the buffer, or null.
        while let Some(control) = unsafe { next.as_ref() } {
            // SAFETY: the data of a header follows it in the buffer.
            let begin: *const u8 = unsafe { libc::CMSG_DATA(next) };
            let head = begin.addr() - next.addr();
            let total: usize = cast(control.cmsg_len);
            let length = total.saturating_sub(head);
            // SAFETY: the length in a header covers the header and its data.
            let data = unsafe { std::slice::from_raw_parts(begin, length) };
            if (control.cmsg_level, control.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let (numbers, _) = data.as_chunks();
                let numbers = numbers.iter().map(|number| i32::from_ne_bytes(*number));
                // SAFETY: the kernel has just created these descriptors for this process, so nothing else owns them.
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

/// The sending socket.
#[derive(Debug)]
pub enum Notification {
    /// A connected socket of this machine.
    Local(std::os::unix::net::UnixDatagram),
    /// A socket of another machine; each message is a connection.
    Vsock(VsockAddress),
}

/// The address of a socket of another virtual machine, or of its host (vsock(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VsockAddress {
    /// The kind of the socket. `None`: datagrams, or what the kernel has in their place.
    pub kind: Option<VsockKind>,
    /// The number of the machine; 2 is the host.
    pub cid: u32,
    /// The port.
    pub port: u32,
}

/// The kind of a socket of another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VsockKind {
    /// `SOCK_DGRAM`
    Datagram,
    /// `SOCK_SEQPACKET`
    SequentialPacket,
    /// `SOCK_STREAM`
    Stream,
}

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
        Ok(Self::Local(socket))
    }

    /// Sends a message with these descriptors, which other machines do not take; fails after `timeout` if the receiver does
    /// not read.
    pub fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<()> {
        use std::os::fd::AsRawFd;

        use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
        match self {
            Self::Vsock(_) if !descriptors.is_empty() => Err(io::ErrorKind::Unsupported.into()),
            Self::Vsock(address) => super::platform::send_to_vsock(*address, message, timeout),
            Self::Local(socket) => {
                socket.set_write_timeout(Some(timeout))?;
                if descriptors.is_empty() {
                    return socket.send(message).map(drop);
                }
                let numbers: Vec<i32> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
                let rights = [ControlMessage::ScmRights(&numbers)];
                let slices = [IoSlice::new(message)];
                sendmsg::<()>(socket.as_raw_fd(), &slices, &rights, MsgFlags::empty(), None)?;
                Ok(())
            }
        }
    }

    /// Sends a message with one end of a pipe, and waits until the receiver closes it (BARRIER, sd_notify(3)). Another
    /// machine has read a message when its sending returns.
    pub fn barrier(&self, message: &[u8], timeout: Duration) -> io::Result<()> {
        if let Self::Vsock(_) = self {
            return Ok(());
        }
        let (end, sent) = super::fd::pipe()?;
        self.send(message, &[sent.as_fd()], timeout)?;
        drop(sent);
        match super::fd::wait_readable(&[end.as_fd()], Some(timeout))?.first() {
            Some(true) => Ok(()),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
