//! Opens what a service hears from besides sockets that listen: FIFOs, special files, netlink sockets and message queues,
//! with the flags of systemd (systemd.socket(5)).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use svcadapt_spec::{FileMode, Socket, SocketAddress, SocketKind, SocketOption, SocketOptionValue, Sockets};

use super::listen_place::{Creator, ListenError, listen_error, prepare};
use super::socket_options;
use super::undo::Created;
use crate::plan::Account;
use crate::sys::{fd, identity, special};

/// Opens it. `owner` is the user and the group that a FIFO is given to.
pub(super) fn open(
    socket: &Socket,
    sockets: &Sockets,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, ListenError> {
    let mode = sockets.mode.unwrap_or(FileMode::DEFAULT_SOCKET).bits();
    let open = match (socket.kind, &socket.address) {
        (SocketKind::Fifo, SocketAddress::Path(path)) => fifo(path.as_path(), mode, owner, account, made)?,
        (SocketKind::Special, SocketAddress::Path(path)) => {
            let asked = SocketOptionValue::Flag(true);
            let writable = sockets.options.get(&SocketOption::Writable) == Some(&asked);
            special_file(path.as_path(), writable, account)?
        }
        (_, SocketAddress::Netlink(family, groups)) => special::open_netlink(*family, *groups)?,
        (_, SocketAddress::Queue(name)) => {
            let number = |option| match sockets.options.get(&option) {
                Some(SocketOptionValue::Number(number)) => Some(i64::from(*number)),
                _ => None,
            };
            // One without the other is ignored, as with systemd.
            let limits = number(SocketOption::MessageQueueMaxMessages)
                .zip(number(SocketOption::MessageQueueMessageSize));
            let (queue, fresh) = special::open_queue(name, mode, limits)?;
            let queue = File::from(queue);
            let found = queue.metadata()?;
            if fresh {
                made(Created::queue(name, &found));
            }
            if found.uid() != identity::effective_user() {
                return Err(another_owner("message queue"));
            }
            special::give(&queue, (None, None), mode)?;
            queue.into()
        }
        _ => return Err(listen_error("an address of another kind of socket", "give a path")),
    };
    // The program gets it as it gets sockets (systemd.service(5), `NonBlocking=`).
    fd::nonblocking(&open, false)?;
    socket_options::after_bind(&open, socket, sockets);
    Ok(open)
}

/// Creates a FIFO, or takes the one that is there: what was written to it is not lost.
fn fifo(
    path: &Path,
    mode: u16,
    owner: (Option<u32>, Option<u32>),
    account: &Account,
    made: &mut impl FnMut(Created),
) -> Result<OwnedFd, ListenError> {
    let creator = prepare(path, account, made)?;
    let fresh = creator.act(|| special::make_fifo(path, mode))?;
    if fresh {
        made(Created::note_of(path, creator.user())?);
    }
    let Some(fifo) = creator.act(|| special::open_fifo(path))? else {
        return Err(listen_error(
            "a file that is not a FIFO is in its place",
            "remove it if it is not needed",
        ));
    };
    let found = fifo.metadata()?.uid();
    if found != creator.user() && Some(found) != owner.0 {
        return Err(another_owner("FIFO"));
    }
    special::give(&fifo, owner, mode)?;
    Ok(fifo.into())
}

/// Removes a FIFO if it is one of those with these devices and inodes.
pub(super) fn remove_fifo(path: &Path, account: &Account, held: &[(u64, u64)]) -> Result<(), ListenError> {
    let creator = Creator::of(path.parent().unwrap_or(Path::new("/")), account)?;
    let found = std::fs::symlink_metadata(path)?;
    if found.file_type().is_fifo() && held.contains(&(found.dev(), found.ino())) {
        creator.act(|| std::fs::remove_file(path))?;
    }
    Ok(())
}

fn special_file(path: &Path, writable: bool, account: &Account) -> Result<OwnedFd, ListenError> {
    let creator = Creator::of(path.parent().unwrap_or(Path::new("/")), account)?;
    let open = creator.act(|| special::open_special(path, writable))?;
    let neither = "neither a character device nor a regular file";
    Ok(open.ok_or_else(|| listen_error(neither, "use --listen-fifo for a FIFO"))?.into())
}

fn another_owner(what: &str) -> ListenError {
    let cause = format!("a {what} of another user is in its place");
    listen_error(cause, "remove it, and find out who put it there")
}
