//! The polled probes: `tcp:`, `unix:` and `file:`.

use std::{fs, io};

use svcadapt_spec::{Probe, TcpHost};

use super::{ProcessTree, RunAs};
use crate::sys::listeners;
use crate::sys::listeners::Listening;

/// Whether the probe succeeds. A listener that belongs to another service, or a stale socket file, does not count.
pub(super) fn look(probe: &Probe, tree: ProcessTree, identity: &RunAs) -> io::Result<bool> {
    match probe {
        Probe::Tcp(TcpHost::Any, port) => is_held_by_service(&listeners::tcp(None, *port)?, tree),
        Probe::Tcp(TcpHost::Address(address), port) => {
            is_held_by_service(&listeners::tcp(Some(*address), *port)?, tree)
        }
        Probe::Unix(path) => {
            let path = path.as_path();
            let found = identity
                .as_service_if_denied(|| fs::symlink_metadata(path).map(drop), || listeners::unix(path));
            is_held_by_service(&found?, tree)
        }
        Probe::File(path) => {
            let there = || path.as_path().try_exists();
            Ok(identity.as_service_if_denied(|| there().map(drop), there).unwrap_or(false))
        }
        Probe::Notify | Probe::Fd(_) | Probe::Exec(_) => Ok(false),
    }
}

/// Whether a process of the service holds one of the sockets. True also if that cannot be determined: the descriptors of a
/// process may not be read, or the system does not report the owner of a socket.
fn is_held_by_service(sockets: &[Listening], tree: ProcessTree) -> io::Result<bool> {
    if sockets.is_empty() {
        return Ok(false);
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
