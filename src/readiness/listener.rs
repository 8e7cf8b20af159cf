//! `tcp:`, `unix:` and `file:`: something can be found from outside.

use std::{fs, io};

use svcadapt_spec::{Probe, TcpHost};

use super::{ProcessTree, RunAs};
use crate::sys::listeners;
use crate::sys::listeners::Listening;

/// Whether the sign is there. Who else listens on the port, or left the socket behind, makes nobody ready.
pub(super) fn look(probe: &Probe, family: ProcessTree, identity: &RunAs) -> io::Result<bool> {
    match probe {
        Probe::Tcp(TcpHost::Any, port) => theirs(&listeners::tcp(None, *port)?, family),
        Probe::Tcp(TcpHost::Address(address), port) => {
            theirs(&listeners::tcp(Some(*address), *port)?, family)
        }
        Probe::Unix(path) => {
            let path = path.as_path();
            let found = identity
                .where_root_may_not(|| fs::symlink_metadata(path).map(drop), || listeners::unix(path));
            theirs(&found?, family)
        }
        Probe::File(path) => {
            let there = || path.as_path().try_exists();
            Ok(identity.where_root_may_not(|| there().map(drop), there).unwrap_or(false))
        }
        Probe::Notify | Probe::Fd(_) | Probe::Exec(_) => Ok(false),
    }
}

/// Whether one of the sockets is a process's of the service. Where we may not look at the descriptors of one of
/// them, or the system does not tell whose a socket is, it has the benefit of the doubt.
fn theirs(sockets: &[Listening], family: ProcessTree) -> io::Result<bool> {
    if sockets.is_empty() {
        return Ok(false);
    }
    let mut doubt = false;
    for pid in family.members()? {
        match listeners::held_by(pid, sockets) {
            Some(true) => return Ok(true),
            Some(false) => {}
            None => doubt = true,
        }
    }
    Ok(doubt)
}
