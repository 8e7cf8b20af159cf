//! New names in directories, announced by a signal (fcntl(2), `F_NOTIFY`).
//!
//! The last close of an inotify(7) descriptor waits in the kernel, 5 to 30 ms, until no reader is left. A launcher, whose end
//! is the answer to its starter, would be that late. The end of these announcements costs nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;

/// `DN_CREATE` and `DN_RENAME`, linux/dnotify.h: a name is made, or moved here. The announcement ends with the first one.
const NEW_NAME: libc::c_int = 0x4 | 0x10;

/// Announces new names, by SIGIO of the kernel: other readers of signals pass over it (`SignalReader`).
#[derive(Debug)]
pub struct NewNames {
    signal: SignalFd,
    directories: Vec<OwnedFd>,
}

impl NewNames {
    /// Blocks SIGIO in this process. An error if it has more than one thread: the signal might end it through another.
    pub fn new() -> io::Result<Self> {
        if super::thread_count()? != 1 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut own = SigSet::empty();
        own.add(Signal::SIGIO);
        own.thread_block()?;
        let signal = SignalFd::with_flags(&own, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { signal, directories: Vec::new() })
    }

    /// From now on the descriptor becomes readable when the next name is made in one of these directories, or in the nearest
    /// one above that exists. Whether that can be announced for all of them; a network file system does not announce what
    /// other machines do.
    pub fn announce<'a>(&mut self, directories: impl Iterator<Item = &'a Path>) -> bool {
        // Their end takes back what they have not announced.
        self.directories.clear();
        while let Ok(Some(_)) = self.signal.read_signal() {}
        for directory in directories {
            let mut places = directory.ancestors().map(announce);
            match places.find(|place| !matches!(place, Err(error) if error.kind() == io::ErrorKind::NotFound))
            {
                Some(Ok(opened)) => self.directories.push(opened),
                Some(Err(_)) | None => return false,
            }
        }
        true
    }
}

impl AsFd for NewNames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}

fn announce(directory: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = open(directory, flags, Mode::empty())?;
    // SAFETY: the call takes numbers, the first of which is a descriptor that is open here.
    Errno::result(unsafe { libc::fcntl(opened.as_raw_fd(), libc::F_NOTIFY, NEW_NAME) })?;
    Ok(opened)
}
