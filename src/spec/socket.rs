//! Sockets that a service is given, open and listening (systemd.socket(5)).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use super::refusal::{bytes, text};
use super::{AbsPath, Field, FileMode, Principal, ServiceSpec, ValueError};

/// All sockets of a service, and what is said of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sockets {
    /// The sockets, in the order of their descriptors. Options and JSON say streams first, then datagrams, then packets.
    pub listen: Vec<Socket>,
    /// What they are called in `LISTEN_FDNAMES`; none: what systemd would call them.
    pub name: Option<SocketName>,
    /// The permissions of those in the file system; none: [`FileMode::DEFAULT_SOCKET`].
    pub mode: Option<FileMode>,
    /// Whose those in the file system are; none: the starter's.
    pub user: Option<Principal>,
    /// Their group; none: the user's own.
    pub group: Option<Principal>,
    /// Whether those of IPv6 take IPv4 too.
    pub bind_ipv6_only: Option<BindIpv6Only>,
    /// How many connections may wait to be accepted; none: as many as the kernel lets.
    pub backlog: Option<u32>,
    /// Whether the program takes them from launchd itself, where launchd has them.
    pub launchd_activation: bool,
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// What is sent over it.
    pub kind: SocketKind,
    /// Where it listens.
    pub address: SocketAddress,
}

/// What is sent over a socket (socket(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketKind {
    /// Connections: TCP, or a Unix stream.
    Stream,
    /// Datagrams: UDP, or a Unix datagram.
    Datagram,
    /// Connections that keep packets apart; Unix only.
    SequentialPacket,
}

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAddress {
    /// `PORT`: on every address, of IPv6 and so of IPv4, or of IPv4 where there is no IPv6.
    Port(u16),
    /// `1.2.3.4:PORT` or `[::1]:PORT`.
    Inet(SocketAddr),
    /// `/PATH`: in the file system.
    Path(AbsPath),
    /// `@NAME`: in Linux's abstract namespace, without the `@`.
    Abstract(OsString),
}

/// The longest name of a Unix socket, in bytes (`sun_path` less its NUL, unix(7)).
const MAX_PATH_BYTES: usize = 107;

impl SocketAddress {
    /// Reads an address as systemd does. Port 0 and `vsock:` are refused: nobody could know, or reach, the one; and of
    /// the other nothing is known here.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let raw = bytes(value)?;
        match raw {
            [b'/', ..] => {
                let path = AbsPath::parse(value)?;
                short(path.as_path().as_os_str().as_bytes())?;
                match path.as_path().file_name() {
                    Some(_) => Ok(Self::Path(path)),
                    None => Err("the root directory is no socket".into()),
                }
            }
            [b'@', name @ ..] if !name.is_empty() => {
                short(name)?;
                Ok(Self::Abstract(OsStr::from_bytes(name).to_owned()))
            }
            _ => inet(text(value)?).ok_or_else(|| {
                ValueError::hinted(
                    "no address to listen on",
                    "a port, 127.0.0.1:PORT, [::1]:PORT, /PATH and @NAME are; a port is between 1 and 65535",
                )
            }),
        }
    }

    /// The address as it is read, byte for byte.
    pub fn written(&self) -> OsString {
        match self {
            Self::Path(path) => path.as_path().as_os_str().to_owned(),
            Self::Abstract(name) => {
                let mut whole = OsString::from("@");
                whole.push(name);
                whole
            }
            Self::Port(_) | Self::Inet(_) => self.to_string().into(),
        }
    }
}

fn short(name: &[u8]) -> Result<(), ValueError> {
    if name.len() > MAX_PATH_BYTES {
        return Err(format!("the name of a socket has at most {MAX_PATH_BYTES} bytes").into());
    }
    Ok(())
}

fn inet(text: &str) -> Option<SocketAddress> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|port| plain && *port > 0)
    };
    let Some((host, port)) = text.rsplit_once(':') else { return number(text).map(SocketAddress::Port) };
    let port = number(port)?;
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(SocketAddress::Inet(match inner {
        Some(inner) => SocketAddrV6::new(inner.parse::<Ipv6Addr>().ok()?, port, 0, 0).into(),
        None => SocketAddrV4::new(host.parse().ok()?, port).into(),
    }))
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Inet(address) => address.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.display()),
        }
    }
}

impl Socket {
    /// The field that says it.
    pub fn field(&self) -> Field {
        match self.kind {
            SocketKind::Stream => Field::ListenStream,
            SocketKind::Datagram => Field::ListenDatagram,
            SocketKind::SequentialPacket => Field::ListenSequentialPacket,
        }
    }

    /// A socket of this kind, where it can be one.
    pub(super) fn parse(kind: SocketKind, value: &OsStr) -> Result<Self, ValueError> {
        let address = SocketAddress::parse(value)?;
        let inet = matches!(address, SocketAddress::Port(_) | SocketAddress::Inet(_));
        if kind == SocketKind::SequentialPacket && inet {
            return Err("sequential packets are for sockets of this machine: /PATH or @NAME".into());
        }
        Ok(Self { kind, address })
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SocketKind::Stream => self.address.fmt(f),
            SocketKind::Datagram => write!(f, "{} for datagrams", self.address),
            SocketKind::SequentialPacket => write!(f, "{} for packets", self.address),
        }
    }
}

impl Sockets {
    /// Whether anything is said but where to listen.
    pub(super) fn has_settings(&self) -> bool {
        *self != Self { listen: self.listen.clone(), ..Self::default() }
    }

