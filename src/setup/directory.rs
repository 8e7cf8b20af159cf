//! Creates the directories of a service.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::undo::Created;
use crate::sys::file::EntryKind;
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{file, identity};

/// The mode of missing parent directories.
const WAY_MODE: u32 = 0o755;

/// Creates the missing parent directories of a path. `made` is called for each one right after its creation.
pub(super) fn make_way(path: &Path, made: &mut impl FnMut(Created)) -> io::Result<()> {
    let mut way: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_owned).collect();
    way.reverse();
    for parent in way {
        if !parent.exists() && file::make_directory(&parent, WAY_MODE)? {
            let open = file::open_directory(&parent)?;
            made(Created::of(&parent, &open.metadata()?));
            file::set_mode(open, WAY_MODE)?;
        }
    }
    Ok(())
}

/// Creates a directory with this mode and owner, and its missing parents. `made` is called for each one before it is
/// changed any further.
///
/// An existing directory gets the mode and the owner too. A symbolic link in its place is refused, since it could
/// lead anywhere; as root, so is a link in a parent that others could have created.
pub(super) fn make(
    path: &Path,
    mode: u32,
    owner: Option<(u32, u32)>,
    judge: Judge,
    made: &mut impl FnMut(Created),
) -> io::Result<()> {
    let (mut here, mut open) = begin(path, judge)?;
    let rest: Vec<OsString> =
        path.strip_prefix(&here).map(|rest| rest.iter().map(OsString::from).collect()).unwrap_or_default();
    for (left, name) in (0..rest.len()).rev().zip(&rest) {
        here.push(name);
        let new = file::make_directory_in(&open, name, if left == 0 { 0o700 } else { WAY_MODE })?;
        open = file::open_directory_in(&open, name).map_err(|error| explain(&open, name, left, error))?;
        if new {
            made(Created::of(&here, &open.metadata()?));
            if left > 0 {
                file::set_mode(&open, WAY_MODE)?;
            }
        }
    }
    let now = open.metadata()?;
    if let Some((uid, gid)) = owner.filter(|&(uid, gid)| (now.uid(), now.gid()) != (uid, gid)) {
        file::change_owner(&open, uid, gid)?;
    }
    // After the owner: chown(2) clears the set-user-ID and set-group-ID bits.
    file::set_mode(&open, mode)
}

/// The last existing parent of a path. As root: the last one that only root can redirect.
fn begin(path: &Path, judge: Judge) -> io::Result<(PathBuf, File)> {
    let root = identity::effective_user() == 0;
    for place in path.ancestors().skip(1) {
        let Ok(real) = fs::canonicalize(place) else { continue };
        // A directory that others can write is safe itself; what lies below it is not.
        if !root || judge.reach(place, Last::Directory)?.shared().is_none_or(|first| first.below.is_empty()) {
            return Ok((place.to_owned(), file::open_directory(&real)?));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn explain(directory: &File, name: &OsStr, left: usize, error: io::Error) -> io::Error {
    let link = matches!(file::look(directory, name), Ok(Some(found)) if found.kind == EntryKind::Link);
    match (link, left) {
        (true, 0) => io::Error::other("a symbolic link is in its place"),
        (true, _) => io::Error::other(format!("a symbolic link is in its path ({})", name.display())),
        (false, _) => error,
    }
}
