//! The facts about a machine that the checks use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The facts about a machine that a spec depends on.
pub trait Machine {
    /// The user of this name.
    fn user(&self, name: &str) -> Lookup<MachineUser>;

    /// The gid of the group of this name.
    fn group(&self, name: &str) -> Lookup<u32>;

    /// The file at an absolute path, with symbolic links followed (stat(2)).
    fn inode(&self, path: &Path) -> Lookup<FileInfo>;

    /// The content of a small regular file. `None` if it cannot be read or is too large.
    fn content(&self, path: &Path) -> Option<Vec<u8>>;

    /// Whether the file has the attribute `com.apple.quarantine`.
    fn quarantined(&self, path: &Path) -> bool;

    /// Whether launchd is the machine's service manager.
    fn has_launchd(&self) -> bool;
}

/// The result of looking something up on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It exists.
    Found(T),
    /// It does not exist.
    Missing,
    /// The machine does not know.
    Unknown,
}

impl<T> Lookup<T> {
    /// The value, if it exists.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(thing) => Some(thing),
            Self::Missing | Self::Unknown => None,
        }
    }

    /// Whether it is known not to exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// A user and all groups of that user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineUser {
    /// The uid.
    pub uid: u32,
    /// The gids, the primary group first.
    pub groups: Vec<u32>,
}

/// The type, mode and owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// The type.
    pub kind: FileKind,
    /// The permission bits.
    pub mode: u32,
    /// The uid of the owner.
    pub uid: u32,
    /// The gid of the group.
    pub gid: u32,
}

/// The types of files that the checks distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// The permission bits of other users: write, and search of a directory (chmod(2)).
const WRITE: u32 = 0o2;
const SEARCH: u32 = 0o1;

impl FileInfo {
    /// Whether the mode lets the user write this file, or create a file in this directory. Access control lists are not
    /// read.
    pub(super) fn writable(&self, user: &MachineUser) -> bool {
        let wanted = if self.kind == FileKind::Directory { WRITE | SEARCH } else { WRITE };
        self.allows(user, wanted)
    }

    /// Whether the mode lets the user search this directory.
    pub(super) fn searchable(&self, user: &MachineUser) -> bool {
        self.allows(user, SEARCH)
    }

    /// Whether a user other than the owner and root may write here. A sticky directory counts as writable.
    pub(super) fn writable_by_others(&self) -> bool {
        self.mode & 0o002 != 0 || self.mode & 0o020 != 0 && self.gid != 0
    }

    fn allows(&self, user: &MachineUser, wanted: u32) -> bool {
        let bits = match user.uid {
            0 => return true,
            uid if uid == self.uid => self.mode >> 6,
            _ if user.groups.contains(&self.gid) => self.mode >> 3,
            _ => self.mode,
        };
        bits & wanted == wanted
    }
}

/// A machine that knows nothing, for files that will be used on another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMachine;

impl Machine for NoMachine {
    fn user(&self, _name: &str) -> Lookup<MachineUser> {
        Lookup::Unknown
    }

    fn group(&self, _name: &str) -> Lookup<u32> {
        Lookup::Unknown
    }

    fn inode(&self, _path: &Path) -> Lookup<FileInfo> {
        Lookup::Unknown
    }

    fn content(&self, _path: &Path) -> Option<Vec<u8>> {
        None
    }

    fn quarantined(&self, _path: &Path) -> bool {
        false
    }

    fn has_launchd(&self) -> bool {
        false
    }
}

/// A machine as data. What is not listed does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineData {
    /// Its users.
    pub users: BTreeMap<String, MachineUser>,
    /// Its groups.
    pub groups: BTreeMap<String, u32>,
    /// Its files, by absolute path.
    pub inodes: BTreeMap<PathBuf, FileInfo>,
    /// The content of some files.
    pub contents: BTreeMap<PathBuf, Vec<u8>>,
    /// The quarantined files.
    pub quarantined: Vec<PathBuf>,
    /// Whether launchd is its service manager.
    pub launchd: bool,
}

fn lookup<T: Clone>(found: Option<&T>) -> Lookup<T> {
    found.map_or(Lookup::Missing, |found| Lookup::Found(found.clone()))
}

impl Machine for MachineData {
    fn user(&self, name: &str) -> Lookup<MachineUser> {
        lookup(self.users.get(name))
    }

    fn group(&self, name: &str) -> Lookup<u32> {
        lookup(self.groups.get(name))
    }

    fn inode(&self, path: &Path) -> Lookup<FileInfo> {
        lookup(self.inodes.get(path))
    }

    fn content(&self, path: &Path) -> Option<Vec<u8>> {
        self.contents.get(path).cloned()
    }

    fn quarantined(&self, path: &Path) -> bool {
        self.quarantined.iter().any(|one| one == path)
    }

    fn has_launchd(&self) -> bool {
        self.launchd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_permission_class_decides() {
        let inode = |mode| FileInfo { kind: FileKind::Directory, mode, uid: 7, gid: 8 };
        let user = |uid, gid| MachineUser { uid, groups: vec![gid] };
        for (mode, uid, gid, may) in [
            (0o700, 7, 1, true),
            (0o077, 7, 8, false),
            (0o070, 9, 8, true),
            (0o707, 9, 8, false),
            (0o003, 9, 9, true),
            (0o002, 9, 9, false),
            (0o000, 0, 0, true),
        ] {
            assert_eq!(inode(mode).writable(&user(uid, gid)), may, "{mode:o} {uid} {gid}");
        }
    }
}
