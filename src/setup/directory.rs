//! Making the directories of a service.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::sys::file;

use super::journal::Made;

/// The mode of a directory on the way to one that was asked for.
const WAY_MODE: u32 = 0o755;

/// Makes the directories on the way to a path, and tells of each.
pub(super) fn make_way(path: &Path, made: &mut impl FnMut(Made)) -> io::Result<()> {
    let mut way: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_owned).collect();
    way.reverse();
    for parent in way {
        if !parent.exists() && file::make_directory(&parent, WAY_MODE)? {
            made(Made::note(&parent)?);
            file::set_mode(file::open_directory(&parent)?, WAY_MODE)?;
        }
    }
    Ok(())
}

/// Makes a directory with this mode and owner, and the ones on the way to it; says which were not there.
///
/// One that is there gets the mode and the owner too. A link in its place is refused: it could lead anywhere.
pub(super) fn make(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<Vec<Made>> {
    let mut made = Vec::new();
    make_way(path, &mut |directory| made.push(directory))?;
    if file::make_directory(path, 0o700)? {
        made.push(Made::note(path)?);
    } else if fs::symlink_metadata(path)?.file_type().is_symlink() {
        return Err(io::Error::other("a symbolic link stands in its place"));
    }
    let open = file::open_directory(path)?;
    let now = open.metadata()?;
    if let Some((uid, gid)) = owner.filter(|&(uid, gid)| (now.uid(), now.gid()) != (uid, gid)) {
        file::give(&open, uid, gid)?;
    }
    // After the owner, whose change takes set-user and set-group bits away.
    file::set_mode(&open, mode)?;
    Ok(made)
}
