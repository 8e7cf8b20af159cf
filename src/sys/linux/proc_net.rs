//! Listening sockets from `/proc/self/net` (proc(5)): slower than sock_diag(7), but available without it.
//!
//! `/proc/net` is a link to the same directory, but absent if `/proc` shows only processes (`ProcSubset=pid`).

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::{fs, io};

use super::socket_inode::Listening;

/// The TCP sockets that listen on a port, each with its address.
pub(super) fn tcp(port: u16) -> io::Result<Vec<(IpAddr, Listening)>> {
    tcp_lines(|line| tcp_line(line, port, &[LISTEN]))
}

/// The local addresses of the connections of a port that its server has not closed.
pub(super) fn tcp_connections(port: u16) -> io::Result<Vec<IpAddr>> {
    tcp_lines(|line| tcp_line(line, port, &CONNECTED).map(|(local, _)| local))
}

/// States in tcp_states.h of the kernel: TCP_LISTEN; TCP_ESTABLISHED, TCP_SYN_RECV and TCP_CLOSE_WAIT.
const LISTEN: &str = "0A";
const CONNECTED: [&str; 3] = ["01", "03", "08"];

fn tcp_lines<T>(read: impl Fn(&str) -> Option<T>) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    for file in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        match fs::read_to_string(file) {
            Ok(text) => found.extend(text.lines().skip(1).filter_map(&read)),
            // Without IPv6 only the first exists.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// `  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …`
fn tcp_line(line: &str, wanted: u16, states: &[&str]) -> Option<(IpAddr, Listening)> {
    let mut fields = line.split_ascii_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    let has_state = states.contains(&fields.nth(1)?);
    let inode = fields.nth(5)?.parse().ok()?;
    if !has_state || u16::from_str_radix(port, 16).ok()? != wanted {
        return None;
    }
    // Words of four bytes, each in the byte order of the machine.
    let bytes = address.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes = bytes.collect::<Option<Vec<_>>>()?.concat();
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some((address, inode))
}

/// Whether a Unix socket with this name has a connection: the server's end of it has the name of the one that listens. The
/// `@` of an abstract name is that of the kernel.
pub(super) fn is_unix_connected(name: &OsStr) -> io::Result<bool> {
    let text = fs::read("/proc/self/net/unix")?;
    let text = String::from_utf8_lossy(&text);
    let name = name.to_string_lossy();
    Ok(text.lines().skip(1).any(|line| is_unix_connection(line, &name)))
}

/// `SS_CONNECTED` of linux/net.h, at the place of the state.
fn is_unix_connection(line: &str, wanted: &str) -> bool {
    let Some((_, rest)) = line.split_once(": ") else { return false };
    let mut fields = rest.splitn(6, ' ').skip(4);
    let (Some(state), Some(rest)) = (fields.next(), fields.next()) else { return false };
    let path = rest.trim_start().split_once(' ').map(|(_, path)| path);
    state == "03" && path == Some(wanted)
}

/// The Unix sockets that are bound to this path and listen or receive datagrams.
pub(super) fn unix(path: &Path) -> io::Result<Vec<Listening>> {
    let text = fs::read("/proc/self/net/unix")?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().skip(1).filter_map(|line| unix_line(line, path)).collect())
}

/// `0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/x`: after the colon two unused numbers, flags,
/// type, state, the inode padded with spaces, and the path.
fn unix_line(line: &str, wanted: &Path) -> Option<Listening> {
    const ACCEPTS: &str = "00010000";
    const DATAGRAM: &str = "0002";
    let (_, rest) = line.split_once(": ")?;
    let mut fields = rest.splitn(6, ' ').skip(2);
    let (flags, kind, _, rest) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (inode, path) = rest.trim_start().split_once(' ')?;
    let reachable = flags == ACCEPTS || kind == DATAGRAM;
    (reachable && Path::new(path) == wanted).then(|| inode.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_connection_has_the_name_of_its_server() {
        let line = "0000000000000000: 00000003 00000000 00000000 0001 03 12345 /run/a b";
        assert!(is_unix_connection(line, "/run/a b") && !is_unix_connection(line, "/run/a"));
        assert!(!is_unix_connection(&line.replace(" 03 ", " 01 "), "/run/a b"));
    }

    #[test]
    fn tcp_line_is_parsed() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 0";
        assert_eq!(tcp_line(line, 8080, &[LISTEN]), Some(("127.0.0.1".parse().unwrap(), 12345)));
        assert_eq!(tcp_line(line, 8081, &[LISTEN]), None);
        assert_eq!(tcp_line(&line.replace(" 0A ", " 01 "), 8080, &[LISTEN]), None);
        let six = "   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0";
        assert_eq!(tcp_line(six, 8080, &[LISTEN]), Some(("::1".parse().unwrap(), 7)));
    }

    #[test]
    fn proc_net_and_sock_diag_agree() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found: Vec<Listening> = tcp(port).unwrap().into_iter().map(|(_, inode)| inode).collect();
        assert_eq!(found, super::super::listeners::tcp(None, port).unwrap());
        let path = std::env::temp_dir().join(format!("svcadapt proc net {}", std::process::id()));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(unix(&path).unwrap(), super::super::listeners::unix(&path).unwrap());
        assert_eq!(unix(&path).unwrap().len(), 1);
        drop(listener);
        fs::remove_file(&path).unwrap();
    }
}
