//! Opens the sockets of a service, in places that an attacker may have prepared.
//!
//! The kernel assigns ports, but a path may be occupied. A file that is not a socket is left alone, and so is a
//! socket that a process still has open; a stale socket is removed. Two starts that find the same stale socket take
//! turns, or the second one would remove the first one's new socket.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::{fs, io};

use svcadapt_spec::{
    BindIpv6Only, FileMode, ServiceSpec, Socket, SocketAddress, SocketKind, SocketOption, SocketOptionValue,
    Sockets,
};

use super::listen_place::{Creator, ListenError, listen_error, prepare};
use super::undo::Created;
use super::{listen_file, socket_options};
use crate::error::StepError;
use crate::plan::{Account, Resolution, StepLabel};
use crate::registry;
use crate::sys::listen::{Kind, Settings};
use crate::sys::listeners::Listening;
use crate::sys::special::Messages;
use crate::sys::{file, listen, listeners, special};

/// Opens one socket of a service. `made` is called for each new file and directory.
pub fn open_socket(
    socket: &Socket,
    spec: &ServiceSpec,
    resolved: &Resolution,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, StepError> {
    let opened = open(socket, &spec.sockets, resolved.socket_owner, &resolved.account, made);
    opened.map_err(|ListenError { cause, hint, errno }| StepError {
        hint,
        errno,
        ..StepError::at(StepLabel::listen(socket), cause)
    })
}

/// Removes the files of the service's sockets after its end, if that is asked for (systemd.socket(5), `RemoveOnStop=`).
/// A socket that another process has open by now stays, and so does a FIFO or a message queue in the place of the one that was
/// held: `held` has devices and inodes.
pub fn remove_sockets(spec: &ServiceSpec, account: &Account, held: &[(u64, u64)]) {
    let asked = SocketOptionValue::Flag(true);
    if spec.sockets.options.get(&SocketOption::RemoveOnStop) != Some(&asked) {
        return;
    }
    for socket in &spec.sockets.listen {
        // Best effort: the service has ended.
        let _ = remove(socket, account, held);
    }
}

fn remove(socket: &Socket, account: &Account, held: &[(u64, u64)]) -> Result<(), ListenError> {
    match (&socket.address, kind_of(socket)) {
        (SocketAddress::Path(path), Some(kind)) => {
            let path = path.as_path();
            clear(kind, path, &Creator::of(path.parent().unwrap_or(Path::new("/")), account)?)
        }
        (SocketAddress::Path(path), None) if socket.kind == SocketKind::Fifo => {
            listen_file::remove_fifo(path.as_path(), account, held)
        }
        (SocketAddress::Queue(name), _) => {
            held.iter().try_for_each(|held| Ok(special::remove_queue(name, *held, Messages::Lost)?))
        }
        _ => Ok(()),
    }
}

/// The type of a socket that listens or receives datagrams. `None` for everything else.
fn kind_of(socket: &Socket) -> Option<Kind> {
    match socket.kind {
        SocketKind::Stream => Some(Kind::Stream),
        SocketKind::Datagram => Some(Kind::Datagram),
        SocketKind::SequentialPacket => Some(Kind::SequentialPacket),
        SocketKind::Fifo | SocketKind::Special | SocketKind::Netlink | SocketKind::MessageQueue => None,
    }
}

/// Opens one socket. `made` is called for each new file and directory right after its creation, also if a later step
/// fails.
///
/// `owner` is the user and the group that a socket in the file system is given to; `None` keeps the creator's.
fn open(
    socket: &Socket,
    sockets: &Sockets,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, ListenError> {
    let Some(kind) = kind_of(socket) else {
        return listen_file::open(socket, sockets, owner, account, made);
    };
    let only_ipv6 = match sockets.bind_ipv6_only {
        Some(BindIpv6Only::Both) => Some(false),
        Some(BindIpv6Only::Ipv6Only) => Some(true),
        Some(BindIpv6Only::Default) | None => None,
    };
    let set = |open: &OwnedFd| socket_options::before_bind(open, sockets);
    let settings = Settings { only_ipv6, backlog: sockets.backlog, before_bind: Some(&set) };
    let open = bind(socket, kind, settings, sockets, owner, account, made)?;
    socket_options::after_bind(&open, socket, sockets);
    Ok(open)
}

fn bind(
    socket: &Socket,
    kind: Kind,
    settings: Settings<'_>,
    sockets: &Sockets,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, ListenError> {
    match &socket.address {
        SocketAddress::Port(port) => listen::on_port(kind, *port, settings)
            .map_err(|error| explain(error, || servers(kind, None, *port))),
        SocketAddress::Inet(address) => listen::on_address(kind, *address, settings)
            .map_err(|error| explain(error, || servers(kind, Some(address.ip()), address.port()))),
        SocketAddress::Abstract(name) => {
            listen::on_abstract_name(kind, name, settings).map_err(|error| explain(error, || Ok(Vec::new())))
        }
        SocketAddress::Netlink(..) | SocketAddress::Queue(_) => {
            Err(listen_error("an address of another kind of socket", "give a port, a path or @NAME"))
        }
        SocketAddress::Path(path) => {
            let path = path.as_path();
            let creator = prepare(path, account, made)?;
            let mode = sockets.mode.unwrap_or(FileMode::DEFAULT_SOCKET).bits();
            // If /run is not writable, there is no lock to take turns with. Then only two starts at the very same
            // moment are at risk.
            let _start_lock = registry::lock_starts("%listen").ok();
            let open = at_path(kind, path, mode, &creator)?;
            made(Created::note_of(path, creator.user())?);
            let open = listen::listen(open, kind, settings)?;
            if owner != (None, None) {
                file::change_socket_owner(path, creator.user(), owner)?;
            }
            Ok(open)
        }
    }
}

/// Adds a hint to errors that need one. `known`: the sockets that listen there.
fn explain(error: io::Error, known: impl FnOnce() -> io::Result<Vec<Listening>>) -> ListenError {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => Some(in_use(&known().unwrap_or_default())),
        io::ErrorKind::PermissionDenied => Some("only root may use ports below 1024".to_owned()),
        io::ErrorKind::AddrNotAvailable => Some("no interface has this address".to_owned()),
        _ => None,
    };
    ListenError { hint, ..error.into() }
}

/// The servers of a port that are in the way of this address, or of all addresses.
fn servers(kind: Kind, address: Option<IpAddr>, port: u16) -> io::Result<Vec<Listening>> {
    let address = address.filter(|address| !address.is_unspecified());
    if kind == Kind::Stream { listeners::tcp(address, port) } else { Ok(Vec::new()) }
}

fn in_use(known: &[Listening]) -> String {
    format!("{} listens there", listen::holder(known))
}

/// Attempts before giving up if other processes keep binding the path.
const TRIES: usize = 3;

fn at_path(kind: Kind, path: &Path, mode: u16, creator: &Creator<'_>) -> Result<OwnedFd, ListenError> {
    for _ in 0..TRIES {
        match creator.act(|| listen::bind_path(kind, path, mode)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => clear(kind, path, creator)?,
            opened => return Ok(opened?),
        }
    }
    Err(listen_error("address already in use", "other processes keep binding it"))
}

/// Removes a stale socket.
fn clear(kind: Kind, path: &Path, creator: &Creator<'_>) -> Result<(), ListenError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if found.is_symlink() {
        return Err(listen_error(
            "a symbolic link is in its place",
            "remove it, and find out who put it there",
        ));
    }
    if !found.is_socket() {
        return Err(listen_error(
            "a file that is not a socket is in its place",
            "remove it if it is not needed",
        ));
    }
    if listen::is_open(kind, path)? {
        let known = listeners::unix(path).unwrap_or_default();
        return Err(listen_error("address already in use", &in_use(&known)));
    }
    match creator.act(|| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
