//! Listening sockets from `/proc/self/net` (proc(5)): slower than sock_diag(7), but available without it.
//!
//! `/proc/net` is a link to the same directory, but absent if `/proc` shows only processes (`ProcSubset=pid`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::{fs, io};

use super::socket_inode::Listening;

/// The TCP sockets that listen on a port, each with its address.
pub(super) fn tcp(port: u16) -> io::Result<Vec<(IpAddr, Listening)>> {
    let mut found = Vec::new();
    for file in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        match fs::read_to_string(file) {
            Ok(text) => found.extend(text.lines().skip(1).filter_map(|line| tcp_line(line, port))),
            // Without IPv6 only the first exists.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// `  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …`
fn tcp_line(line: &str, wanted: u16) -> Option<(IpAddr, Listening)> {
    let mut fields = line.split_ascii_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    let listens = fields.nth(1)? == "0A";
    let inode = fields.nth(5)?.parse().ok()?;
    if !listens || u16::from_str_radix(port, 16).ok()? != wanted {
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
    fn tcp_line_is_parsed() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 0";
        assert_eq!(tcp_line(line, 8080), Some(("127.0.0.1".parse().unwrap(), 12345)));
        assert_eq!(tcp_line(line, 8081), None);
        assert_eq!(tcp_line(&line.replace(" 0A ", " 01 "), 8080), None);
        let six = "   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0";
        assert_eq!(tcp_line(six, 8080), Some(("::1".parse().unwrap(), 7)));
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
