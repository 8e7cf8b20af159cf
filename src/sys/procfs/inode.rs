//! What a link in `/proc/PID/` points to: its name, and the file itself.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::sys::procfs;
use crate::sys::procfs::Unreadable;

/// One of the places that a process stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The working directory.
    WorkingDirectory,
    /// The root directory, see chroot(2).
    Root,
    /// The program file.
    Program,
}

/// Which file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

/// What sort of thing is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    /// Something without a type: an epoll, an eventfd, a signalfd.
    Anonymous,
}

/// The file behind a link: what stat(2) says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// The name as the kernel gives it, ` (deleted)` after it included.
    pub path: PathBuf,
    /// Which file it is.
    pub id: FileId,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The permission bits, with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Whether no name of it is left.
    pub deleted: bool,
}

/// Where the process `pid` stands. Needs the right to trace it.
pub fn link(pid: i32, link: Link) -> Result<Inode, Unreadable> {
    let name = match link {
        Link::WorkingDirectory => "cwd",
        Link::Root => "root",
        Link::Program => "exe",
    };
    Ok(read(&procfs::path(pid, name)?)?)
}

/// Reads the link and the file behind it, wherever that lies: the kernel goes to the file itself, not by its name.
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
        deleted: metadata.nlink() == 0 && matches!(kind, Kind::Regular | Kind::Directory | Kind::Device),
    })
}

fn kind(metadata: &Metadata) -> Kind {
    let file_type = metadata.file_type();
    if file_type.is_char_device() {
        character_device(metadata.rdev())
    } else if file_type.is_file() {
        Kind::Regular
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_fifo() {
        Kind::Pipe
    } else if file_type.is_socket() {
        Kind::Socket
    } else if file_type.is_block_device() {
        Kind::Device
    } else {
        Kind::Anonymous
    }
}

/// The numbers are those of Linux's `Documentation/admin-guide/devices.txt`.
fn character_device(number: u64) -> Kind {
    let major = ((number >> 8) & 0xfff) | ((number >> 32) & 0xffff_f000);
    let minor = (number & 0xff) | ((number >> 12) & 0xffff_ff00);
    match (major, minor) {
        (1, 3) => Kind::Null,
        // 5:2 is the master side: its owner *makes* a terminal, and has none.
        (5, 2) => Kind::Device,
        (4 | 5 | 136..=143 | 166 | 188 | 204 | 229, _) => Kind::Terminal,
        _ => Kind::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_number() {
        for (number, kind) in [
            ((1 << 8) | 3, Kind::Null),
            ((1 << 8) | 5, Kind::Device),
            (5 << 8, Kind::Terminal),
            ((5 << 8) | 1, Kind::Terminal),
            ((5 << 8) | 2, Kind::Device),
            ((4 << 8) | 64, Kind::Terminal),
            (136 << 8, Kind::Terminal),
            ((143 << 8) | 255, Kind::Terminal),
            // Minor 256 and more lie above the major number.
            ((136 << 8) | (1 << 20), Kind::Terminal),
            (10 << 8, Kind::Device),
        ] {
            assert_eq!(character_device(number), kind, "{number:#x}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn our_own_root_is_the_root() {
        let own = i32::try_from(std::process::id()).unwrap();
        let root = link(own, Link::Root).unwrap();
        let metadata = fs::metadata("/").unwrap();
        assert_eq!(root.id, FileId { device: metadata.dev(), inode: metadata.ino() });
        assert_eq!((root.kind, root.deleted), (Kind::Directory, false));
    }
}
