//! The polled probes: `tcp:`, `unix:` and `file:`, and whether the server of `http://` listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::{fs, io};

use svcadapt_spec::{Probe, TcpHost};

use super::{ProcessTree, RunAs};
use crate::sys::listeners::{Listening, Tables};
use crate::sys::{listen, listeners};

/// How thorough a look is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It may miss a server that listens on no loopback address, where the probe names no address.
    Quick,
    /// It finds every server.
    Whole,
}

/// Whether the probe succeeds. A listener that belongs to another service, or a stale socket file, does not count.
pub(super) fn look(
    probe: &Probe,
    look: Look,
    tree: ProcessTree,
    identity: &RunAs,
    tables: &mut Tables,
) -> io::Result<bool> {
    if let Probe::File(path) = probe {
        let there = || path.as_path().try_exists();
        return Ok(identity.as_service_if_denied(|| there().map(drop), there).unwrap_or(false));
    }
    match served(probe, tables) {
        Served::No(Certainty::Certain) => return Ok(false),
        Served::No(Certainty::OnLoopback) if look == Look::Quick => return Ok(false),
        Served::By(server) if listeners::held_by(tree.main, &[server]) == Some(true) => return Ok(true),
        Served::No(Certainty::OnLoopback) | Served::By(_) | Served::Unknown => {}
    }
    is_held_by_service(&listening(probe, identity, tables)?, tree)
}

/// What the kernel answers fastest.
enum Served {
    /// No server gets the connections.
    No(Certainty),
    /// This one gets them, and perhaps others.
    By(Listening),
    Unknown,
}

/// Whether no server at all gets the connections, or none to the loopback addresses.
enum Certainty {
    Certain,
    OnLoopback,
}

fn served(probe: &Probe, tables: &mut Tables) -> Served {
    let address = match probe {
        Probe::Tcp(TcpHost::Address(address), port) => Some(SocketAddr::new(*address, *port)),
        Probe::Http(url) => url.socket_address(),
        Probe::Tcp(TcpHost::Any, port) => {
            let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            for address in loopback {
                match tables.server(SocketAddr::new(address, *port)) {
                    Ok(None) => {}
                    Ok(Some(server)) => return Served::By(server),
                    Err(_) => return Served::Unknown,
                }
            }
            return Served::No(Certainty::OnLoopback);
        }
        _ => None,
    };
    match address.map(|address| tables.server(address)) {
        Some(Ok(Some(server))) => Served::By(server),
        Some(Ok(None)) => Served::No(Certainty::Certain),
        Some(Err(_)) | None => Served::Unknown,
    }
}

/// The probe, and which other process listens where it waits for the service.
pub(super) fn missing(probe: &Probe, tree: Option<ProcessTree>, identity: &RunAs) -> String {
    let listening = listening(probe, identity, &mut Tables::default()).unwrap_or_default();
    let own = tree.is_some_and(|tree| is_held_by_service(&listening, tree).unwrap_or(true));
    if listening.is_empty() || own {
        return probe.to_string();
    }
    format!("{probe} ({} listens there, which is not of this service)", listen::holder(&listening))
}

/// The sockets that listen where a probe waits for the service.
fn listening(probe: &Probe, identity: &RunAs, tables: &mut Tables) -> io::Result<Vec<Listening>> {
    match probe {
        Probe::Tcp(TcpHost::Any, port) => tables.tcp(None, *port),
        Probe::Tcp(TcpHost::Address(address), port) => tables.tcp(Some(*address), *port),
        Probe::Unix(path) => {
            let path = path.as_path();
            identity.as_service_if_denied(|| fs::symlink_metadata(path).map(drop), || tables.unix(path))
        }
        Probe::Http(url) => match url.socket_address() {
            Some(address) => tables.tcp(Some(address.ip()), address.port()),
            None => Ok(Vec::new()),
        },
        Probe::Notify
        | Probe::Fd(_)
        | Probe::Exec(_)
        | Probe::Log(_)
        | Probe::Alive(_)
        | Probe::Dbus(_)
        | Probe::File(_) => Ok(Vec::new()),
    }
}

/// Whether a process of the service holds one of the sockets. True also if that cannot be determined: the descriptors of a
/// process may not be read, or the system does not report the owner of a socket.
fn is_held_by_service(sockets: &[Listening], tree: ProcessTree) -> io::Result<bool> {
    if sockets.is_empty() {
        return Ok(false);
    }
    // Mostly it is the main process. To find the others takes a look at every process of the machine.
    if listeners::held_by(tree.main, sockets) == Some(true) {
        return Ok(true);
    }
    let mut doubt = false;
    for pid in tree.members()? {
        match listeners::held_by(pid, sockets) {
            Some(true) => return Ok(true),
            Some(false) => {}
            None => doubt = true,
        }
    }
    Ok(doubt)
}
