//! The sockets of a service as `Sockets`: what launchd listens on for it.

use std::net::{IpAddr, SocketAddr};

use plist::{Dictionary, Value};
use svcadapt_spec::{
    BindIpv6Only, Field, FileMode, Principal, ServiceSpec, Socket, SocketAddress, SocketKind,
};

use super::carry::text;
use super::keys;
use crate::WriteError;
use crate::divide::{Place, launchd_listens};

/// Adds `Sockets` to a job, unless launchd can have none of them; gives what cannot be written. launchd listens, whoever
/// takes the sockets from it.
///
/// A service is a string: launchd.plist(5) has it so, and takes an integer since macOS 10.5 only. A mode is always
/// written, for launchd would make it 0700.
pub(super) fn sockets(spec: &ServiceSpec, job: &mut Dictionary) -> Vec<WriteError> {
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    for socket in spec.sockets.listen.iter().filter(|socket| launchd_listens(socket)) {
        match entry(spec, socket) {
            Ok(entry) => all.push(Value::Dictionary(entry)),
            Err(one) => refused.push(one),
        }
    }
    let value = match all.len() {
        0 => return refused,
        1 => all.remove(0),
        _ => Value::Array(all),
    };
    let mut named = Dictionary::new();
    named.insert(spec.launchd_sockets(), value);
    job.insert(keys::SOCKETS.into(), named.into());
    refused
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
            // Only the address that stands for all of them can take IPv4 too.
            let family = if address.ip().is_unspecified() { six } else { "IPv6" };
            inet(Some((*address.ip()).into()), address.port(), family);
        }
        SocketAddress::Path(path) => {
            let field = if datagram { Field::ListenDatagram } else { Field::ListenStream };
            let value = path.as_path().as_os_str();
            let path = text(value).map_err(|unfit| unfit.of(Place::Field(field), value))?;
            entry.insert("SockPathName".into(), path.into());
            let mode = sockets.mode.unwrap_or(FileMode::DEFAULT_SOCKET);
            entry.insert("SockPathMode".into(), i64::from(mode.bits()).into());
            for (key, owner) in [("SockPathOwner", &sockets.user), ("SockPathGroup", &sockets.group)] {
                if let Some(Principal::Id(number)) = owner {
                    entry.insert(key.into(), i64::from(*number).into());
                }
            }
        }
        SocketAddress::Abstract(_) => {}
    }
    entry.sort_keys();
    Ok(entry)
}
