//! `tcp:`, `unix:` and `file:`: something can be found from outside.

use std::{fs, io};

use svcadapt_spec::{Probe, TcpHost};

use super::{ProcessTree, RunAs};
use crate::sys::listeners;
use crate::sys::listeners::Listening;

/// Whether the sign is there. Who else listens on the port, or left the socket behind, makes nobody ready.
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

/// Whether one of the sockets is a process's of the service. Where we may not look at the descriptors of one of
/// them, or the system does not tell whose a socket is, it has the benefit of the doubt.
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