    /// The first descriptor of a socket (sd_listen_fds(3)).
    pub const FIRST_DESCRIPTOR: i32 = 3;

    /// The numbers of the descriptors that the program finds its sockets at.
    pub fn descriptors(&self) -> std::ops::Range<i32> {
        let count = i32::try_from(self.listen.len()).unwrap_or(i32::MAX - Self::FIRST_DESCRIPTOR);
        Self::FIRST_DESCRIPTOR..Self::FIRST_DESCRIPTOR.saturating_add(count)
    }
}

/// What the descriptors of sockets are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketName(String);

impl SocketName {
    /// Takes up to 255 printable characters of ASCII without `:`, which stands between names.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        if name.is_empty() || name.len() > 255 {
            Err("a name has 1 to 255 characters".into())
        } else if let Some(bad) = name.chars().find(|c| !matches!(c, ' '..='~') || *c == ':') {
            Err(format!("the character '{}' cannot stand in it", bad.escape_debug()).into())
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether sockets of IPv6 take IPv4 too (`IPV6_V6ONLY`, ipv6(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindIpv6Only {
    /// As the system has it.
    Default,
    /// They do.
    Both,
    /// They do not.
    Ipv6Only,
}

impl BindIpv6Only {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Default, "default"), (Self::Both, "both"), (Self::Ipv6Only, "ipv6-only")];

    pub(super) fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let text = text(value)?;
        let known = Self::ALL.into_iter().find(|(_, name)| *name == text);
        known.map(|(choice, _)| choice).ok_or_else(|| "neither default nor both nor ipv6-only".into())
    }
}

impl fmt::Display for BindIpv6Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.into_iter().find(|(choice, _)| choice == self).map_or("", |(_, name)| name))
    }
}

impl ServiceSpec {
    /// What the descriptors of the sockets are called: what was said, else what systemd would call them
    /// (systemd.socket(5), `FileDescriptorName=`); else the word of sd_listen_fds(3) for what has no name.
    pub fn socket_name(&self) -> String {
        match (&self.sockets.name, &self.name) {
            (Some(said), _) => said.to_string(),
            (None, Some(service)) => format!("{service}.socket"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// Gives its sockets the name that systemd would give them, for a host that has no such rule.
    pub fn name_sockets(&mut self, service: &str) {
        if self.sockets.name.is_none() && !self.sockets.listen.is_empty() {
            // One that has a sign which no name of a descriptor has stays without.
            self.sockets.name = SocketName::parse(OsStr::new(&format!("{service}.socket"))).ok();
        }
    }

    /// What launchd calls the sockets of this service: the key in its `Sockets`.
    pub fn launchd_sockets(&self) -> String {
        self.sockets.name.as_ref().map_or_else(|| "Listeners".to_owned(), ToString::to_string)
    }
}

impl Field {
    /// Whether systemd reads it in a `.socket` unit beside the service (systemd.socket(5)).
    pub fn is_socket_field(self) -> bool {
        matches!(
            self,
            Field::ListenStream
                | Field::ListenDatagram
                | Field::ListenSequentialPacket
                | Field::FileDescriptorName
                | Field::SocketMode
                | Field::SocketUser
                | Field::SocketGroup
                | Field::BindIPv6Only
                | Field::Backlog
        )
    }
}

/// Reads how many connections may wait.
pub(super) fn backlog(value: &OsStr) -> Result<u32, ValueError> {
    let digits = text(value)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| "not a whole number from 0 to 4294967295".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_read_as_it_is_written() {
        for form in ["80", "127.0.0.1:80", "0.0.0.0:1", "[::1]:65535", "[::]:80", "/run/x y", "@x/y"] {
            let address = SocketAddress::parse(OsStr::new(form)).unwrap();
            assert_eq!(address.written(), OsStr::new(form));
            assert_eq!(address.to_string(), form);
        }
        assert_eq!(SocketAddress::parse(OsStr::new("//a/./b")).unwrap().to_string(), "/a/b");
        let bytes = OsStr::from_bytes(b"@\xff");
        assert_eq!(SocketAddress::parse(bytes).unwrap().written(), bytes);
    }

    #[test]
    fn what_nobody_can_listen_on_is_refused() {
        let long = format!("/{}", "x".repeat(MAX_PATH_BYTES));
        for form in [
            "",
            "0",
            "65536",
            "+80",
            "-1",
            "a",
            "x",
            "@",
            "/",
            "/a/../b",
            "localhost:80",
            "::1:80",
            "[::1]",
            "[::1]:0",
            "1.2.3.4",
            "1.2.3:80",
            "1.2.3.4:",
            "vsock:2:80",
            "[fe80::1%eth0]:80",
            "/a\0b",
            &long,
        ] {
            assert!(SocketAddress::parse(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
        assert!(SocketAddress::parse(OsStr::new(&long[..MAX_PATH_BYTES])).is_ok());
    }

    #[test]
    fn packets_in_sequence_are_for_this_machine_alone() {
        let parse = |value: &str| Socket::parse(SocketKind::SequentialPacket, OsStr::new(value));
        assert!(parse("80").is_err() && parse("[::1]:80").is_err());
        assert!(parse("/x").is_ok() && parse("@x").is_ok());
    }

    #[test]
    fn a_name_is_one_between_colons() {
        for name in ["", "a:b", "a\n", "é", &"x".repeat(256)] {
            assert!(SocketName::parse(OsStr::new(name)).is_err(), "{name:?} was taken");
        }
        assert_eq!(SocketName::parse(OsStr::new("a b%.socket")).unwrap().as_str(), "a b%.socket");
    }
}
