//! The `Sockets` of launchd.plist(5): created when the job is loaded, and kept open for it.

use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::{fs, io};

use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, UnixAddr, bind,
    listen, setsockopt, socket,
};
use nix::sys::stat::{Mode, umask};
use plist::{Dictionary, Value};
use serde_json::json;

use super::job::Job;
use super::log::Log;

/// The sockets of one name.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) fds: Vec<OwnedFd>,
}

/// Creates the sockets of a job. A failure is logged, and the job is loaded without the socket (842).
pub(crate) fn make(job: &Job, log: &Log) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, described) in &job.sockets {
        let mut fds = Vec::new();
        for one in described {
            match Wanted::read(one).and_then(|wanted| wanted.make()) {
                Ok(made) => fds.extend(made),
                Err(error) => {
                    let more = json!({ "step": format!("Sockets.{name}"), "why": error.to_string() });
                    log.say("trouble", &job.label, &more);
                }
            }
        }
        entries.push(Entry { name: name.clone(), fds });
    }
    entries
}

/// One dictionary of `Sockets`.
struct Wanted<'a> {
    kind: SockType,
    place: Place<'a>,
}

enum Place<'a> {
    Path { path: &'a str, mode: Option<u32>, owner: Option<u32>, group: Option<u32> },
    Addresses { found: Vec<SocketAddr>, v6_only: bool },
}

impl<'a> Wanted<'a> {
    fn read(found: &'a Dictionary) -> io::Result<Self> {
        let text = |key: &str| found.get(key).and_then(Value::as_string);
        let number = |key: &str| {
            found.get(key).and_then(Value::as_unsigned_integer).and_then(|number| number.try_into().ok())
        };
        // The default is a stream.
        let kind = match text("SockType") {
            None | Some("stream") => SockType::Stream,
            Some("dgram") => SockType::Datagram,
            Some("seqpacket") => SockType::SeqPacket,
            Some(other) => return Err(io::Error::other(format!("SockType {other}"))),
        };
        match (text("SockProtocol"), kind) {
            (None, _) | (Some("TCP"), SockType::Stream) | (Some("UDP"), SockType::Datagram) => {}
            (Some(other), _) => return Err(io::Error::other(format!("SockProtocol {other}"))),
        }
        // An active socket would be connected.
        if found.get("SockPassive").and_then(Value::as_boolean) == Some(false) {
            return Err(io::Error::other("SockPassive false is not in this stand-in"));
        }
        let place = if let Some(path) = text("SockPathName") {
            let (mode, owner) = (number("SockPathMode"), number("SockPathOwner"));
            Place::Path { path, mode, owner, group: number("SockPathGroup") }
        } else {
            let family = text("SockFamily");
            let port = port(found.get("SockServiceName"))?;
            Place::Addresses {
                found: addresses(text("SockNodeName"), port, family)?,
                v6_only: family != Some("IPv4v6"),
            }
        };
        Ok(Self { kind, place })
    }

    fn make(&self) -> io::Result<Vec<OwnedFd>> {
        match &self.place {
            Place::Path { path, mode, owner, group } => {
                // 842 removes an old socket, and binds with the umask 077 if no mode is set.
                let _ = fs::remove_file(path);
                let fd = socket(AddressFamily::Unix, self.kind, SockFlag::SOCK_CLOEXEC, None)?;
                let before = umask(Mode::from_bits_truncate(0o077));
                let bound = bind_to(&fd, &UnixAddr::new(*path)?);
                umask(before);
                bound?;
                if let Some(mode) = mode {
                    fs::set_permissions(path, Permissions::from_mode(*mode))?;
                }
                if owner.is_some() || group.is_some() {
                    chown(path, *owner, *group)?;
                }
                self.listening(fd).map(|fd| vec![fd])
            }
            Place::Addresses { found, v6_only } => {
                found.iter().map(|address| self.internet(*address, *v6_only)).collect()
            }
        }
    }

    fn internet(&self, address: SocketAddr, v6_only: bool) -> io::Result<OwnedFd> {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let fd = socket(family, self.kind, SockFlag::SOCK_CLOEXEC, None)?;
        if address.is_ipv6() {
            setsockopt(&fd, Ipv6V6Only, &v6_only)?;
        }
        if self.kind == SockType::Stream {
            setsockopt(&fd, ReuseAddr, &true)?;
        }
        match address {
            SocketAddr::V4(address) => bind_to(&fd, &SockaddrIn::from(address))?,
            SocketAddr::V6(address) => bind_to(&fd, &SockaddrIn6::from(address))?,
        }
        self.listening(fd)
    }

    fn listening(&self, fd: OwnedFd) -> io::Result<OwnedFd> {
        if self.kind != SockType::Datagram {
            listen(&fd, Backlog::MAXCONN)?;
        }
        Ok(fd)
    }
}

fn bind_to(fd: &OwnedFd, address: &dyn SockaddrLike) -> io::Result<()> {
    Ok(bind(fd.as_raw_fd(), address)?)
}

/// The addresses: all interfaces unless `SockNodeName` is a name or an address. A name may have several addresses, each with
/// a descriptor (launch(3)). `IPv4v6` is one socket for both families.
fn addresses(node: Option<&str>, port: u16, family: Option<&str>) -> io::Result<Vec<SocketAddr>> {
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let found: Vec<SocketAddr> = match node {
        None => any.map(|address| (address, port).into()).into(),
        Some(node) => (node, port).to_socket_addrs()?.collect(),
    };
    let wanted = |address: &SocketAddr| match family {
        None => Ok(true),
        Some("IPv4") => Ok(address.is_ipv4()),
        Some("IPv6" | "IPv4v6") => Ok(address.is_ipv6()),
        Some(other) => Err(io::Error::other(format!("SockFamily {other}"))),
    };
    let mut kept = Vec::new();
    for address in found {
        if wanted(&address)? && !kept.contains(&address) {
            kept.push(address);
        }
    }
    if kept.is_empty() { Err(io::Error::other("there is no such address")) } else { Ok(kept) }
}

/// `SockServiceName`: a number, or a name of services(5). If not set, the system chooses the port.
fn port(value: Option<&Value>) -> io::Result<u16> {
    match value {
        None => Ok(0),
        Some(Value::String(name)) => match name.parse() {
            Ok(port) => Ok(port),
            Err(_) => named(name)?.ok_or_else(|| io::Error::other(format!("SockServiceName {name}"))),
        },
        Some(value) => value
            .as_unsigned_integer()
            .and_then(|port| port.try_into().ok())
            .ok_or_else(|| io::Error::other("SockServiceName is no port")),
    }
}

fn named(name: &str) -> io::Result<Option<u16>> {
    let services = fs::read_to_string("/etc/services")?;
    let port = services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let (first, port) = (words.next()?, words.next()?);
        (first == name || words.any(|alias| alias == name)).then(|| port.split('/').next()?.parse().ok())?
    });
    Ok(port)
}
