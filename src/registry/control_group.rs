//! The control group of a service, as its record names it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::plan::LEAF;
use crate::sys::cgroup::Group;

/// How long processes that are exiting may take to leave the group.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);

/// A control group. The name of one that was removed may be used by another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its directory.
    pub path: PathBuf,
    /// Its device.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
}

impl GroupRecord {
    /// The record of an open group.
    pub fn of(group: &Group) -> io::Result<Self> {
        let (device, inode) = group.id()?;
        Ok(Self { path: group.path().to_owned(), device, inode })
    }

    /// Opens it. `None` if it was removed.
    pub fn open(&self) -> Option<Group> {
        let group = Group::open(&self.path).ok()?;
        (group.id().ok()? == (self.device, self.inode)).then_some(group)
    }

    /// Removes it if it has no processes, and svcadapt's own leaf beside it.
    pub fn remove(&self) -> io::Result<()> {
        if let Some(group) = self.open() {
            group.remove(REMOVAL_TIMEOUT)?;
            remove_leaf(&self.path);
        }
        Ok(())
    }

    /// One line of a record.
    pub(super) fn to_line(&self) -> std::ffi::OsString {
        let mut line = std::ffi::OsString::from(format!("{}:{}:", self.device, self.inode));
        line.push(&self.path);
        line
    }

    pub(super) fn parse(line: &std::ffi::OsStr) -> Option<Self> {
        use std::os::unix::ffi::OsStrExt;
        let mut parts = line.as_bytes().splitn(3, |byte| *byte == b':');
        let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse().ok();
        let (device, inode) = (number()?, number()?);
        let path = Path::new(std::ffi::OsStr::from_bytes(parts.next()?));
        path.is_absolute().then(|| Self { path: path.to_owned(), device, inode })
    }
}

/// Removes the leaf of svcadapt beside a group, if no svcadapt is in it.
fn remove_leaf(path: &Path) {
    let leaf = path.with_file_name(LEAF);
    if let Ok(leaf) = Group::open(&leaf) {
        // One that is needed has a process.
        let removed = leaf.remove(Duration::ZERO);
        let above = path.parent().map(Group::open);
        if let (Ok(()), Some(Ok(above))) = (removed, above) {
            // As it was before room was made in it.
            let _ = above.take_controllers_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_is_read_as_it_was_written() {
        let group = GroupRecord { path: "/sys/fs/cgroup/a:b\nc".into(), device: 26, inode: 4711 };
        assert_eq!(GroupRecord::parse(&group.to_line()), Some(group));
        for wrong in ["", "1:2", "1:x:/a", "1:2:a"] {
            assert_eq!(GroupRecord::parse(wrong.as_ref()), None, "{wrong}");
        }
    }

    #[test]
    fn another_directory_of_the_name_is_not_the_group() {
        let path = std::env::temp_dir();
        let group = Group::open(&path).unwrap();
        let record = GroupRecord::of(&group).unwrap();
        assert!(record.open().is_some());
        let other = GroupRecord { inode: record.inode + 1, ..record };
        assert!(other.open().is_none() && other.remove().is_ok());
    }
}
