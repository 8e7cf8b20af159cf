//! Which users can change where a path leads.
//!
//! Root must not open what another user chose: if that user can place a link, a directory or a file on the path, that
//! user decides what is opened. So a path is walked to its end, component by component; each link is followed,
//! including the last, and each directory that a link leads to is checked like the others.
//!
//! A path found to be changeable by root only stays so until root changes it, so it may be opened by name later.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use super::directories::THIS_SYSTEM;
use super::identity::effective_user;
use super::platform;

/// The maximum number of links on a path (`MAXSYMLINKS`, path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Which users can change where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Only root and the trusted user.
    RootOnly,
    /// Other users, too.
    Others(SharedDirectory),
}

/// The first directory on the path that others can change. The path to it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDirectory {
    /// The directory, with all links resolved.
    pub directory: PathBuf,
    /// The rest of the path below it, links unresolved. Empty for the directory itself.
    pub below: Vec<OsString>,
    /// How others can change it.
    pub how: Sharing,
}

/// How others can change a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// They can create names, but not remove or rename root's (the sticky bit of /tmp, inode(7)).
    Sticky,
    /// They can do everything.
    Free,
}

impl Reach {
    /// The shared directory. `None` if there is none.
    pub fn shared(self) -> Option<SharedDirectory> {
        match self {
            Self::RootOnly => None,
            Self::Others(shared) => Some(shared),
        }
    }
}

impl SharedDirectory {
    /// Whether it is the requested directory itself, and names that root creates in it stay root's (/tmp).
    pub fn keeps_our_names(&self) -> bool {
        self.how == Sharing::Sticky && self.below.is_empty()
    }
}

/// The type of the last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// A file: who can change its name matters.
    File,
    /// A directory: who can change the names in it matters.
    Directory,
}

/// Checks paths, and knows which users are trusted like root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judge {
    trusted: u32,
    root_group: RootGroup,
}

/// The members of group 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RootGroup {
    /// Only root, as far as known.
    Root,
    /// The service, too.
    Service,
}

/// Whether only root and this user can replace the file at the end of a path. Its own mode is not looked at.
pub fn is_trusted_place(path: &Path) -> bool {
    let judge = Judge::of_root().trusting(effective_user());
    judge.reach(path, Last::File).is_ok_and(|reach| reach == Reach::RootOnly)
}

impl Judge {
    /// For root's own files: only root is trusted.
    pub fn of_root() -> Self {
        Self { trusted: 0, root_group: RootGroup::Root }
    }

    /// For files that root opens for a service with this user and groups. Only root is trusted.
    pub fn for_service(uid: u32, gid: u32, groups: &[u32]) -> Self {
        let in_it = uid != 0 && (gid == 0 || groups.contains(&0));
        Self { trusted: 0, root_group: if in_it { RootGroup::Service } else { RootGroup::Root } }
    }

    /// Trusts this user like root.
    #[must_use]
    pub fn trusting(self, uid: u32) -> Self {
        Self { trusted: uid, ..self }
    }

    /// Walks a path to its end. A missing component is judged by the directory in which it would be created.
    pub fn reach(self, path: &Path, last: Last) -> io::Result<Reach> {
        let mut way = PathBuf::from("/");
        let mut rest: Vec<OsString> = names(path).rev().collect();
        let mut links = 0;
        let mut sticky: Option<SharedDirectory> = None;
        loop {
            let found = match fs::symlink_metadata(&way) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(sticky.map_or(Reach::RootOnly, Reach::Others));
                }
                // Root has no access (NFS with root_squash, FUSE, no CAP_DAC_OVERRIDE), so the directory is not root's.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    rest.extend(way.file_name().map(ToOwned::to_owned));
                    return Ok(Reach::Others(shared(&parent(&way), &rest, Sharing::Free)));
                }
                Err(error) => return Err(error),
            };
            let above = sticky.take();
            if found.is_dir() {
                match (self.sharing(&way, &found), above) {
                    (_, Some(above)) if !self.trusts(found.uid()) => return Ok(Reach::Others(above)),
                    (Some(Sharing::Free), _) => {
                        return Ok(Reach::Others(shared(&way, &rest, Sharing::Free)));
                    }
                    (Some(Sharing::Sticky), _) => sticky = Some(shared(&way, &rest, Sharing::Sticky)),
                    (None, _) => {}
                }
            } else if let Some(above) = above {
                // In a sticky directory others may have moved or hard-linked a file or link of root there, but not a
                // directory.
                return Ok(Reach::Others(above));
            } else if found.is_symlink() && !is_open_descriptor(&way) {
                // A link is as safe as its directory, which was checked before.
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::from_raw_os_error(libc::ELOOP));
                }
                let target = fs::read_link(&way)?;
                way = if target.is_absolute() { PathBuf::from("/") } else { parent(&way) };
                rest.extend(names(&target).rev());
            }
            match rest.pop() {
                Some(name) if name == ".." => way = parent(&way),
                Some(name) => way.push(name),
                None if last == Last::File => return Ok(Reach::RootOnly),
                None => return Ok(sticky.map_or(Reach::RootOnly, Reach::Others)),
            }
        }
    }

    fn trusts(self, uid: u32) -> bool {
        uid == 0 || uid == self.trusted
    }

    /// How others can change a directory.
    fn sharing(self, path: &Path, found: &Metadata) -> Option<Sharing> {
        if !self.trusts(found.uid()) {
            // The owner of a sticky directory can do everything in it.
            return Some(Sharing::Free);
        }
        let group = found.mode() & 0o020 != 0 && !self.is_roots_group(path, found.gid());
        match (group || found.mode() & 0o002 != 0, found.mode() & 0o1000 != 0) {
            _ if platform::access_list_lets_write(path) => Some(Sharing::Free),
            (false, _) => None,
            (true, true) => Some(Sharing::Sticky),
            (true, false) => Some(Sharing::Free),
        }
    }

    /// Whether root is the only member of a directory's group. Directories of images are often root:root 0775. With an
    /// access control list the group bits are a mask over all entries (acl(5)) and say nothing about the group.
    fn is_roots_group(self, path: &Path, gid: u32) -> bool {
        match self.root_group {
            RootGroup::Root => {
                (gid == 0 || THIS_SYSTEM.is_roots_group(path, gid))
                    && !platform::group_bits_may_be_a_mask(path)
            }
            RootGroup::Service => false,
        }
    }
}

