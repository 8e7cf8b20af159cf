//! Which service uses a pid file: a link beside the locks, whose name is made of the pid file's path, to the lock. So a start looks
//! at one record and not at those of all services.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::lock_name::key;
use super::pid_file::real;

/// The suffix of the links. No lock and no record has such a name.
const SUFFIX: &str = "%of";

/// Notes that the service with this lock uses the pid file. The start lock is held.
pub(super) fn note(lock: &Path, pid_file: &Path) -> io::Result<()> {
    let Some((directory, name)) = lock.parent().zip(lock.file_name()) else { return Ok(()) };
    let key = key(&real(pid_file));
    if key == name {
        return Ok(());
    }
    let link = link(directory, key);
    match symlink(name, &link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::read_link(&link).is_ok_and(|known| known == Path::new(name)) {
                return Ok(());
            }
            fs::remove_file(&link)?;
            symlink(name, &link)
        }
        linked => linked,
    }
}

/// The locks in a directory whose services may use this pid file; their records decide.
pub fn locks(directory: &Path, pid_file: &Path) -> Vec<PathBuf> {
    let key = key(&real(pid_file));
    let noted = fs::read_link(link(directory, key.clone())).ok();
    // A name, not a path: the link is ours, and so is what it may lead to.
    let noted = noted.filter(|name| name.components().count() == 1).map(OsString::from);
    [Some(key), noted].into_iter().flatten().map(|name| directory.join(name)).collect()
}

/// Forgets that the service with this lock uses the pid file.
pub(super) fn forget(lock: &Path, pid_file: &Path) {
    let Some((directory, name)) = lock.parent().zip(lock.file_name()) else { return };
    let link = link(directory, key(&real(pid_file)));
    if fs::read_link(&link).is_ok_and(|known| known == Path::new(name)) {
        // Best effort: a link to no lock means nothing.
        let _ = fs::remove_file(link);
    }
}

fn link(directory: &Path, mut key: OsString) -> PathBuf {
    key.push(SUFFIX);
    directory.join(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_of_a_pid_file_is_found_by_every_path_to_it() {
        let place = std::env::temp_dir().join(format!("svcadapt-owner-{}", std::process::id()));
        let (locks_in, files) = (place.join("locks"), place.join("files"));
        fs::create_dir_all(&locks_in).unwrap();
        fs::create_dir_all(&files).unwrap();
        symlink(&files, place.join("other")).unwrap();
        let (pid_file, by_link) = (files.join("a.pid"), place.join("other/a.pid"));
        let (one, two) = (locks_in.join("one"), locks_in.join("two"));
        let found = || locks(&locks_in, &by_link).into_iter().nth(1);
        assert_eq!(found(), None);
        note(&one, &pid_file).unwrap();
        note(&one, &by_link).unwrap();
        assert_eq!(found().as_ref(), Some(&one));
        note(&two, &pid_file).unwrap();
        forget(&one, &pid_file);
        assert_eq!(found().as_ref(), Some(&two));
        forget(&two, &by_link);
        assert_eq!(found(), None);
        fs::remove_dir_all(&place).unwrap();
    }
}
