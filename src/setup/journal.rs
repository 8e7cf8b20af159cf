//! What a start has made that was not there before, so that a start that fails can take it away again.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// One file or directory that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Whether it is a directory.
    pub directory: bool,
    /// Where it was made.
    pub path: PathBuf,
    /// The device that it lies on: with the inode, its identity.
    pub device: u64,
    /// Its number on that device.
    pub inode: u64,
}

impl Made {
    /// Notes what has just been made at `path`.
    pub fn note(path: &Path) -> io::Result<Self> {
        let made = fs::symlink_metadata(path)?;
        Ok(Self { directory: made.is_dir(), path: path.to_owned(), device: made.dev(), inode: made.ino() })
    }

    /// Takes it away, if it is still what was made and holds nothing: what somebody has written since is theirs.
    fn undo(&self) {
        let Ok(now) = fs::symlink_metadata(&self.path) else { return };
        if (now.dev(), now.ino()) != (self.device, self.inode) {
            return;
        }
        // That it cannot be removed is no news to anybody: the failure that led here is told.
        let _ = match (self.directory, now.len()) {
            (true, _) => fs::remove_dir(&self.path),
            (false, 0) => fs::remove_file(&self.path),
            (false, _) => Ok(()),
        };
    }
}

/// Takes away all that was made, the last first.
pub(super) fn undo(all: &[Made]) {
    all.iter().rev().for_each(Made::undo);
}