fn shared(directory: &Path, rest: &[OsString], how: Sharing) -> SharedDirectory {
    SharedDirectory { directory: directory.to_owned(), below: rest.iter().rev().cloned().collect(), how }
}

/// Whether a link is `/proc/PID/fd/N`, which leads to the open file, not to its text. The owner of the process was
/// checked with the directory.
fn is_open_descriptor(link: &Path) -> bool {
    let directory = link.parent();
    link.starts_with("/proc") && directory.is_some_and(|directory| directory.ends_with("fd"))
}

fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn directory(name: &str) -> PathBuf {
        let made = std::env::temp_dir().join(format!("svcadapt-place-{name}-{}", std::process::id()));
        fs::create_dir(&made).unwrap();
        set_mode(&made, 0o755);
        fs::canonicalize(made).unwrap()
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn judge() -> Judge {
        Judge::of_root().trusting(effective_user())
    }

    fn first(path: &Path, last: Last) -> Option<PathBuf> {
        judge().reach(path, last).unwrap().shared().map(|shared| shared.directory)
    }

    #[test]
    fn writable_directory_is_shared_and_one_in_a_sticky_directory_is_not() {
        let place = directory("modes");
        assert_eq!(first(&place, Last::Directory), None);
        set_mode(&place, 0o777);
        assert_eq!(first(&place, Last::Directory), Some(place.clone()));
        set_mode(&place, 0o1777);
        assert_eq!(first(&place, Last::Directory), Some(place.clone()));
        fs::create_dir(place.join("in")).unwrap();
        set_mode(&place.join("in"), 0o755);
        assert_eq!(first(&place.join("in"), Last::Directory), None);
        assert_eq!(first(&place.join("in/new"), Last::File), None);
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn link_is_judged_by_its_directory_and_its_target() {
        let place = directory("links");
        let free = place.join("free");
        fs::create_dir(&free).unwrap();
        symlink("free/../new", place.join("over")).unwrap();
        symlink("/usr", free.join("usr")).unwrap();
        symlink("free/usr", place.join("last")).unwrap();
        set_mode(&free, 0o755);
        for path in ["over", "last", "last/lib", "free/usr/nowhere"] {
            assert_eq!(first(&place.join(path), Last::File), None, "{path}");
        }
        for mode in [0o777, 0o775, 0o1777] {
            set_mode(&free, mode);
            for path in ["last", "last/lib", "free/usr", "free/new"] {
                let group = mode == 0o775 && effective_user() == 0;
                let expected = if group { None } else { Some(free.clone()) };
                assert_eq!(first(&place.join(path), Last::File), expected, "{path} {mode:o}");
            }
        }
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn file_in_a_sticky_directory_is_shared() {
        let place = directory("sticky");
        set_mode(&place, 0o1777);
        for name in ["old", "new"] {
            let found = judge().reach(&place.join(name), Last::File).unwrap().shared().unwrap();
            assert_eq!((&found.directory, found.how), (&place, Sharing::Sticky));
            assert_eq!(found.below, [name]);
            fs::write(place.join("old"), "").unwrap();
        }
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn link_loop_is_an_error() {
        let place = directory("circle");
        symlink("there", place.join("here")).unwrap();
        symlink("here", place.join("there")).unwrap();
        let error = judge().reach(&place.join("here"), Last::File).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn service_in_group_0_makes_that_group_untrusted() {
        for (uid, gid, groups, excused) in [
            (2001, 2001, &[2001][..], RootGroup::Root),
            (2001, 0, &[], RootGroup::Service),
            (2001, 2001, &[0], RootGroup::Service),
            (0, 0, &[0], RootGroup::Root),
        ] {
            assert_eq!(Judge::for_service(uid, gid, groups).root_group, excused);
        }
    }
}
