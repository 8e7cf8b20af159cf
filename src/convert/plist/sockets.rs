//! Reads `Sockets`, the addresses that launchd listens on for a job.
//!
//! In launchd each group of sockets has a name, and each socket a family and permissions; a spec has one of each for
//! all sockets. The reader warns if a property list has more than one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use svcadapt_spec::{Field, FileMode, SocketName, SocketOption};

use super::keys;
use super::read::JobReader;
use super::tree::{Entry, Integer, Node, Value};

/// Services that property lists use by name (services(5)); the host may have no such file.
const SERVICES: [(&str, u16); 20] = [
    ("daytime", 13),
    ("domain", 53),
    ("echo", 7),
    ("exec", 512),
    ("finger", 79),
    ("ftp", 21),
    ("http", 80),
    ("https", 443),
    ("imap", 143),
    ("ipp", 631),
    ("login", 513),
    ("ntp", 123),
    ("pop3", 110),
    ("printer", 515),
    ("rsync", 873),
    ("shell", 514),
    ("smtp", 25),
    ("ssh", 22),
    ("telnet", 23),
    ("tftp", 69),
];

/// The mode of a socket without `SockPathMode`, by launchd's umask.
const DEFAULT_MODE: u16 = 0o700;

/// The default name of sockets.
const DEFAULT_NAME: &str = "Listeners";

/// The settings that all sockets share, taken from the first socket that sets them.
#[derive(Default)]
struct SharedSettings {
    mode: Option<u16>,
    user: Option<i128>,
    group: Option<i128>,
    only_ipv6: Option<bool>,
}

