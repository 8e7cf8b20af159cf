//! Opening the sockets of a service, where an enemy may have been before.
//!
//! A port is the kernel's to give. A path is not: something may stand there. What is no socket is left alone, and so
//! is a socket that a process still has open; one that was left behind is removed. Two starts that find the same one
//! left behind take turns, or the second would remove the first one's.

use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::{fs, io};

use svcadapt_spec::{BindIpv6Only, FileMode, Socket, SocketAddress, SocketKind, Sockets};

use super::account::with_its_rights;
use super::journal::Created;
use super::{account, directory};
use crate::plan::Account;
use crate::registry;
use crate::sys::listen::{Kind, Settings};
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{directories, error_text, file, identity, listen};

/// Why a socket cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unopened {
    /// The reason, in words.
    pub(super) cause: String,
    /// What can be done about it.
    pub(super) hint: Option<String>,
    /// The kernel's number for the cause, where it was the kernel that refused.
    pub(super) errno: Option<i32>,
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        Self { cause: error_text(&error), hint: None, errno: error.raw_os_error() }
    }
}

fn unopened(cause: impl Into<String>, hint: &str) -> Unopened {
    Unopened { cause: cause.into(), hint: Some(hint.into()), errno: None }
}

/// Opens one socket. `made` is told of each file and directory as soon as it is there, also where it fails later.
///
/// `owner` is whom one in the file system is given to: a user, a group, or nobody.
pub(super) fn open(
    socket: &Socket,
    sockets: &Sockets,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, Unopened> {
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
            let maker = prepare(path, account, made)?;
            let mode = sockets.mode.unwrap_or(FileMode::DEFAULT_SOCKET).bits();
            // Without a place for turns (a /run that cannot be written) there are none: what is lost is only that two
            // starts at the very same moment cannot both go wrong.
            let _turn = registry::turn("%listen").ok();
            let open = at_path(kind, path, mode, &maker)?;
            made(Created::note_of(path, maker.user())?);
            let open = listen::listen(open, kind, settings)?;
            if owner != (None, None) {
                file::change_socket_owner(path, maker.user(), owner)?;
            }
            Ok(open)
        }
    }
}

/// What of the kernel's word needs more of them.
fn explain(error: io::Error) -> Unopened {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => Some("another process listens there"),
        io::ErrorKind::PermissionDenied => Some("ports below 1024 are root's"),
        io::ErrorKind::AddrNotAvailable => Some("no interface has this address"),
        _ => None,
    };
    Unopened { hint: hint.map(Into::into), ..error.into() }
}

/// Makes the directories on the way to a socket, as systemd does; refuses those that strangers can change.
fn prepare<'a>(
    path: &Path,
    account: &'a Account,
    made: &mut impl FnMut(Created),
) -> Result<Maker<'a>, Unopened> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let there = parent.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    let maker = Maker::of(there, account)?;
    if there == parent {
        return Ok(maker);
    }
    maker.act(|| directory::make_way(path, made))?;
    // Others may have been quicker in a place that all can write in.
    Maker::of(parent, account)
}

/// With whose rights a socket is made, and one that was left behind removed.
enum Maker<'a> {
    Ourselves,
    /// Where the service's user could exchange what lies on the way, root's rights could be turned against anything
    /// of that name.
    Service(&'a Account),
}

impl<'a> Maker<'a> {
    /// Where everybody may put a name but not take another's away, as in /tmp, a socket is safe.
    fn of(directory: &Path, account: &'a Account) -> Result<Self, Unopened> {
        if identity::effective_user() != 0 {
            return Ok(Self::Ourselves);
        }
        let judge = account::judge(account);
        let found = |judge: Judge| {
            let shared = judge.reach(directory, Last::Directory)?.shared();
            Ok::<_, io::Error>(shared.filter(|shared| !shared.keeps_our_names()))
        };
        if let Some(shared) = found(judge.trusting(account.uid))? {
            let place = shared.directory.display();
            let cause = format!("users other than root and the service's can write in {place}");
            return Err(unopened(cause, &directories::shared_dir_hint(&shared.directory)));
        }
        Ok(if found(judge)?.is_some() { Self::Service(account) } else { Self::Ourselves })
    }

    fn user(&self) -> u32 {
        match self {
            Self::Ourselves => identity::effective_user(),
            Self::Service(account) => account.uid,
        }
    }

    fn act<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Ourselves => act(),
            Self::Service(account) => with_its_rights(account, act),
        }
    }
}

/// Times that somebody else may be quicker before we give up.
const TRIES: usize = 3;

fn at_path(kind: Kind, path: &Path, mode: u16, maker: &Maker<'_>) -> Result<OwnedFd, Unopened> {
    for _ in 0..TRIES {
        match maker.act(|| listen::bind_path(kind, path, mode)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => clear(kind, path, maker)?,
            opened => return Ok(opened?),
        }
    }
    Err(unopened("address already in use", "other processes come and go there"))
}

/// Removes a socket that was left behind.
fn clear(kind: Kind, path: &Path, maker: &Maker<'_>) -> Result<(), Unopened> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if found.is_symlink() {
        return Err(unopened(
            "a symbolic link stands in its place",
            "remove it, and find out who put it there",
        ));
    }
    if !found.is_socket() {
        return Err(unopened(
            "something that is no socket stands in its place",
            "remove it if nobody needs it",
        ));
    }
    if listen::is_open(kind, path)? {
        return Err(unopened("address already in use", "another process listens there"));
    }
    match maker.act(|| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
