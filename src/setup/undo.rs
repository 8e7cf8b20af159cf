//! The files and directories that a start has created, so that a failed start can remove them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::account;
use crate::plan::Account;
use crate::sys::file;

/// One created file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Whether it is a directory.
    pub directory: bool,
    /// Its path.
    pub path: PathBuf,
    /// The device of the file system. With the inode it identifies the file.
    pub device: u64,
    /// The inode number.
    pub inode: u64,
}

impl Created {
    /// Records a file that was created with this user's rights. Fails if that user has replaced it by another user's
    /// file.
    pub(super) fn note_of(path: &Path, user: u32) -> io::Result<Self> {
        let made = fs::symlink_metadata(path)?;
        if made.uid() != user {
            return Err(io::Error::other("it was replaced by another user's file"));
        }
        Ok(Self::of(path, &made))
    }

    /// The same, from known metadata.
    pub(super) fn of(path: &Path, made: &fs::Metadata) -> Self {
        Self { directory: made.is_dir(), path: path.to_owned(), device: made.dev(), inode: made.ino() }
    }

    /// Removes it if it is still the same file and empty: content written since then belongs to its writer.
    fn undo(&self, account: &Account) {
        // Best effort: the failure that caused the clean-up is reported instead.
        let _ = account::look_for(account, || file::remove_empty(&self.path, self.device, self.inode));
    }
}

/// Removes everything that was created for a service of this account, in reverse order.
pub(super) fn remove_all(all: &[Created], account: &Account) {
    all.iter().rev().for_each(|made| made.undo(account));
}
