//! Who can change where a path leads: the one judge of paths.
//!
//! Root's rights must not be lent to others: where another user can put a link, a directory or a file on the way, that
//! user decides what is opened. So a path is walked to its end, name by name; each link is followed, the last one too,
//! and each directory that a link leads to is judged as those before it.
//!
//! What is found to be root's alone stays so: nobody but root can change it, so it may be opened by its path later.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use super::directories::THIS_SYSTEM;
use super::platform;

/// Links that are followed before a path counts as a circle (`MAXSYMLINKS`, path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Who can change where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Only root, and the user that the judge trusts.
    RootOnly,
    /// Others too.
    Others(SharedDirectory),
}

/// The first directory on the way that others can change. The way to it is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDirectory {
    /// The directory, without a link on the way to it.
    pub directory: PathBuf,
    /// What is left of the path below it, with no link followed. Empty for the directory itself.
    pub below: Vec<OsString>,
    /// What others can do there.
    pub how: Sharing,
}

/// What others can do in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Make names, but not take away or rename those of root (the sticky bit of /tmp, inode(7)).
    Sticky,
    /// Everything.
    Free,
}

impl Reach {
    /// The directory that others can change.
    pub fn shared(self) -> Option<SharedDirectory> {
        match self {
            Self::RootOnly => None,
            Self::Others(shared) => Some(shared),
        }
    }
}

impl SharedDirectory {
    /// Whether it is the directory that was asked for, and what root makes in it stays root's (/tmp).
    pub fn keeps_our_names(&self) -> bool {
        self.how == Sharing::Sticky && self.below.is_empty()
    }
}

/// What the last name of a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// A file: what counts is who can change its name.
    File,
    /// A directory: what counts is who can change the names in it.
    Directory,
}

/// Who counts as root, besides root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judge {
    trusted: u32,
    root_group: RootGroup,
}

/// Who is in group 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RootGroup {
    /// Only root, as far as is known.
    Root,
    /// The service too.
    Service,
}

impl Judge {
    /// One for root's own matters: only root counts.
    pub fn of_root() -> Self {
        Self { trusted: 0, root_group: RootGroup::Root }
    }

    /// One for what root does for a service that runs as this user, with these groups. Only root counts.
    pub fn for_service(uid: u32, gid: u32, groups: &[u32]) -> Self {
        let in_it = uid != 0 && (gid == 0 || groups.contains(&0));
        Self { trusted: 0, root_group: if in_it { RootGroup::Service } else { RootGroup::Root } }
    }

    /// The same, with a user who counts as root does.
    #[must_use]
    pub fn trusting(self, uid: u32) -> Self {
        Self { trusted: uid, ..self }
    }

    /// Walks a path to its end. What is not there yet is judged by where it would be made.
    pub fn reach(self, path: &Path, last: Last) -> io::Result<Reach> {
        let mut way = PathBuf::from("/");
        let mut rest: Vec<OsString> = names(path).rev().collect();
        let mut links = 0;
        let mut sticky: Option<SharedDirectory> = None;
        loop {
            let here = match fs::symlink_metadata(&way) {
                Ok(here) => here,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(sticky.map_or(Reach::RootOnly, Reach::Others));
                }
                // Root may not look (NFS with root_squash, FUSE, no CAP_DAC_OVERRIDE): it is not root's.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    rest.extend(way.file_name().map(ToOwned::to_owned));
                    return Ok(Reach::Others(shared(&parent(&way), &rest, Sharing::Free)));
                }
                Err(error) => return Err(error),
            };
            let above = sticky.take();
            if here.is_dir() {
                match (self.sharing(&way, &here), above) {
                    (_, Some(above)) if !self.trusts(here.uid()) => return Ok(Reach::Others(above)),
                    (Some(Sharing::Free), _) => {
                        return Ok(Reach::Others(shared(&way, &rest, Sharing::Free)));
                    }
                    (Some(Sharing::Sticky), _) => sticky = Some(shared(&way, &rest, Sharing::Sticky)),
                    (None, _) => {}
                }
            } else if let Some(above) = above {
                // A file or a link of root's may have been moved or linked there by others, a directory cannot.
                return Ok(Reach::Others(above));
            } else if here.is_symlink() && !is_open_descriptor(&way) {
                // A link is as safe as the directory that it lies in, which was judged before.
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

    /// What others can do in a directory.
    fn sharing(self, path: &Path, found: &Metadata) -> Option<Sharing> {
        if !self.trusts(found.uid()) {
            // A sticky directory lets its owner do everything.
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

    /// Whether only root is in the group of a directory. Directories of images are often root:root 0775. With an access
    /// control list the bits of the group are those of all users on it (acl(5)), and say nothing of the group.
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

/// Whether a link is `/proc/PID/fd/N`: it leads to what is open, and not to what its text says. Whose the process is was
/// judged by the directory.
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
        Judge::of_root().trusting(super::super::identity::effective_user())
    }

    fn first(path: &Path, last: Last) -> Option<PathBuf> {
        judge().reach(path, last).unwrap().shared().map(|shared| shared.directory)
    }

    #[test]
    fn directory_that_others_can_write_is_in_their_reach_and_one_in_a_sticky_directory_is_not() {
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
    fn links_are_judged_by_where_they_lie_and_by_where_they_lead() {
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
                let group = mode == 0o775 && super::super::identity::effective_user() == 0;
                let expected = if group { None } else { Some(free.clone()) };
                assert_eq!(first(&place.join(path), Last::File), expected, "{path} {mode:o}");
            }
        }
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn file_in_a_sticky_directory_is_in_the_reach_of_others() {
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
    fn circle_of_links_is_an_error() {
        let place = directory("circle");
        symlink("there", place.join("here")).unwrap();
        symlink("here", place.join("there")).unwrap();
        let error = judge().reach(&place.join("here"), Last::File).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn service_in_group_0_takes_the_excuse_of_that_group_away() {
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
