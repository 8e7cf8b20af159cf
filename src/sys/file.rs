//! Opening and creating files in directories that an attacker may control.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::platform;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, Gid, Uid};

use super::number::cast;

/// Opens a file close-on-exec, and creates one with this mode if the flags say so.
///
/// By openat(2): for open(2), of which std makes use, musl sets the close-on-exec flag a second time.
pub fn open(path: &Path, flags: OFlag, mode: u32) -> io::Result<File> {
    let mode = Mode::from_bits_truncate(cast(mode));
    loop {
        match nix::fcntl::openat(AT_FDCWD, path, flags | OFlag::O_CLOEXEC, mode) {
            Err(Errno::EINTR) => {}
            opened => return Ok(opened?.into()),
        }
    }
}

/// Opens a file for input.
pub fn open_input(path: &Path) -> io::Result<File> {
    let file = open(path, OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK, 0)?;
    super::fd::nonblocking(file.as_fd(), false)?;
    Ok(file)
}

/// Opens a regular file for reading, wherever links lead.
///
/// A FIFO could block, and opening a device can have effects. So the type is checked before opening and, because the
/// file may be exchanged in between, again after.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let regular = |found: &fs::Metadata| match (found.is_file(), found.is_dir()) {
        (true, _) => Ok(()),
        (false, true) => Err(io::Error::from_raw_os_error(libc::EISDIR)),
        (false, false) => Err(io::Error::other("not a regular file")),
    };
    regular(&fs::metadata(path)?)?;
    let file = open_seen(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Opens for reading a path that was just seen to be a regular file. An error if it was exchanged since.
pub fn reopen_regular(path: &Path) -> io::Result<File> {
    let file = open_seen(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

fn open_seen(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK, 0)
}

/// Opens a regular file for reading. A symbolic link is an error, because the content is shown to people.
pub fn open_regular_nofollow(path: &Path) -> io::Result<File> {
    let file = open(path, OFlag::O_RDONLY | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW, 0)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Opens `/dev/null` for reading and writing.
pub fn open_null() -> io::Result<File> {
    open(Path::new("/dev/null"), OFlag::O_RDWR | OFlag::O_NOCTTY, 0)
}

/// Opens a regular file for reading, and creates it with this mode if it does not exist. A symbolic link is an error.
pub fn open_or_create(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = open(path, flags, mode)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Changes the owner and group of an open file (fchown(2)).
pub fn change_owner(file: impl AsFd, uid: u32, gid: u32) -> io::Result<()> {
    Ok(nix::unistd::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
}

/// A socket in the file system, held open where possible: its directory may be writable to others, who can exchange it.
#[derive(Debug)]
pub struct HeldSocket {
    held: Option<File>,
    path: PathBuf,
    uid: u32,
}

impl HeldSocket {
    /// A path that leads to it even if its name was reused. Not on every system: there it is the original path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path is guaranteed to lead to it while this value exists.
    pub fn stays(&self) -> bool {
        self.held.is_some()
    }
}

/// Opens the socket at a path, without connecting. `None` if nothing is there. Anything but a socket is an error.
pub fn open_socket(path: &Path) -> io::Result<Option<HeldSocket>> {
    use std::os::unix::fs::FileTypeExt;
    #[cfg(target_os = "linux")]
    let looked = {
        use std::os::fd::AsRawFd;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
        let held = open(path, flags, 0);
        held.and_then(|held| {
            let way = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
            Ok((held.metadata()?, Some(held), way))
        })
    };
    #[cfg(not(target_os = "linux"))]
    let looked = fs::symlink_metadata(path).map(|found| (found, None, path.to_owned()));
    match looked {
        Ok((found, held, path)) if found.file_type().is_socket() => {
            Ok(Some(HeldSocket { held, path, uid: found.uid() }))
        }
        Ok(_) => Err(io::Error::other("it was replaced by another file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Changes the owner of the socket at a path, if it belongs to `from`: others may be able to exchange it.
pub fn change_socket_owner(path: &Path, from: u32, to: (Option<u32>, Option<u32>)) -> io::Result<()> {
    let socket = open_socket(path)?.filter(|socket| socket.uid == from);
    let socket = socket.ok_or_else(|| io::Error::other("it was replaced by another file"))?;
    match socket.held {
        // The change applies to the socket that was checked, even if its name was reused.
        Some(held) => {
            let (user, group) = (to.0.map(Uid::from_raw), to.1.map(Gid::from_raw));
            change_owner_at(&held, user, group)
        }
        None => std::os::unix::fs::lchown(path, to.0, to.1),
    }
}

#[cfg(target_os = "linux")]
fn change_owner_at(held: &File, user: Option<Uid>, group: Option<Gid>) -> io::Result<()> {
    Ok(nix::unistd::fchownat(held, "", user, group, AtFlags::AT_EMPTY_PATH)?)
}

#[cfg(not(target_os = "linux"))]
fn change_owner_at(_held: &File, _user: Option<Uid>, _group: Option<Gid>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Opens a directory. A symbolic link is an error.
pub fn open_directory(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW, 0)
}

/// Creates a directory with this mode, minus the umask. `false` if it existed.
pub fn make_directory(path: &Path, mode: u32) -> io::Result<bool> {
    use std::os::unix::fs::DirBuilderExt;
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Checks that this process may create names in a directory (faccessat(2)).
pub fn may_write(directory: &Path) -> io::Result<()> {
    let wanted = AccessFlags::W_OK | AccessFlags::X_OK;
    Ok(nix::unistd::faccessat(AT_FDCWD, directory, wanted, AtFlags::AT_EACCESS)?)
}

/// Checks that this process may write to a file (faccessat(2)).
pub fn may_write_to(file: &Path) -> io::Result<()> {
    Ok(nix::unistd::faccessat(AT_FDCWD, file, AccessFlags::W_OK, AtFlags::AT_EACCESS)?)
}

/// Renames a file within a directory.
pub fn rename(directory: impl AsFd, from: &OsStr, to: &OsStr) -> io::Result<()> {
    let directory = directory.as_fd();
    Ok(nix::fcntl::renameat(directory, from, directory, to)?)
}

/// Opens a directory in another one. A symbolic link is an error.
pub fn open_directory_in(directory: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::openat(directory, name, flags, Mode::empty())?.into())
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenFor {
    /// Reading.
    Read,
    /// Writing.
    Write,
}

/// Opens a file in a directory. A symbolic link is an error.
pub fn open_in(directory: impl AsFd, name: &str, why: OpenFor) -> io::Result<File> {
    let how = match why {
        OpenFor::Read => OFlag::O_RDONLY,
        OpenFor::Write => OFlag::O_WRONLY,
    };
    let flags = how | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::openat(directory, name, flags, Mode::empty())?.into())
}

/// Whether this process may write to a file (faccessat(2)).
pub fn may_write_file(path: &Path) -> bool {
    nix::unistd::faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS).is_ok()
}

/// Creates a directory in another one, with this mode, minus the umask. `false` if it existed.
pub fn make_directory_in(directory: impl AsFd, name: &OsStr, mode: u32) -> io::Result<bool> {
    use nix::errno::Errno;
    match nix::sys::stat::mkdirat(directory, name, Mode::from_bits_truncate(cast(mode))) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Changes the mode of an open file or directory.
pub fn set_mode(file: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(nix::sys::stat::fchmod(file, Mode::from_bits_truncate(cast(mode)))?)
}

/// Replaces the file `name` in a directory atomically (rename(2)).
pub fn replace(directory: impl AsFd, name: &OsStr, mode: u32, content: &[u8]) -> io::Result<()> {
    use nix::fcntl::{OFlag, openat, renameat};
    use nix::sys::stat::Mode;
    let directory = directory.as_fd();
    let draft = temporary_name(name);
    remove(directory, &draft)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(directory, draft.as_os_str(), flags, Mode::empty())?;
    let filled = set_mode(&file, mode).and_then(|()| super::fd::write_all(&file, content));
    let placed = filled.and_then(|()| Ok(renameat(directory, draft.as_os_str(), directory, name)?));
    if placed.is_err() {
        let _ = remove(directory, &draft);
    }
    placed
}

/// Creates a file in a directory with the owner and the mode of another one.
#[cfg(feature = "gzip")]
pub fn create_like(directory: impl AsFd, name: &OsStr, other: &File) -> io::Result<File> {
    use std::os::unix::fs::MetadataExt;

    use nix::fcntl::{OFlag, openat};
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let made = File::from(openat(directory, name, flags, Mode::empty())?);
    let (wanted, own) = (other.metadata()?, made.metadata()?);
    if (wanted.uid(), wanted.gid()) != (own.uid(), own.gid()) {
        // Only root can give it away; the mode is for the group of the other file.
        change_owner(&made, wanted.uid(), wanted.gid())?;
    }
    set_mode(&made, wanted.mode() & 0o777)?;
    Ok(made)
}

/// Overwrites the beginning of the file `name` in a directory, with one write(2) where the system lets it.
pub fn overwrite(directory: impl AsFd, name: &OsStr, content: &[u8]) -> io::Result<()> {
    use nix::fcntl::{OFlag, openat};
    use nix::sys::stat::Mode;
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() != 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    super::fd::write_all(&file, content)
}

/// The temporary name of a file that replaces another one ([`replace`]). If `name` is too long, it consists of its
/// beginning and a digest.
pub fn temporary_name(name: &OsStr) -> OsString {
    const ROOM: usize = MAX_NAME_BYTES - ".".len() - ".new".len();
    const DIGEST: usize = 32;
    let mut draft = OsString::from(".");
    if name.len() <= ROOM {
        draft.push(name);
    } else {
        draft.push(OsStr::from_bytes(&name.as_bytes()[..ROOM - DIGEST]));
        draft.push(digest(name.as_bytes()));
    }
    draft.push(".new");
    draft
}

/// The maximum length of a file name (`NAME_MAX`, pathconf(3)).
pub const MAX_NAME_BYTES: usize = 255;

/// A digest of 32 hexadecimal digits (FNV-1a, 128 bits). It avoids collisions by accident; it is not cryptographic.
pub fn digest(bytes: &[u8]) -> String {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let digest = bytes.iter().fold(START, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{digest:032x}")
}

/// A file in memory, without a name (memfd_create(2)). Fails where the system has none.
pub fn memory(name: &str) -> io::Result<OwnedFd> {
    platform::memory_file(name)
}

/// A file without a name, in memory where the system has such files, open for reading and writing.
pub fn unnamed(name: &str) -> io::Result<OwnedFd> {
    platform::unnamed_file(name)
}

/// A file without a name that has this content, open for reading.
pub fn readable(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    platform::sealed_file(name, content)
}

/// Removes a name from a directory. Succeeds if it does not exist.
pub fn remove(directory: impl AsFd, name: &OsStr) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::unistd::UnlinkatFlags;
    match nix::unistd::unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes an empty file or directory if it still has this device and inode; otherwise nothing happens.
///
/// Check and removal use the same open directory, because the target of a path may be exchanged.
pub fn remove_empty(path: &Path, device: u64, inode: u64) -> io::Result<()> {
    use nix::sys::stat::SFlag;
    use nix::unistd::UnlinkatFlags;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let directory = open_directory(&fs::canonicalize(parent)?)?;
    let now = nix::sys::stat::fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let is_directory = SFlag::from_bits_truncate(now.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
    let same = (cast::<_, u64>(now.st_dev), cast::<_, u64>(now.st_ino)) == (device, inode);
    let how = match (same, is_directory, now.st_size) {
        (true, true, _) => UnlinkatFlags::RemoveDir,
        (true, false, 0) => UnlinkatFlags::NoRemoveDir,
        _ => return Ok(()),
    };
    Ok(nix::unistd::unlinkat(&directory, name, how)?)
}

/// The type of a directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    Regular,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
}

/// A directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its kind.
    pub kind: EntryKind,
    /// Its owner.
    pub uid: u32,
    /// Its permission bits.
    pub mode: u32,
    /// The number of hard links.
    pub names: u64,
}

/// Reads a directory entry without following a link. `None` if it does not exist.
pub fn look(directory: impl AsFd, name: &OsStr) -> io::Result<Option<DirectoryEntry>> {
    use nix::errno::Errno;
    use nix::sys::stat::SFlag;
    match nix::sys::stat::fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => {
            let kind = match SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT {
                SFlag::S_IFREG => EntryKind::Regular,
                SFlag::S_IFLNK => EntryKind::Link,
                _ => EntryKind::Other,
            };
            let mode = cast(found.st_mode & 0o7777);
            Ok(Some(DirectoryEntry { kind, uid: found.st_uid, mode, names: cast(found.st_nlink) }))
        }
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the effective user may execute a file, or search a directory. Only EACCES counts as no: a seccomp filter may
/// reject the call with another error.
pub fn may_execute(path: &Path) -> bool {
    nix::unistd::faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS) != Err(Errno::EACCES)
}

/// Whether a file is on a file system mounted noexec.
pub fn is_on_noexec(path: &Path) -> bool {
    platform::is_noexec(path)
}

/// chroot(2), then chdir(2) into it: otherwise the old working directory would remain reachable.
pub fn change_root(path: &Path) -> io::Result<()> {
    nix::unistd::chroot(path)?;
    Ok(nix::unistd::chdir("/")?)
}

/// chdir(2).
pub fn change_directory(path: &Path) -> io::Result<()> {
    Ok(nix::unistd::chdir(path)?)
}

/// umask(2): sets the mask and returns the previous one. Cannot fail.
pub fn set_umask(bits: u16) -> u16 {
    let before = nix::sys::stat::umask(Mode::from_bits_truncate(cast(bits)));
    // A mask has at most nine bits.
    cast(before.bits())
}
