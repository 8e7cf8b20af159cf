//! Writes the sockets of a service as `Sockets`.

use std::net::{IpAddr, SocketAddr};

use plist::{Dictionary, Value};
use svcadapt_spec::{
    BindIpv6Only, Field, FileMode, Principal, ServiceSpec, Socket, SocketAddress, SocketKind, SocketOption,
    SocketOptionValue,
};

use super::keys;
use super::xml_text::text;
use crate::WriteError;
use crate::divide::{Place, is_inetd, launchd_listens};

/// Adds `Sockets` to a job, unless launchd supports no socket of the service. Returns the values that cannot be
/// written.
///
/// `SockServiceName` is a string as in launchd.plist(5); an integer works since macOS 10.5 only. The mode is always
/// written, because launchd's default is 0700.
pub(super) fn sockets(spec: &ServiceSpec, job: &mut Dictionary) -> Vec<WriteError> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for socket in spec.sockets.listen.iter().filter(|socket| launchd_listens(socket)) {
        match entry(spec, socket) {
            Ok(entry) => all.push(Value::Dictionary(entry)),
            Err(error) => errors.push(error),
        }
    }
    let value = match all.len() {
        0 => return errors,
        1 => all.remove(0),
        _ => Value::Array(all),
    };
    let mut named = Dictionary::new();
    named.insert(spec.launchd_sockets(), value);
    job.insert(keys::SOCKETS.into(), named.into());
    if is_inetd(spec) {
        let mut inetd = Dictionary::new();
        inetd.insert("Wait".into(), (!spec.sockets.accepts()).into());
        if let Some(SocketOptionValue::Number(most)) = spec.sockets.options.get(&SocketOption::MaxConnections)
        {
            inetd.insert("Instances".into(), i64::from(*most).into());
        }
        inetd.sort_keys();
        job.insert(keys::INETD.into(), inetd.into());
    }
    errors
}

fn entry(spec: &ServiceSpec, socket: &Socket) -> Result<Dictionary, WriteError> {
    let sockets = &spec.sockets;
    let datagram = socket.kind == SocketKind::Datagram;
    let only = sockets.bind_ipv6_only == Some(BindIpv6Only::Ipv6Only);
    let mut entry = Dictionary::new();
    entry.insert("SockType".into(), if datagram { "dgram" } else { "stream" }.into());
    let mut inet = |node: Option<IpAddr>, port: u16, family: &str| {
        entry.extend(node.map(|node| ("SockNodeName".to_owned(), Value::from(node.to_string()))));
        entry.insert("SockServiceName".into(), port.to_string().into());
        entry.insert("SockFamily".into(), family.into());
    };
    let six = if only { "IPv6" } else { "IPv4v6" };
    match &socket.address {
        SocketAddress::Port(port) => inet(None, *port, six),
        SocketAddress::Inet(SocketAddr::V4(address)) => {
            inet(Some((*address.ip()).into()), address.port(), "IPv4");
        }
        SocketAddress::Inet(SocketAddr::V6(address)) => {
            // Only the unspecified address can accept IPv4 too.
            let family = if address.ip().is_unspecified() { six } else { "IPv6" };
            inet(Some((*address.ip()).into()), address.port(), family);
        }
        SocketAddress::Path(path) => {
            let field = if datagram { Field::ListenDatagram } else { Field::ListenStream };
            let value = path.as_path().as_os_str();
            let path = text(value).map_err(|error| error.in_value(Place::Field(field), value))?;
            entry.insert("SockPathName".into(), path.into());
            let mode = sockets.mode.unwrap_or(FileMode::DEFAULT_SOCKET);
            entry.insert("SockPathMode".into(), i64::from(mode.bits()).into());
            for (key, owner) in [("SockPathOwner", &sockets.user), ("SockPathGroup", &sockets.group)] {
                if let Some(Principal::Id(number)) = owner {
                    entry.insert(key.into(), i64::from(*number).into());
                }
            }
        }
        SocketAddress::Abstract(_) | SocketAddress::Netlink(..) | SocketAddress::Queue(_) => {}
    }
    entry.sort_keys();
    Ok(entry)
}
