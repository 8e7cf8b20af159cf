//! Listening sockets, queried from the kernel, so that the service never sees a connection.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

pub use super::socket_inode::{Listening, held_by, holder};
use super::{proc_net, sock_diag};

/// A connection to the kernel's tables of sockets, for one look after the other.
#[derive(Debug, Default)]
pub struct Tables(Option<sock_diag::NetlinkSocket>);

impl Tables {
    /// The TCP sockets that listen on a port. With `address`: only those that a connection to it would reach.
    pub fn tcp(&mut self, address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
        if let Some(address) = address
            && self.is_unserved(SocketAddr::new(address, port))
        {
            return Ok(Vec::new());
        }
        // A kernel or a sandbox may lack these netlink sockets.
        let listening = self.ask(|tables| sock_diag::tcp(tables, port)).or_else(|_| proc_net::tcp(port))?;
        let reached =
            listening.into_iter().filter(|(local, _)| address.is_none_or(|wanted| reaches(*local, wanted)));
        Ok(reached.map(|(_, inode)| inode).collect())
    }

    /// The server that gets the connections to an address; of several on one port (`SO_REUSEPORT`) one. An error if the
    /// kernel cannot be asked. Much faster than [`Self::tcp`].
    pub fn server(&mut self, address: SocketAddr) -> io::Result<Option<Listening>> {
        self.ask(|tables| sock_diag::server(tables, address))
    }

    fn is_unserved(&mut self, address: SocketAddr) -> bool {
        self.server(address).is_ok_and(|server| server.is_none())
    }

    /// The Unix sockets that are bound to a path and listen or receive datagrams.
    pub fn unix(&mut self, path: &Path) -> io::Result<Vec<Listening>> {
        self.ask(|tables| sock_diag::unix(tables, path)).or_else(|_| proc_net::unix(path))
    }

    fn ask<T>(&mut self, question: impl FnOnce(&sock_diag::NetlinkSocket) -> io::Result<T>) -> io::Result<T> {
        let tables = self.0.take().map_or_else(sock_diag::NetlinkSocket::open, Ok)?;
        let answer = question(&tables)?;
        self.0 = Some(tables);
        Ok(answer)
    }
}

/// See [`Tables::tcp`].
pub fn tcp(address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
    Tables::default().tcp(address, port)
}

/// See [`Tables::unix`].
pub fn unix(path: &Path) -> io::Result<Vec<Listening>> {
    Tables::default().unix(path)
}

/// Whether a server on this port has a connection that it has not closed. With `address`: only one that listens there.
pub fn is_tcp_connected(address: Option<IpAddr>, port: u16) -> io::Result<bool> {
    let all = proc_net::tcp_connections(port)?;
    Ok(all.into_iter().any(|local| address.is_none_or(|listens| reaches(listens, local))))
}

/// Whether a Unix socket with this path, or `@NAME`, has a connection.
pub fn is_unix_connected(name: &OsStr) -> io::Result<bool> {
    proc_net::is_unix_connected(name)
}

/// Whether a connection to `wanted` reaches a socket bound to `local`. An IPv6 socket on all addresses also accepts
/// IPv4, unless IPV6_V6ONLY is set, which is not visible here.
fn reaches(local: IpAddr, wanted: IpAddr) -> bool {
    match (local, wanted) {
        (IpAddr::V4(local), IpAddr::V4(wanted)) => local.is_unspecified() || local == wanted,
        (IpAddr::V6(local), IpAddr::V6(wanted)) => local.is_unspecified() || local == wanted,
        (IpAddr::V6(local), IpAddr::V4(wanted)) => local.is_unspecified() || local == wanted.to_ipv6_mapped(),
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn own() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn own_tcp_listener_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = tcp(None, port).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(held_by(own(), &found), Some(true));
        assert_eq!(tcp(Some("127.0.0.1".parse().unwrap()), port).unwrap(), found);
        assert!(tcp(Some("127.0.0.2".parse().unwrap()), port).unwrap().is_empty());
        drop(listener);
        assert!(tcp(None, port).unwrap().is_empty());
    }

    #[test]
    fn listener_on_all_addresses_is_found_by_each() {
        for any in ["0.0.0.0:0", "[::]:0"] {
            // There may be no IPv6.
            let Ok(listener) = TcpListener::bind(any) else { continue };
            let port = listener.local_addr().unwrap().port();
            let loopback: IpAddr =
                if any.starts_with('[') { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
            let mut tables = Tables::default();
            let server = tables.server(SocketAddr::new(loopback, port)).unwrap().unwrap();
            assert_eq!(held_by(own(), &[server]), Some(true), "{any}");
            for address in ["127.0.0.1", "127.0.0.2"] {
                assert_eq!(tcp(Some(address.parse().unwrap()), port).unwrap().len(), 1, "{any} {address}");
            }
            drop(listener);
            assert_eq!(tables.server(SocketAddr::new(loopback, port)).unwrap(), None, "{any}");
        }
    }

    #[test]
    fn own_unix_listener_is_found() {
        let path = std::env::temp_dir().join(format!("svcadapt-listener-{}", std::process::id()));
        assert!(unix(&path).unwrap().is_empty());
        let listener = UnixListener::bind(&path).unwrap();
        let found = unix(&path).unwrap();
        assert_eq!(held_by(own(), &found), Some(true));
        drop(listener);
        assert!(unix(&path).unwrap().is_empty());
        std::fs::remove_file(&path).unwrap();
    }
}
