//! What a service hears from besides sockets: FIFOs, special files, netlink sockets and message queues.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid};

use super::number::cast;
use super::platform;

/// The flags of files that others may have put there: nothing waits, no link is followed, no terminal is taken.
const CAREFUL: i32 = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY;

/// Creates a FIFO with this mode, minus the umask. `false` if something is there.
pub fn make_fifo(path: &Path, mode: u16) -> io::Result<bool> {
    match nix::unistd::mkfifo(path, Mode::from_bits_truncate(cast(mode))) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Opens a FIFO for reading and writing, so that it has a writer as long as it is open: no reader sees its end. `None` if
/// another file is there.
pub fn open_fifo(path: &Path) -> io::Result<Option<File>> {
    let found = std::fs::symlink_metadata(path)?;
    // To open a device can have effects.
    if !found.file_type().is_fifo() {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).write(true).custom_flags(CAREFUL).open(path)?;
    let opened = file.metadata()?;
    Ok((opened.file_type().is_fifo() && opened.nlink() == 1).then_some(file))
}

/// Opens a character device, or a regular file, which those of /proc and /sys are. `None` if another file is there.
pub fn open_special(path: &Path, writable: bool) -> io::Result<Option<File>> {
    let fits = |found: &std::fs::Metadata| found.is_file() || found.file_type().is_char_device();
    if !fits(&std::fs::symlink_metadata(path)?) {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).write(writable).custom_flags(CAREFUL).open(path)?;
    let fits = fits(&file.metadata()?);
    Ok(fits.then_some(file))
}

/// Changes the owner, then the mode, of an open file.
pub fn give(file: impl AsFd, owner: (Option<u32>, Option<u32>), mode: u16) -> io::Result<()> {
    let (user, group) = (owner.0.map(Uid::from_raw), owner.1.map(Gid::from_raw));
    if owner != (None, None) {
        nix::unistd::fchown(file.as_fd(), user, group)?;
    }
    Ok(nix::sys::stat::fchmod(file, Mode::from_bits_truncate(cast(mode)))?)
}

/// Sets the size of a FIFO's buffer (fcntl(2), `F_SETPIPE_SZ`).
pub fn set_pipe_size(fifo: &OwnedFd, bytes: i32) -> io::Result<()> {
    platform::set_pipe_size(fifo, bytes)
}

/// Opens a netlink socket of a family, as a member of these multicast groups.
pub fn open_netlink(family: i32, groups: u32) -> io::Result<OwnedFd> {
    platform::open_netlink(family, groups)
}

/// Opens a message queue for reading. A missing one is created, with these limits: its number of messages and the size of each.
/// `true`: it was created.
pub fn open_queue(name: &OsStr, mode: u16, limits: Option<(i64, i64)>) -> io::Result<(OwnedFd, bool)> {
    platform::open_queue(name, mode, limits)
}

/// What happens to the messages in a queue that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messages {
    /// They keep the queue.
    Kept,
    /// They are lost with it.
    Lost,
}

/// Removes a message queue if it is still the one with this device and inode.
pub fn remove_queue(name: &OsStr, identity: (u64, u64), messages: Messages) -> io::Result<()> {
    platform::remove_queue(name, identity, messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifo_is_open_for_both_and_another_file_is_none() {
        let place = std::env::temp_dir().join(format!("svcadapt-fifo-{}", std::process::id()));
        assert!(make_fifo(&place, 0o600).unwrap() && !make_fifo(&place, 0o600).unwrap());
        let fifo = open_fifo(&place).unwrap().unwrap();
        give(&fifo, (None, None), 0o640).unwrap();
        assert_eq!(fifo.metadata().unwrap().mode() & 0o7777, 0o640);
        assert!(open_special(&place, false).unwrap().is_none());
        let second = place.with_extension("link");
        std::fs::hard_link(&place, &second).unwrap();
        assert!(open_fifo(&place).unwrap().is_none(), "it has another name elsewhere");
        std::fs::remove_file(second).unwrap();
        std::fs::remove_file(&place).unwrap();
        assert!(open_fifo(Path::new("/dev/null")).unwrap().is_none());
        assert!(open_special(Path::new("/dev/null"), true).unwrap().is_some());
        assert!(open_special(Path::new("/"), false).unwrap().is_none());
    }
}
