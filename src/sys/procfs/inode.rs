//! The target of a link in `/proc/PID/`: its name and its metadata.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::sys::procfs;
use crate::sys::procfs::Unreadable;

/// One of the links of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The working directory.
    WorkingDirectory,
    /// The root directory, see chroot(2).
    Root,
    /// The executable.
    Program,
}

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

/// The type of an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InodeKind {
    /// `/dev/null`, by its device number and not by its name.
    Null,
    /// A terminal, by its device number: a console, a serial line, the slave side of a pseudo-terminal.
    Terminal,
    /// An ordinary file.
    Regular,
    /// A directory.
    Directory,
    /// A pipe, with or without a name.
    Pipe,
    /// A socket of any family.
    Socket,
    /// Any other device.
    Device,
    /// Anything without a file type: an epoll, an eventfd, a signalfd.
    Anonymous,
}

/// The file behind a link, as reported by stat(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// The name from the kernel, including ` (deleted)`.
    pub path: PathBuf,
    /// Its identity.
    pub id: FileId,
    /// Its type.
    pub kind: InodeKind,
    /// The permission bits, including set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Whether it has no name any more.
    pub deleted: bool,
}

/// Reads a link of a process. Requires the permission to trace it (ptrace(2)).
pub fn link(pid: i32, link: Link) -> Result<Inode, Unreadable> {
    let name = match link {
        Link::WorkingDirectory => "cwd",
        Link::Root => "root",
        Link::Program => "exe",
    };
    Ok(read(&procfs::path(pid, name)?)?)
}

/// Reads the link and the metadata of its file. The kernel follows the link to the file itself, not by name.
pub(super) fn read(link: &Path) -> io::Result<Inode> {
    let path = fs::read_link(link)?;
    let metadata = fs::metadata(link)?;
    let kind = kind(&metadata);
    Ok(Inode {
        path,
        id: FileId { device: metadata.dev(), inode: metadata.ino() },
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        deleted: metadata.nlink() == 0
            && matches!(kind, InodeKind::Regular | InodeKind::Directory | InodeKind::Device),
    })
}

fn kind(metadata: &Metadata) -> InodeKind {
    let file_type = metadata.file_type();
    if file_type.is_char_device() {
        character_device(metadata.rdev())
    } else if file_type.is_file() {
        InodeKind::Regular
    } else if file_type.is_dir() {
        InodeKind::Directory
    } else if file_type.is_fifo() {
        InodeKind::Pipe
    } else if file_type.is_socket() {
        InodeKind::Socket
    } else if file_type.is_block_device() {
        InodeKind::Device
    } else {
        InodeKind::Anonymous
    }
}

/// The numbers are from Linux's `Documentation/admin-guide/devices.txt`.
fn character_device(number: u64) -> InodeKind {
    let major = ((number >> 8) & 0xfff) | ((number >> 32) & 0xffff_f000);
    let minor = (number & 0xff) | ((number >> 12) & 0xffff_ff00);
    match (major, minor) {
        (1, 3) => InodeKind::Null,
        // 5:2 is the master side of a pseudo-terminal, which is no terminal to its owner.
        (5, 2) => InodeKind::Device,
        (4 | 5 | 136..=143 | 166 | 188 | 204 | 229, _) => InodeKind::Terminal,
        _ => InodeKind::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_recognised_by_number() {
        for (number, kind) in [
            ((1 << 8) | 3, InodeKind::Null),
            ((1 << 8) | 5, InodeKind::Device),
            (5 << 8, InodeKind::Terminal),
            ((5 << 8) | 1, InodeKind::Terminal),
            ((5 << 8) | 2, InodeKind::Device),
            ((4 << 8) | 64, InodeKind::Terminal),
            (136 << 8, InodeKind::Terminal),
            ((143 << 8) | 255, InodeKind::Terminal),
            // Minor numbers from 256 are encoded above the major number.
            ((136 << 8) | (1 << 20), InodeKind::Terminal),
            (10 << 8, InodeKind::Device),
        ] {
            assert_eq!(character_device(number), kind, "{number:#x}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn own_root_is_the_root_directory() {
        let own = i32::try_from(std::process::id()).unwrap();
        let root = link(own, Link::Root).unwrap();
        let metadata = fs::metadata("/").unwrap();
        assert_eq!(root.id, FileId { device: metadata.dev(), inode: metadata.ino() });
        assert_eq!((root.kind, root.deleted), (InodeKind::Directory, false));
    }
}
