//! Opens the sockets of a service, in places that an attacker may have prepared.
//!
//! The kernel assigns ports, but a path may be occupied. A file that is not a socket is left alone, and so is a
//! socket that a process still has open; a stale socket is removed. Two starts that find the same stale socket take
//! turns, or the second one would remove the first one's new socket.

use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::{fs, io};

use svcadapt_spec::{BindIpv6Only, FileMode, Socket, SocketAddress, SocketKind, Sockets};

use super::account::with_service_rights;
use super::undo::Created;
use super::{account, directory};
use crate::plan::Account;
use crate::registry;
use crate::sys::listen::{Kind, Settings};
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{directories, error_text, file, identity, listen};

/// Why a socket cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListenError {
    /// The cause, in words.
    pub(super) cause: String,
    /// What the reader can do about it.
    pub(super) hint: Option<String>,
    /// The errno, if the kernel refused.
    pub(super) errno: Option<i32>,
}

impl From<io::Error> for ListenError {
    fn from(error: io::Error) -> Self {
        Self { cause: error_text(&error), hint: None, errno: error.raw_os_error() }
    }
}

fn listen_error(cause: impl Into<String>, hint: &str) -> ListenError {
    ListenError { cause: cause.into(), hint: Some(hint.into()), errno: None }
}

/// Opens one socket. `made` is called for each new file and directory right after its creation, also if a later step
/// fails.
///
/// `owner` is the user and the group that a socket in the file system is given to; `None` keeps the creator's.
pub(super) fn open(
    socket: &Socket,
    sockets: &Sockets,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, ListenError> {
    let kind = match socket.kind {
        SocketKind::Stream => Kind::Stream,
        SocketKind::Datagram => Kind::Datagram,
        SocketKind::SequentialPacket => Kind::SequentialPacket,
    };
    let only_ipv6 = match sockets.bind_ipv6_only {
        Some(BindIpv6Only::Both) => Some(false),
        Some(BindIpv6Only::Ipv6Only) => Some(true),
        Some(BindIpv6Only::Default) | None => None,
    };
    let settings = Settings { only_ipv6, backlog: sockets.backlog };
    match &socket.address {
        SocketAddress::Port(port) => listen::on_port(kind, *port, settings).map_err(explain),
        SocketAddress::Inet(address) => listen::on_address(kind, *address, settings).map_err(explain),
        SocketAddress::Abstract(name) => listen::on_abstract_name(kind, name, settings).map_err(explain),
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

/// Adds a hint to errors that need one.
fn explain(error: io::Error) -> ListenError {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => Some("another process listens there"),
        io::ErrorKind::PermissionDenied => Some("only root may use ports below 1024"),
        io::ErrorKind::AddrNotAvailable => Some("no interface has this address"),
        _ => None,
    };
    ListenError { hint: hint.map(Into::into), ..error.into() }
}

/// Creates the missing parent directories of a socket, as systemd does. Refuses directories that other users can
/// change.
fn prepare<'a>(
    path: &Path,
    account: &'a Account,
    made: &mut impl FnMut(Created),
) -> Result<Creator<'a>, ListenError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let there = parent.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    let creator = Creator::of(there, account)?;
    if there == parent {
        return Ok(creator);
    }
    creator.act(|| directory::make_way(path, made))?;
    // In a shared directory another user may have created the path meanwhile.
    Creator::of(parent, account)
}

/// The rights with which a socket is created and a stale one removed.
enum Creator<'a> {
    Caller,
    /// The service's user could replace parts of the path and so turn root's rights against any file of that name.
    Service(&'a Account),
}

impl<'a> Creator<'a> {
    /// A sticky directory such as /tmp is safe: others can add names but not remove ours.
    fn of(directory: &Path, account: &'a Account) -> Result<Self, ListenError> {
        if identity::effective_user() != 0 {
            return Ok(Self::Caller);
        }
        let judge = account::judge(account);
        let found = |judge: Judge| {
            let shared = judge.reach(directory, Last::Directory)?.shared();
            Ok::<_, io::Error>(shared.filter(|shared| !shared.keeps_our_names()))
        };
        if let Some(shared) = found(judge.trusting(account.uid))? {
            let place = shared.directory.display();
            let cause = format!("users other than root and the service's can write in {place}");
            return Err(listen_error(cause, &directories::shared_dir_hint(&shared.directory)));
        }
        Ok(if found(judge)?.is_some() { Self::Service(account) } else { Self::Caller })
    }

    fn user(&self) -> u32 {
        match self {
            Self::Caller => identity::effective_user(),
            Self::Service(account) => account.uid,
        }
    }

    fn act<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Caller => act(),
            Self::Service(account) => with_service_rights(account, act),
        }
    }
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
        return Err(listen_error("address already in use", "another process listens there"));
    }
    match creator.act(|| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
