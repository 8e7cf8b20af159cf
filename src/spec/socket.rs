//! Listening sockets that are passed to a service (systemd.socket(5)).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;

use super::value_error::{bytes, text};
use super::{
    AbsPath, Field, FileMode, Principal, ServiceSpec, SocketCommands, SocketName, SocketOption,
    SocketOptionValue, Timespan, ValueError, netlink,
};

/// The sockets of a service, and their common settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sockets {
    /// The sockets, in the order of their descriptors. Options and JSON put streams first, then datagrams, sequential
    /// packets, FIFOs, special files, netlink sockets and message queues.
    pub listen: Vec<Socket>,
    /// Their name in `LISTEN_FDNAMES`. `None`: systemd's default.
    pub name: Option<SocketName>,
    /// The mode of sockets in the file system. `None`: [`FileMode::DEFAULT_SOCKET`].
    pub mode: Option<FileMode>,
    /// The owner of sockets in the file system. `None`: the caller.
    pub user: Option<Principal>,
    /// The group of sockets in the file system. `None`: the owner's primary group.
    pub group: Option<Principal>,
    /// Whether IPv6 sockets accept IPv4 too.
    pub bind_ipv6_only: Option<BindIpv6Only>,
    /// The length of the queue of pending connections (listen(2)). `None`: the kernel's maximum.
    pub backlog: Option<u32>,
    /// Their options in the kernel.
    #[doc(hidden)]
    pub options: BTreeMap<SocketOption, SocketOptionValue>,
    /// The commands around their opening and closing.
    #[doc(hidden)]
    pub commands: SocketCommands,
    /// Whether the program itself takes them from launchd (`launch_activate_socket`(3)), if launchd has them.
    pub launchd_activation: bool,
    /// Whether the program is started when the first client connects.
    pub start_on_connect: bool,
    /// After how long without a connection the program is stopped. It implies `start_on_connect`.
    #[doc(hidden)]
    pub idle_exit: Option<Timespan>,
}

/// A listening socket, or what else a service is given to hear from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The type.
    pub kind: SocketKind,
    /// The address.
    pub address: SocketAddress,
}

/// The type of a socket (socket(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketKind {
    /// Connections: TCP, or a Unix stream.
    Stream,
    /// Datagrams: UDP, or a Unix datagram.
    Datagram,
    /// Connections that preserve message boundaries; Unix only.
    SequentialPacket,
    /// A FIFO in the file system (fifo(7)).
    Fifo,
    /// A character device, or a file of /proc or /sys.
    Special,
    /// Messages of the kernel (netlink(7)).
    Netlink,
    /// A POSIX message queue (mq_overview(7)).
    MessageQueue,
}

/// The address of a listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAddress {
    /// `PORT`: the IPv6 wildcard address, which includes IPv4; without IPv6 the IPv4 wildcard address.
    Port(u16),
    /// `1.2.3.4:PORT` or `[::1]:PORT`.
    Inet(SocketAddr),
    /// `/PATH`: a path in the file system.
    Path(AbsPath),
    /// `@NAME`: a name in Linux's abstract namespace, without the `@`.
    Abstract(OsString),
    /// `FAMILY [GROUPS]`: the number of a netlink family, and the mask of its multicast groups.
    Netlink(i32, u32),
    /// `/NAME`: the name of a message queue, without the slash.
    Queue(OsString),
}

/// The maximum length of a Unix socket's path or name (`sun_path` without the NUL, unix(7)).
const MAX_PATH_BYTES: usize = 107;

impl SocketAddress {
    /// Reads an address as systemd does, with two exceptions: port 0 is refused, since clients could not know the port;
    /// `vsock:` is not supported.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let raw = bytes(value)?;
        match raw {
            [b'/', ..] => {
                let path = AbsPath::parse(value)?;
                short(path.as_path().as_os_str().as_bytes())?;
                match path.as_path().file_name() {
                    Some(_) => Ok(Self::Path(path)),
                    None => Err("the root directory cannot be a socket".into()),
                }
            }
            [b'@', name @ ..] if !name.is_empty() => {
                short(name)?;
                Ok(Self::Abstract(OsStr::from_bytes(name).to_owned()))
            }
            _ => inet(text(value)?).ok_or_else(|| {
                ValueError::hinted(
                    "not an address to listen on",
                    "use PORT, 127.0.0.1:PORT, [::1]:PORT, /PATH or @NAME; PORT is 1 to 65535",
                )
            }),
        }
    }

    /// The address in the form that [`SocketAddress::parse`] reads, byte for byte.
    #[doc(hidden)]
    pub fn written(&self) -> OsString {
        match self {
            Self::Path(path) => path.as_path().as_os_str().to_owned(),
            Self::Abstract(name) => {
                let mut text = OsString::from("@");
                text.push(name);
                text
            }
            Self::Queue(name) => {
                let mut text = OsString::from("/");
                text.push(name);
                text
            }
            Self::Port(_) | Self::Inet(_) | Self::Netlink(..) => self.to_string().into(),
        }
    }
}

