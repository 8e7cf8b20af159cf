//! Reading a small file that another user may control.

use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use nix::fcntl::OFlag;

use super::file;

/// A regular file and its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegularFile {
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The number of hard links.
    pub links: u64,
    /// Its content, from the start.
    pub content: Vec<u8>,
}

/// Opens a regular file. `None` if it is a link, a FIFO, a directory or anything else.
///
/// It neither waits for the other end of a FIFO nor triggers a device: the type is checked before opening and, because
/// the file may be exchanged in between, again after.
pub fn open(path: &Path) -> io::Result<Option<fs::File>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = match file::open(path, flags, 0) {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

/// Reads at most `at_most` bytes of a regular file, which [`open`] opens.
pub fn read(path: &Path, at_most: u64) -> io::Result<Option<RegularFile>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    file.take(at_most).read_to_end(&mut content)?;
    Ok(Some(RegularFile {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        links: metadata.nlink(),
        content,
    }))
}

/// The same for a name in an open directory, without the metadata. The caller has checked the type before.
pub fn read_in(directory: impl AsFd, name: &OsStr, at_most: u64) -> io::Result<Option<Vec<u8>>> {
    use nix::errno::Errno;
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match nix::fcntl::openat(directory, name, flags, nix::sys::stat::Mode::empty()) {
        Ok(file) => fs::File::from(file),
        Err(Errno::ELOOP | Errno::ENOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    file.take(at_most).read_to_end(&mut content)?;
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_up_to_the_limit() {
        assert_eq!(read(Path::new("/dev/null"), 10).unwrap(), None);
        assert_eq!(read(Path::new("/"), 10).unwrap(), None);
        assert_eq!(read(Path::new("/nonexistent"), 10).unwrap_err().kind(), io::ErrorKind::NotFound);
        let file = read(Path::new("/etc/passwd"), 10).unwrap().unwrap();
        assert_eq!((file.content.len(), file.uid), (10, 0));
    }
}