impl JobReader<'_> {
    /// Reads `Sockets`. With `has_addresses` the adapter's options contain the addresses already.
    ///
    /// If a spec cannot represent all settings, the key is kept too, so that a property list for launchd stays
    /// complete.
    pub(super) fn sockets(&mut self, has_addresses: bool) {
        let inetd = self.take(keys::INETD);
        let Some(whole) = self.take(keys::SOCKETS) else {
            // Without sockets there is nothing that could be connected.
            if let Some(inetd) = inetd {
                self.keep(keys::INETD, &inetd);
            }
            return;
        };
        if let Some(inetd) = &inetd {
            self.inetd(inetd);
        }
        let before = self.warnings();
        self.groups(&whole, has_addresses);
        if !has_addresses && self.warnings() > before {
            self.keep(keys::SOCKETS, &whole);
        }
    }

    /// A process for each connection, with the connection as its streams; with `Wait` one process, with the socket.
    fn inetd(&mut self, inetd: &Node) {
        let waits = find(inetd, "Wait").is_some_and(|wait| wait.value == Value::Boolean(true));
        for field in [Field::StandardInput, Field::StandardOutput, Field::StandardError] {
            self.assign(field, "socket", inetd.offset);
        }
        if waits {
            return self.assign(Field::StartOnConnect, "yes", inetd.offset);
        }
        self.assign(Field::SocketOption(SocketOption::Accept), "yes", inetd.offset);
        if let Some(most) = number(inetd, "Instances").filter(|most| *most > 0) {
            let field = Field::SocketOption(SocketOption::MaxConnections);
            self.assign(field, most.to_string(), inetd.offset);
        }
    }

    /// Whether the streams of the job are connected to its sockets.
    pub(super) fn has_inetd(&self) -> bool {
        self.draft().last(Field::StandardInput).is_some_and(|(value, _)| value == "socket")
    }

    fn groups(&mut self, whole: &Node, has_addresses: bool) {
        let Node { value: Value::Dictionary(groups), offset } = whole else { return };
        let offset = *offset;
        let mut common = SharedSettings::default();
        let mut listens = false;
        let mut name: Option<String> = None;
        for Entry { key, node } in groups {
            match &name {
                Some(first) => {
                    let cause =
                        format!("svcadapt has one name for all sockets: these get the name '{first}', too");
                    self.warn(node.offset, cause);
                }
                None => name = Some(key.clone()),
            }
            let entries = match &node.value {
                Value::Array(nodes) => nodes.as_slice(),
                _ => std::slice::from_ref(node),
            };
            for entry in entries {
                listens |= self.socket(entry, has_addresses, &mut common);
            }
        }
        if !listens {
            return;
        }
        if !has_addresses {
            if let Some(name) = name.filter(|name| name != DEFAULT_NAME) {
                match SocketName::parse(name.as_ref()) {
                    Ok(_) => self.assign(Field::FileDescriptorName, name, offset),
                    Err(error) => {
                        let cause = format!(
                            "'{}' is not a valid name of sockets: {}",
                            name.escape_debug(),
                            error.cause
                        );
                        self.warn(offset, cause);
                    }
                }
            }
            if !self.has_inetd() {
                self.assign(Field::LaunchdActivation, "yes", offset);
            }
        }
        if let Some(mode) = common.mode.filter(|mode| *mode != FileMode::DEFAULT_SOCKET.bits()) {
            self.assign(Field::SocketMode, format!("{mode:o}"), offset);
        }
        for (field, number) in [(Field::SocketUser, common.user), (Field::SocketGroup, common.group)] {
            if let Some(number) = number {
                self.assign(field, number.to_string(), offset);
            }
        }
        if common.only_ipv6 == Some(true) {
            self.assign(Field::BindIPv6Only, "ipv6-only", offset);
        }
    }

    /// Reads one socket. Returns whether it has an address to listen on.
    fn socket(&mut self, node: &Node, has_addresses: bool, common: &mut SharedSettings) -> bool {
        let text = |key: &str| find(node, key).and_then(|node| string(&node.value));
        for key in ["Bonjour", "MulticastGroup", "ReceivePacketInfo"] {
            if let Some(found) = find(node, key).filter(|found| found.value != Value::Boolean(false)) {
                self.warn(found.offset, format!("svcadapt does not honour {key}"));
            }
        }
        if let Some(found) = find(node, "SecureSocketWithKey") {
            self.warn(found.offset, "launchd chooses the path of this socket; svcadapt does not open it");
            return false;
        }
        if let Some(found) = find(node, "SockPassive").filter(|found| found.value == Value::Boolean(false)) {
            self.warn(
                found.offset,
                "launchd connects this socket instead of listening; svcadapt does not open it",
            );
            return false;
        }
        let field = match text("SockType").map(str::to_ascii_lowercase).as_deref() {
            None | Some("stream") => Field::ListenStream,
            Some("dgram") => Field::ListenDatagram,
            Some("seqpacket") => Field::ListenSequentialPacket,
            Some(_) => {
                self.warn(
                    node.offset,
                    "SockType must be stream, dgram or seqpacket; launchd treats others as stream",
                );
                Field::ListenStream
            }
        };
        let addresses = match text("SockPathName") {
            Some(path) => {
                self.path_settings(node, common);
                vec![path.to_owned()]
            }
            None => self.inet(node, common),
        };
        let listens = !addresses.is_empty();
        for address in addresses.into_iter().filter(|_| !has_addresses) {
            self.assign(field, address, node.offset);
        }
        listens
    }

    fn path_settings(&mut self, node: &Node, common: &mut SharedSettings) {
        // The mode often includes the file type: 49663 is 0140777.
        let mode = number(node, "SockPathMode").map_or(i128::from(DEFAULT_MODE), |mode| mode & 0o777);
        let mode = u16::try_from(mode).unwrap_or(DEFAULT_MODE);
        if *common.mode.get_or_insert(mode) != mode {
            self.warn(node.offset, "svcadapt has one mode for all sockets: that of the first");
        }
        let mut owner = |known: &mut Option<i128>, key: &str| {
            let Some(id) = number(node, key) else { return };
            if *known.get_or_insert(id) != id {
                self.warn(node.offset, format!("svcadapt has one {key} for all sockets: that of the first"));
            }
        };
        owner(&mut common.user, "SockPathOwner");
        owner(&mut common.group, "SockPathGroup");
    }

    /// The addresses of a network socket.
    fn inet(&mut self, node: &Node, common: &mut SharedSettings) -> Vec<String> {
        let service = find(node, "SockServiceName");
        let offset = service.map_or(node.offset, |service| service.offset);
        let port = match service.map(|service| &service.value) {
            None => return self.no_port(offset, "without SockServiceName launchd listens on any free port; svcadapt does not open this socket"),
            Some(Value::Integer(Integer { number, .. })) => u16::try_from(*number).ok(),
            Some(Value::String(name)) => {
                let known = SERVICES.iter().find(|(known, _)| known == name).map(|(_, port)| *port);
                name.parse().ok().or(known)
            }
            Some(_) => None,
        };
        let Some(port) = port.filter(|port| *port > 0) else {
            return self
                .no_port(offset, "SockServiceName is neither a port nor a service that svcadapt knows");
        };
        let family = find(node, "SockFamily").and_then(|family| string(&family.value)).unwrap_or_default();
        let (four, six) = (family != "IPv6", family != "IPv4");
        let node_name = find(node, "SockNodeName").and_then(|name| string(&name.value));
        let at = |host: IpAddr| SocketAddr::new(host, port).to_string();
        let everywhere = |common: &mut SharedSettings, job: &mut Self| {
            let only = family == "IPv6";
            if *common.only_ipv6.get_or_insert(only) != only {
                job.warn(
                    node.offset,
                    "either all sockets accept IPv4 too, or no socket does: svcadapt does as the first",
                );
            }
        };
        match node_name {
            None | Some("*") if six => {
                everywhere(common, self);
                vec![port.to_string()]
            }
            None | Some("*") => vec![at(Ipv4Addr::UNSPECIFIED.into())],
            // launchd opens one socket for each family.
            Some("localhost") => {
                let both = [(four, Ipv4Addr::LOCALHOST.into()), (six, Ipv6Addr::LOCALHOST.into())];
                both.into_iter().filter(|(wanted, _)| *wanted).map(|(_, host)| at(host)).collect()
            }
            Some(host) => {
                let Ok(host) = host.parse::<IpAddr>() else {
                    let cause = "svcadapt does not look up host names, and does not open this socket";
                    return self.no_port(find(node, "SockNodeName").and_then(|name| name.offset), cause);
                };
                if host.is_ipv6() && host.is_unspecified() {
                    everywhere(common, self);
                }
                vec![at(host)]
            }
        }
    }

    fn no_port(&mut self, offset: Option<usize>, cause: &str) -> Vec<String> {
        self.warn(offset, cause);
        Vec::new()
    }
}

fn find<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Dictionary(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

fn string(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number(node: &Node, key: &str) -> Option<i128> {
    match find(node, key)?.value {
        Value::Integer(Integer { number, .. }) => Some(number),
        _ => None,
    }
}

/// Whether a field is an address to listen on.
pub(super) fn listens(field: Field) -> bool {
    matches!(field, Field::ListenStream | Field::ListenDatagram | Field::ListenSequentialPacket)
}
