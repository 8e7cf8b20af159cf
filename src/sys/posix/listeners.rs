//! Listening sockets, found by connecting, because these systems cannot be asked for a socket's owner.
//!
//! The service sees one client that connects and leaves; there is no further connection after one succeeded.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

/// A server that accepted a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening(());

/// On the same machine the answer is immediate; a packet filter that drops it must not delay the start.
const TIMEOUT: Duration = Duration::from_millis(100);

/// These systems do not list connections.
pub fn is_tcp_connected(_address: Option<IpAddr>, _port: u16) -> io::Result<bool> {
    Err(super::unsupported("this system does not list connections"))
}

/// The same for Unix sockets.
pub fn is_unix_connected(_name: &OsStr) -> io::Result<bool> {
    Err(super::unsupported("this system does not list connections"))
}

/// The server that accepts connections on a port. With `address`: only on that address.
pub fn tcp(address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let addresses = address.as_ref().map_or(&own[..], std::slice::from_ref);
    Ok(addresses
        .iter()
        .filter(|&&address| answers(SocketAddr::new(address, port)))
        .map(|_| Listening(()))
        .collect())
}

/// These systems have no tables that can be asked: the same functions as methods.
#[derive(Debug, Default)]
pub struct Tables(());

impl Tables {
    /// See [`tcp`].
    pub fn tcp(&mut self, address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
        tcp(address, port)
    }

    /// These systems do not look a server up without a connection.
    pub fn server(&mut self, _address: SocketAddr) -> io::Result<Option<Listening>> {
        Err(super::unsupported("this system does not list servers"))
    }

    /// See [`unix`].
    pub fn unix(&mut self, path: &Path) -> io::Result<Vec<Listening>> {
        unix(path)
    }
}

fn answers(address: SocketAddr) -> bool {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT);
    // An ephemeral port may be assigned to this very connection, which then connects to itself.
    stream.is_ok_and(|stream| stream.local_addr().ok() != stream.peer_addr().ok())
}

/// The server that accepts connections, or receives datagrams, on the Unix socket at a path.
///
/// A server with a full queue refuses connections and is not found; neither is one that has bound its socket and does
/// not listen yet, which its clients cannot reach either (`rules::refusal` finds the owner of a name).
pub fn unix(path: &Path) -> io::Result<Vec<Listening>> {
    let connected = match UnixStream::connect(path) {
        Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => {
            UnixDatagram::unbound().and_then(|socket| socket.connect(path))
        }
        other => other.map(drop),
    };
    match connected {
        Ok(()) => Ok(vec![Listening(())]),
        Err(error) => match error.kind() {
            // Missing, stale, or a file that is not a socket.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(Vec::new()),
            _ if error.raw_os_error() == Some(libc::ENOTSOCK) => Ok(Vec::new()),
            _ => Err(error),
        },
    }
}

/// Whether a process has one of these sockets: unknown on these systems.
pub fn held_by(_pid: i32, _sockets: &[Listening]) -> Option<bool> {
    None
}

/// A process that has one of these sockets: unknown on these systems.
pub fn holder(_sockets: &[Listening]) -> Option<i32> {
    None
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn tcp_listener_is_found_until_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(tcp(None, port).unwrap().len(), 1);
        drop(listener);
        assert!(tcp(None, port).unwrap().is_empty());
    }

    #[test]
    fn unix_socket_is_found_until_it_is_closed() {
        let path = std::env::temp_dir().join(format!("svcadapt-answer-{}", std::process::id()));
        assert!(unix(&path).unwrap().is_empty());
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(unix(&path).unwrap().len(), 1);
        drop(listener);
        assert!(unix(&path).unwrap().is_empty());
        std::fs::remove_file(&path).unwrap();
        let datagrams = UnixDatagram::bind(&path).unwrap();
        assert_eq!(unix(&path).unwrap().len(), 1);
        drop(datagrams);
        assert!(unix(&path).unwrap().is_empty());
        std::fs::remove_file(&path).unwrap();
    }
}
