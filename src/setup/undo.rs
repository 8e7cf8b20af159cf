//! The files and directories that a start has created, so that a failed start can remove them.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::account;
use crate::plan::Account;
use crate::sys::special::Messages;
use crate::sys::{file, special};

/// One created file, directory or message queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// What it is.
    pub kind: CreatedKind,
    /// Its path; the name of a message queue.
    pub path: PathBuf,
    /// The device of the file system. With the inode it identifies the file.
    pub device: u64,
    /// The inode number.
    pub inode: u64,
}

/// What was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedKind {
    /// A file, or a socket in the file system.
    File,
    /// A directory.
    Directory,
    /// A message queue (mq_overview(7)).
    Queue,
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
        let kind = if made.is_dir() { CreatedKind::Directory } else { CreatedKind::File };
        Self { kind, path: path.to_owned(), device: made.dev(), inode: made.ino() }
    }

    /// A message queue of this name.
    pub(super) fn queue(name: &OsStr, made: &fs::Metadata) -> Self {
        Self { kind: CreatedKind::Queue, ..Self::of(Path::new(name), made) }
    }

    /// Removes it if it is still the same file and empty: content written since then belongs to its writer.
    fn undo(&self, account: &Account) {
        // Best effort: the failure that caused the clean-up is reported instead.
        let _ = match self.kind {
            CreatedKind::File | CreatedKind::Directory => {
                account::look_for(account, || file::remove_empty(&self.path, self.device, self.inode))
            }
            CreatedKind::Queue => {
                let identity = (self.device, self.inode);
                special::remove_queue(self.path.as_os_str(), identity, Messages::Kept)
            }
        };
    }
}

/// Removes everything that was created for a service of this account, in reverse order.
pub(super) fn remove_all(all: &[Created], account: &Account) {
    all.iter().rev().for_each(|made| made.undo(account));
}
