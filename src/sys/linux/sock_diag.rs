//! Listening sockets from sock_diag(7).

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType};

use super::socket_inode::Listening;

/// TCP_LISTEN of the kernel's tcp_states.h, for TCP and for Unix sockets.
const LISTEN: u32 = 10;
/// `SOCK_DIAG_BY_FAMILY`, linux/sock_diag.h.
const BY_FAMILY: u16 = 20;
/// The size of the buffer for a reply. The kernel makes no reply of a dump longer than 8 KiB, or than this buffer
/// (netlink(7); NLMSG_GOODSIZE).
const MAX_REPLY_BYTES: usize = 16 * 1024;
/// The size of the buffer for the answer about one socket, which has 72 bytes, a header and no attributes but the shortest.
const ONE_REPLY_BYTES: usize = 1024;

/// A connection to the kernel's tables of sockets. After an error it is to be dropped: a reply may be unread.
#[derive(Debug)]
pub(super) struct NetlinkSocket(OwnedFd);

impl NetlinkSocket {
    pub(super) fn open() -> io::Result<Self> {
        let (family, kind) = (AddressFamily::Netlink, SockType::Datagram);
        let protocol = SockProtocol::NetlinkSockDiag;
        Ok(Self(nix::sys::socket::socket(family, kind, SockFlag::SOCK_CLOEXEC, protocol)?))
    }
}

/// The server that gets the connections to this address; of several on one port (`SO_REUSEPORT`) one. The kernel looks it
/// up as it does for a connection, which takes some microseconds; a list of all servers walks a table of thousands.
pub(super) fn server(tables: &NetlinkSocket, address: SocketAddr) -> io::Result<Option<Listening>> {
    let mut request = [0; 56];
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    request[0] = u8::try_from(family).unwrap_or(0);
    request[1] = u8::try_from(libc::IPPROTO_TCP).unwrap_or(0);
    request[4..8].copy_from_slice(&(1_u32 << LISTEN).to_ne_bytes());
    // The local port, the remote one (0), the local address, the remote one (0), an interface, a cookie (none).
    request[8..10].copy_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => request[12..16].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => request[12..28].copy_from_slice(&ip.octets()),
    }
    request[48..56].fill(0xff);
    let mut found = None;
    match ask::<ONE_REPLY_BYTES>(tables, 0, &request, |answer| found = u32_at(answer, 68)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        asked => asked.map(|()| found),
    }
}

/// The TCP sockets that listen on a port, each with its address.
pub(super) fn tcp(tables: &NetlinkSocket, port: u16) -> io::Result<Vec<(IpAddr, Listening)>> {
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        // struct inet_diag_req_v2: family, protocol, extensions, padding, states, then the socket's address, of which a
        // dump only uses the local port.
        let mut request = [0; 56];
        request[0] = u8::try_from(family).unwrap_or(0);
        request[1] = u8::try_from(libc::IPPROTO_TCP).unwrap_or(0);
        request[4..8].copy_from_slice(&(1_u32 << LISTEN).to_ne_bytes());
        request[8..10].copy_from_slice(&port.to_be_bytes());
        let dumped = ask::<MAX_REPLY_BYTES>(tables, libc::NLM_F_DUMP, &request, |answer| {
            // struct inet_diag_msg: 4 bytes, then ports (2 + 2) and the local address (16), …, the inode at 68.
            if let (Some(local_port), Some(local), Some(inode)) =
                (answer.get(4..6), answer.get(8..24), u32_at(answer, 68))
                && local_port == port.to_be_bytes()
                && let Some(local) = ip_address(family, local)
            {
                found.push((local, inode));
            }
        });
        match dumped {
            // The kernel has no IPv6.
            Err(error) if family == libc::AF_INET6 && error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(found)
}

fn ip_address(family: i32, bytes: &[u8]) -> Option<IpAddr> {
    if family == libc::AF_INET {
        Some(IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?)))
    } else {
        Some(IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?)))
    }
}