/// The path of a FIFO or a special file.
fn file(value: &OsStr) -> Result<AbsPath, ValueError> {
    let path = AbsPath::parse(value)?;
    let named = path.as_path().file_name().is_some();
    if named { Ok(path) } else { Err("the root directory is no such file".into()) }
}

/// The name of a message queue (mq_overview(7)), without its slash.
fn queue(value: &OsStr) -> Result<OsString, ValueError> {
    let name = bytes(value)?.strip_prefix(b"/").unwrap_or_default();
    if name.is_empty() || name.len() > 254 || name.contains(&b'/') || [&b"."[..], b".."].contains(&name) {
        return Err(ValueError::hinted(
            "not the name of a message queue",
            "use /NAME, without another slash",
        ));
    }
    Ok(OsStr::from_bytes(name).to_owned())
}

fn short(name: &[u8]) -> Result<(), ValueError> {
    if name.len() > MAX_PATH_BYTES {
        return Err(format!("longer than the {MAX_PATH_BYTES} bytes of a socket's path").into());
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
            Self::Netlink(family, groups) => f.write_str(&netlink::written(*family, *groups)),
            Self::Queue(name) => write!(f, "/{}", name.display()),
        }
    }
}

impl Socket {
    /// The field that sets it.
    #[doc(hidden)]
    pub fn field(&self) -> Field {
        match self.kind {
            SocketKind::Stream => Field::ListenStream,
            SocketKind::Datagram => Field::ListenDatagram,
            SocketKind::SequentialPacket => Field::ListenSequentialPacket,
            SocketKind::Fifo => Field::ListenFifo,
            SocketKind::Special => Field::ListenSpecial,
            SocketKind::Netlink => Field::ListenNetlink,
            SocketKind::MessageQueue => Field::ListenMessageQueue,
        }
    }

    /// The kind of the sockets that a field adds. `None` if it adds none.
    #[doc(hidden)]
    pub fn kind_of(field: Field) -> Option<SocketKind> {
        Some(match field {
            Field::ListenStream => SocketKind::Stream,
            Field::ListenDatagram => SocketKind::Datagram,
            Field::ListenSequentialPacket => SocketKind::SequentialPacket,
            Field::ListenFifo => SocketKind::Fifo,
            Field::ListenSpecial => SocketKind::Special,
            Field::ListenNetlink => SocketKind::Netlink,
            Field::ListenMessageQueue => SocketKind::MessageQueue,
            _ => return None,
        })
    }

    /// Whether it has connections that can be accepted.
    #[doc(hidden)]
    pub fn has_connections(&self) -> bool {
        matches!(self.kind, SocketKind::Stream | SocketKind::SequentialPacket)
    }

    /// Reads the address of a socket of this kind.
    pub(super) fn parse(kind: SocketKind, value: &OsStr) -> Result<Self, ValueError> {
        let address = match kind {
            SocketKind::Stream | SocketKind::Datagram | SocketKind::SequentialPacket => {
                SocketAddress::parse(value)?
            }
            SocketKind::Fifo | SocketKind::Special => SocketAddress::Path(file(value)?),
            SocketKind::Netlink => {
                let (family, groups) = netlink::parse(value)?;
                SocketAddress::Netlink(family, groups)
            }
            SocketKind::MessageQueue => SocketAddress::Queue(queue(value)?),
        };
        let inet = matches!(address, SocketAddress::Port(_) | SocketAddress::Inet(_));
        if kind == SocketKind::SequentialPacket && inet {
            return Err("sequential packets need a Unix socket: /PATH or @NAME".into());
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
            SocketKind::Fifo => write!(f, "{} as a FIFO", self.address),
            SocketKind::Special => write!(f, "{} as a special file", self.address),
            SocketKind::Netlink => write!(f, "netlink {}", self.address),
            SocketKind::MessageQueue => write!(f, "{} as a message queue", self.address),
        }
    }
}

