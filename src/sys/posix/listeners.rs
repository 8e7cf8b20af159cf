//! Whether somebody listens, found out by a connection, for whose socket it is cannot be asked here.
//!
//! The service sees one client that says nothing and goes: nobody connects again once it was answered.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

/// Somebody who has answered a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening(());

/// On this machine an answer comes at once; a filter that swallows it must not hold everything else up.
const TIMEOUT: Duration = Duration::from_millis(100);

/// Whoever answers on a port; with `address` only there.
pub fn tcp(address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
    let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let addresses = address.as_ref().map_or(&own[..], std::slice::from_ref);
    Ok(addresses
        .iter()
        .filter(|&&address| answers(SocketAddr::new(address, port)))
        .map(|_| Listening(()))
        .collect())
}

fn answers(address: SocketAddr) -> bool {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT);
    // A port of the range that clients get theirs from may be given to this very connection: then it reaches itself.
    stream.is_ok_and(|stream| stream.local_addr().ok() != stream.peer_addr().ok())
}

/// Whoever answers on the Unix socket of a path, or takes datagrams there.
///
/// A server with a full queue refuses a connection here, too, and is left out; but so is one that has bound its socket and
/// does not listen yet, and for its clients that one is not there (`rules::refusal` finds out whose a name is).
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
            // Not there, left behind by somebody who is gone, or something else altogether that stands there yet.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(Vec::new()),
            _ if error.raw_os_error() == Some(libc::ENOTSOCK) => Ok(Vec::new()),
            _ => Err(error),
        },
    }
}

/// Whether a process has one of these sockets: that is not known.
pub fn held_by(_pid: i32, _sockets: &[Listening]) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_tcp_listener_answers_as_long_as_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(tcp(None, port).unwrap().len(), 1);
        drop(listener);
        assert!(tcp(None, port).unwrap().is_empty());
    }

    #[test]
    fn a_unix_socket_answers_as_long_as_somebody_has_it() {
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
