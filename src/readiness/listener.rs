//! The polled probes: `tcp:`, `unix:` and `file:`, and whether the server of `http://` listens.

use std::{fs, io};

use svcadapt_spec::{Probe, TcpHost};

use super::{ProcessTree, RunAs};
use crate::sys::listeners::Listening;
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
pub(super) fn look(probe: &Probe, look: Look, tree: ProcessTree, identity: &RunAs) -> io::Result<bool> {
    match probe {
        Probe::File(path) => {
            let there = || path.as_path().try_exists();
            Ok(identity.as_service_if_denied(|| there().map(drop), there).unwrap_or(false))
        }
        Probe::Tcp(TcpHost::Any, port) if look == Look::Quick && !listeners::may_be_on_loopback(*port) => {
            Ok(false)
        }
        _ => is_held_by_service(&listening(probe, identity)?, tree),
    }
}

/// The probe, and which other process listens where it waits for the service.
pub(super) fn missing(probe: &Probe, tree: Option<ProcessTree>, identity: &RunAs) -> String {
    let listening = listening(probe, identity).unwrap_or_default();
    let own = tree.is_some_and(|tree| is_held_by_service(&listening, tree).unwrap_or(true));
    if listening.is_empty() || own {
        return probe.to_string();
    }
    format!("{probe} ({} listens there, which is not of this service)", listen::holder(&listening))
}

/// The sockets that listen where a probe waits for the service.
fn listening(probe: &Probe, identity: &RunAs) -> io::Result<Vec<Listening>> {
    match probe {
        Probe::Tcp(TcpHost::Any, port) => listeners::tcp(None, *port),
        Probe::Tcp(TcpHost::Address(address), port) => listeners::tcp(Some(*address), *port),
        Probe::Unix(path) => {
            let path = path.as_path();
            identity.as_service_if_denied(|| fs::symlink_metadata(path).map(drop), || listeners::unix(path))
        }
        Probe::Http(url) => match url.socket_address() {
            Some(address) => listeners::tcp(Some(address.ip()), address.port()),
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