impl Sockets {
    /// Whether a process is started for each connection.
    #[doc(hidden)]
    pub fn accepts(&self) -> bool {
        self.options.get(&SocketOption::Accept) == Some(&SocketOptionValue::Flag(true))
    }

    /// Whether any setting but the addresses is set.
    pub(super) fn has_settings(&self) -> bool {
        *self != Self { listen: self.listen.clone(), ..Self::default() }
    }

    /// The descriptor of the first socket (sd_listen_fds(3)).
    pub const FIRST_DESCRIPTOR: i32 = 3;

    /// The descriptors of the sockets in the program.
    #[doc(hidden)]
    pub fn descriptors(&self) -> std::ops::Range<i32> {
        let count = i32::try_from(self.listen.len()).unwrap_or(i32::MAX - Self::FIRST_DESCRIPTOR);
        Self::FIRST_DESCRIPTOR..Self::FIRST_DESCRIPTOR.saturating_add(count)
    }
}

/// Whether IPv6 sockets accept IPv4 too (`IPV6_V6ONLY`, ipv6(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindIpv6Only {
    /// The system's default.
    Default,
    /// IPv6 and IPv4.
    Both,
    /// IPv6 only.
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
    /// The name of the sockets' descriptors: the configured one, else systemd's default (systemd.socket(5),
    /// `FileDescriptorName=`), else `unknown`, the word of sd_listen_fds(3) for unnamed descriptors.
    #[doc(hidden)]
    pub fn socket_name(&self) -> String {
        match (&self.sockets.name, &self.name) {
            (Some(name), _) => name.to_string(),
            (None, _) if self.sockets.accepts() => "connection".to_owned(),
            (None, Some(service)) => format!("{service}.socket"),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// Sets the name of the sockets to systemd's default, for a host without such a default.
    #[doc(hidden)]
    pub fn name_sockets(&mut self, service: &str) {
        if self.sockets.name.is_none() && !self.sockets.listen.is_empty() {
            // A service name that is no valid descriptor name leaves them unnamed.
            self.sockets.name = SocketName::parse(OsStr::new(&format!("{service}.socket"))).ok();
        }
    }

    /// The key of this service's sockets in launchd's `Sockets` dictionary.
    #[doc(hidden)]
    pub fn launchd_sockets(&self) -> String {
        self.sockets.name.as_ref().map_or_else(|| "Listeners".to_owned(), ToString::to_string)
    }
}

/// Reads a `Backlog=`.
pub(super) fn backlog(value: &OsStr) -> Result<u32, ValueError> {
    let digits = text(value)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| "not a whole number from 0 to 4294967295".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_address_is_printed_as_it_is_read() {
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
    fn invalid_socket_address_is_refused() {
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
    fn sequential_packets_over_ip_are_refused() {
        let parse = |value: &str| Socket::parse(SocketKind::SequentialPacket, OsStr::new(value));
        assert!(parse("80").is_err() && parse("[::1]:80").is_err());
        assert!(parse("/x").is_ok() && parse("@x").is_ok());
    }

    #[test]
    fn fifo_special_file_netlink_family_and_message_queue_are_read_and_printed() {
        use SocketKind as K;
        let all = [
            (K::Fifo, "/run/f", Some("/run/f as a FIFO")),
            (K::Fifo, "f", None),
            (K::Special, "/", None),
            (K::Special, "/dev/kmsg", Some("/dev/kmsg as a special file")),
            (K::Netlink, "kobject-uevent 1", Some("netlink kobject-uevent 1")),
            (K::Netlink, "16  3", Some("netlink generic 3")),
            (K::Netlink, "route 0", Some("netlink route")),
            (K::Netlink, "nosuch", None),
            (K::Netlink, "route x", None),
            (K::Netlink, "32", None),
            (K::MessageQueue, "/q", Some("/q as a message queue")),
            (K::MessageQueue, "/a/b", None),
            (K::MessageQueue, "q", None),
            (K::MessageQueue, "/..", None),
        ];
        for (kind, value, printed) in all {
            let read = Socket::parse(kind, OsStr::new(value)).ok();
            assert_eq!(read.as_ref().map(ToString::to_string).as_deref(), printed, "{value}");
            let again = read.as_ref().map(|socket| Socket::parse(kind, &socket.address.written()).unwrap());
            assert_eq!(read, again);
        }
    }
}
