//! What a finder can ask of a machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A machine, as far as a spec depends on it.
pub trait Machine {
    /// A user, by name.
    fn user(&self, name: &str) -> Lookup<Account>;

    /// The number of a group, by its name.
    fn group(&self, name: &str) -> Lookup<u32>;

    /// What lies at an absolute path; links are followed.
    fn inode(&self, path: &Path) -> Lookup<Inode>;

    /// What stands in a regular file, if it is small.
    fn content(&self, path: &Path) -> Option<Vec<u8>>;

    /// Whether macOS has marked the file as brought from elsewhere.
    fn quarantined(&self, path: &Path) -> bool;

    /// Whether launchd is its service manager.
    fn has_launchd(&self) -> bool;
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It is not there.
    Missing,
    /// That cannot be told.
    Unknown,
}

impl<T> Lookup<T> {
    /// What is there, if it is.
    pub fn there(self) -> Option<T> {
        match self {
            Self::Found(thing) => Some(thing),
            Self::Missing | Self::Unknown => None,
        }
    }

    /// Whether it is known not to be there.
    pub fn missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// A user with all of the user's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The number.
    pub uid: u32,
    /// The groups, the primary one first.
    pub groups: Vec<u32>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    /// What it is.
    pub kind: Kind,
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// The kinds of files that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// Writing, and going through a directory (chmod(2)).
const WRITE: u32 = 0o2;
const SEARCH: u32 = 0o1;

impl Inode {
    /// Whether a user may write here, or make something in it. Access control lists are not asked.
    pub(super) fn writable(&self, who: &Account) -> bool {
        let wanted = if self.kind == Kind::Directory { WRITE | SEARCH } else { WRITE };
        self.allows(who, wanted)
    }

    /// Whether a user may go through this directory.
    pub(super) fn searchable(&self, who: &Account) -> bool {
        self.allows(who, SEARCH)
    }

    /// Whether anybody but its owner and root may write here; a sticky directory counts.
    pub(super) fn writable_by_others(&self) -> bool {
        self.mode & 0o002 != 0 || self.mode & 0o020 != 0 && self.gid != 0
    }

    fn allows(&self, who: &Account, wanted: u32) -> bool {
        let bits = match who.uid {
            0 => return true,
            uid if uid == self.uid => self.mode >> 6,
            _ if who.groups.contains(&self.gid) => self.mode >> 3,
            _ => self.mode,
        };
        bits & wanted == wanted
    }
}

/// A machine of which nothing is known: for files that will be used on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMachine;

impl Machine for NoMachine {
    fn user(&self, _name: &str) -> Lookup<Account> {
        Lookup::Unknown
    }

    fn group(&self, _name: &str) -> Lookup<u32> {
        Lookup::Unknown
    }

    fn inode(&self, _path: &Path) -> Lookup<Inode> {
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

/// A machine as data: what does not stand here is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its users.
    pub users: BTreeMap<String, Account>,
    /// Its groups.
    pub groups: BTreeMap<String, u32>,
    /// Its files, by absolute path.
    pub inodes: BTreeMap<PathBuf, Inode>,
    /// What stands in some of them.
    pub contents: BTreeMap<PathBuf, Vec<u8>>,
    /// Those that are quarantined.
    pub quarantined: Vec<PathBuf>,
    /// Whether it has launchd.
    pub launchd: bool,
}

fn look<T: Clone>(found: Option<&T>) -> Lookup<T> {
    found.map_or(Lookup::Missing, |found| Lookup::Found(found.clone()))
}

impl Machine for Facts {
    fn user(&self, name: &str) -> Lookup<Account> {
        look(self.users.get(name))
    }

    fn group(&self, name: &str) -> Lookup<u32> {
        look(self.groups.get(name))
    }

    fn inode(&self, path: &Path) -> Lookup<Inode> {
        look(self.inodes.get(path))
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
    fn the_first_class_of_bits_that_fits_decides() {
        let inode = |mode| Inode { kind: Kind::Directory, mode, uid: 7, gid: 8 };
        let who = |uid, gid| Account { uid, groups: vec![gid] };
        for (mode, uid, gid, may) in [
            (0o700, 7, 1, true),
            (0o077, 7, 8, false),
            (0o070, 9, 8, true),
            (0o707, 9, 8, false),
            (0o003, 9, 9, true),
            (0o002, 9, 9, false),
            (0o000, 0, 0, true),
        ] {
            assert_eq!(inode(mode).writable(&who(uid, gid)), may, "{mode:o} {uid} {gid}");
        }
    }
}
