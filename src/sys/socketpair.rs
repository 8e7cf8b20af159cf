//! Two sockets that are connected to each other, of which one goes through an exec.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::{fd, platform};

/// A pair of stream sockets, both close-on-exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = UnixStream::pair()?;
    Ok((one.into(), other.into()))
}

/// Moves a descriptor out of the way of those that a program opens first, and lets it survive an exec; says its number.
pub fn leak_to_exec(descriptor: OwnedFd) -> io::Result<i32> {
    /// Shells and scripts name no higher ones by hand.
    const FLOOR: i32 = 32;
    // There may be a limit below that.
    let moved = fd::duplicate(&descriptor, FLOOR).unwrap_or(descriptor);
    fd::clear_close_on_exec(moved.as_raw_fd())?;
    // It belongs to whoever is executed.
    Ok(std::os::fd::IntoRawFd::into_raw_fd(moved))
}

/// The effective user of whoever made the pair that this descriptor is one of, as the kernel has noted it then. An error
/// where it is no such socket.
pub fn peer_uid(number: i32) -> io::Result<u32> {
    platform::peer_user(number)
}

/// What waits to be read at this descriptor, as far as there is room, without taking it away; an error where it is no
/// socket or nothing waits. It never keeps us.
pub fn peek(number: i32, buffer: &mut [u8]) -> io::Result<usize> {
    let (room, flags) = (buffer.len(), libc::MSG_PEEK | libc::MSG_DONTWAIT);
    // SAFETY: the buffer is `room` bytes long, and a number that is no socket is an error.
    let length = unsafe { libc::recv(number, buffer.as_mut_ptr().cast(), room, flags) };
    usize::try_from(length).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_seen_again_and_again_and_by_whom_it_was_made() {
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
    fn what_is_no_such_socket_has_no_maker() {
        let (pipe, _input) = fd::pipe().unwrap();
        assert!(peer_uid(pipe.as_raw_fd()).is_err());
        assert!(peek(pipe.as_raw_fd(), &mut [0]).is_err());
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = super::super::identity::effective_user();
        assert!(peer_uid(tcp.as_raw_fd()).map_or(true, |peer_uid| peer_uid != own));
        assert!(peer_uid(-1).is_err());
    }

    #[test]
    fn what_is_handed_on_survives_an_exec_until_it_is_taken_over() {
        let (one, other) = pair().unwrap();
        let number = leak_to_exec(other).unwrap();
        let found = || fd::inherited().unwrap().into_iter().find(|inherited| inherited.number() == number);
        let other = found().unwrap().adopt().unwrap();
        assert_eq!(found(), None);
        fd::write_all(&one, b"x").unwrap();
        assert_eq!(fd::read(&other, &mut [0; 2]).unwrap(), Some(1));
    }
}
