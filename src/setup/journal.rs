//! What a start has made that was not there before, so that a start that fails can take it away again.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::account;
use crate::plan::Account;
use crate::sys::file;

/// One file or directory that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Whether it is a directory.
    pub directory: bool,
    /// Where it was made.
    pub path: PathBuf,
    /// The device that it lies on: with the inode, its identity.
    pub device: u64,
    /// Its number on that device.
    pub inode: u64,
}

impl Created {
    /// Notes what was made with this user's rights, who may have exchanged it for somebody else's.
    pub(super) fn note_of(path: &Path, user: u32) -> io::Result<Self> {
        let made = fs::symlink_metadata(path)?;
        if made.uid() != user {
            return Err(io::Error::other("somebody has put something else in its place"));
        }
        Ok(Self::of(path, &made))
    }

    /// The same of what was looked at already.
    pub(super) fn of(path: &Path, made: &fs::Metadata) -> Self {
        Self { directory: made.is_dir(), path: path.to_owned(), device: made.dev(), inode: made.ino() }
    }

    /// Takes it away, if it is still what was made and holds nothing: what somebody has written since is theirs.
    fn undo(&self, account: &Account) {
        // That it cannot be removed is no news to anybody: the failure that led here is told.
        let _ = account::look_for(account, || file::remove_empty(&self.path, self.device, self.inode));
    }
}

/// Takes away all that was made for a service of this account, the last first.
pub(super) fn undo(all: &[Created], account: &Account) {
    all.iter().rev().for_each(|made| made.undo(account));
}
