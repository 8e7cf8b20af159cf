//! A pair of connected sockets, of which one goes through an exec.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{fd, platform};

/// socketpair(2): stream sockets, both close-on-exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = UnixStream::pair()?;
    Ok((one.into(), other.into()))
}

/// Moves a descriptor above the numbers that a program opens first, clears its close-on-exec flag, and gives up
/// ownership. Returns its number.
pub fn leak_to_exec(descriptor: OwnedFd) -> io::Result<i32> {
    /// Shell scripts use lower numbers.
    const FLOOR: i32 = 32;
    // RLIMIT_NOFILE may be lower.
    let moved = fd::duplicate(&descriptor, FLOOR).unwrap_or(descriptor);
    fd::clear_close_on_exec(moved.as_raw_fd())?;
    // The executed program owns it.
    Ok(std::os::fd::IntoRawFd::into_raw_fd(moved))
}

/// The effective user that created the pair, as recorded by the kernel. An error if this is not such a socket.
pub fn peer_uid(number: i32) -> io::Result<u32> {
    platform::peer_user(number)
}

/// Reads pending data without consuming it (MSG_PEEK), up to the size of the buffer. An error if it is not a socket or
/// nothing is pending. Never blocks.
pub fn peek(number: i32, buffer: &mut [u8]) -> io::Result<usize> {
    let (room, flags) = (buffer.len(), libc::MSG_PEEK | libc::MSG_DONTWAIT);
    // SAFETY: the buffer is `room` bytes long; a number that is not a socket is an error.
    let length = unsafe { libc::recv(number, buffer.as_mut_ptr().cast(), room, flags) };
    usize::try_from(length).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_data_can_be_peeked_repeatedly_and_the_creator_is_known() {
        let (one, other) = pair().unwrap();
        let mut buffer = [0; 8];
        assert!(peek(other.as_raw_fd(), &mut buffer).is_err());
        fd::write_all(&one, b"word").unwrap();
        drop(one);
        for _ in 0..2 {
            assert_eq!(peek(other.as_raw_fd(), &mut buffer).unwrap(), 4);
            assert_eq!(&buffer[..4], b"word");
        }
        assert_eq!(peer_uid(other.as_raw_fd()).unwrap(), super::super::identity::effective_user());
    }

    #[test]
    fn descriptor_that_is_no_socketpair_has_no_peer_uid() {
        let (pipe, _input) = fd::pipe().unwrap();
        assert!(peer_uid(pipe.as_raw_fd()).is_err());
        assert!(peek(pipe.as_raw_fd(), &mut [0]).is_err());
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = super::super::identity::effective_user();
        assert!(peer_uid(tcp.as_raw_fd()).map_or(true, |peer_uid| peer_uid != own));
        assert!(peer_uid(-1).is_err());
    }

    #[test]
    fn leaked_descriptor_survives_an_exec_until_it_is_adopted() {
        let (one, other) = pair().unwrap();
        let number = leak_to_exec(other).unwrap();
        let found = || fd::inherited().unwrap().into_iter().find(|inherited| inherited.number() == number);
        let other = found().unwrap().adopt().unwrap();
        assert_eq!(found(), None);
        fd::write_all(&one, b"x").unwrap();
        assert_eq!(fd::read(&other, &mut [0; 2]).unwrap(), Some(1));
    }
}