/// The Unix sockets that are bound to a path and listen or receive datagrams.
pub(super) fn unix(tables: &NetlinkSocket, path: &Path) -> io::Result<Vec<Listening>> {
    let place = match std::fs::metadata(path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // struct unix_diag_req: family, protocol, padding, states, inode, what to show (UDIAG_SHOW_NAME and
    // UDIAG_SHOW_VFS), a cookie.
    let mut request = [0; 24];
    request[0] = u8::try_from(libc::AF_UNIX).unwrap_or(0);
    request[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
    request[12..16].copy_from_slice(&3_u32.to_ne_bytes());
    let mut found = Vec::new();
    ask::<MAX_REPLY_BYTES>(tables, libc::NLM_F_DUMP, &request, |answer| {
        // struct unix_diag_msg: family, type, state, padding, the inode; attributes from byte 16.
        let (Some(&kind), Some(&state), Some(inode)) = (answer.get(1), answer.get(2), u32_at(answer, 4))
        else {
            return;
        };
        let datagrams = i32::from(kind) == libc::SOCK_DGRAM;
        let here = || {
            let Some((number, device)) = vfs(answer) else { return false };
            let same = number == low(place.ino());
            // On an overlay of two file systems stat(2) reports another device than the socket's (overlayfs).
            same && device == place.dev() || name(answer).is_some_and(|name| is_name(name, path, same))
        };
        if (u32::from(state) == LISTEN || datagrams) && here() {
            found.push(inode);
        }
    })?;
    Ok(found)
}

/// The kernel reports the low 32 bits of the inode number.
fn low(inode: u64) -> u32 {
    u32::try_from(inode & u64::from(u32::MAX)).unwrap_or(0)
}

/// Whether a socket bound to this name is the one at a path. The name may be relative, or lead through a link: then the
/// inode number must also match.
fn is_name(name: &[u8], path: &Path, same: bool) -> bool {
    let name = Path::new(OsStr::from_bytes(name));
    name == path || same && name.file_name() == path.file_name()
}

/// The name of a Unix socket.
fn name(answer: &[u8]) -> Option<&[u8]> {
    const UNIX_DIAG_NAME: u16 = 0;
    let name = attribute(answer, UNIX_DIAG_NAME)?;
    Some(name.split(|&byte| byte == 0).next().unwrap_or(name)).filter(|name| !name.is_empty())
}

/// The file of a Unix socket: its inode and device, in the form of stat(2).
fn vfs(answer: &[u8]) -> Option<(u32, u64)> {
    const UNIX_DIAG_VFS: u16 = 1;
    let value = attribute(answer, UNIX_DIAG_VFS)?;
    let device = u32_at(value, 4)?;
    // The kernel's own form: 12 bits of major, 20 of minor number.
    Some((u32_at(value, 0)?, nix::sys::stat::makedev((device >> 20).into(), (device & 0xf_ffff).into())))
}

/// The value of an attribute (struct rtattr, rtnetlink(3)).
fn attribute(answer: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = answer.get(16..)?;
    while rest.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes(rest[..2].try_into().ok()?)).max(4);
        let kind = u16::from_ne_bytes(rest[2..4].try_into().ok()?);
        if kind == wanted {
            return rest.get(4..length);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Requests a socket, or with `NLM_F_DUMP` all matching ones, and calls `show` with the body of each reply.
fn ask<const REPLY_BYTES: usize>(
    tables: &NetlinkSocket,
    kind: i32,
    request: &[u8],
    mut show: impl FnMut(&[u8]),
) -> io::Result<()> {
    // struct nlmsghdr: length, type, flags, sequence, port.
    let flags = u16::try_from(libc::NLM_F_REQUEST | kind).unwrap_or(0);
    let mut message = Vec::with_capacity(16 + request.len());
    message.extend(u32::try_from(16 + request.len()).unwrap_or(0).to_ne_bytes());
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(request);
    nix::sys::socket::send(tables.0.as_raw_fd(), &message, MsgFlags::empty())?;
    let mut buffer = [0; REPLY_BYTES];
    loop {
        let length = nix::sys::socket::recv(tables.0.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        let mut rest = &buffer[..length];
        if rest.is_empty() {
            return Ok(());
        }
        while let (Some(size), Some(kind)) = (u32_at(rest, 0), rest.get(4..6)) {
            let kind = i32::from(u16::from_ne_bytes([kind[0], kind[1]]));
            let size = usize::try_from(size).unwrap_or(0).clamp(16, rest.len().max(16));
            match kind {
                libc::NLMSG_DONE => return Ok(()),
                libc::NLMSG_ERROR => {
                    let error = rest
                        .get(16..20)
                        .and_then(|bytes| bytes.try_into().ok())
                        .map_or(0, i32::from_ne_bytes);
                    return Err(io::Error::from_raw_os_error(-error));
                }
                _ => show(rest.get(16..size).unwrap_or_default()),
            }
            rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
        }
        if kind != libc::NLM_F_DUMP {
            return Ok(());
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
