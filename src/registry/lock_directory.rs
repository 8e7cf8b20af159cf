//! The directories of the locks. [`crate::sys::directories`] lists them for each system.
//!
//! An ordinary user's directory is in the home directory, below the id of this boot: a home may be shared by several
//! machines (NFS), and a process of another machine would look like a dead one of this machine.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs, io};

use super::old_boots;
use crate::sys::directories::{System, THIS_SYSTEM, UserDirs};
use crate::sys::path_trust::{Judge, Last, SharedDirectory};
use crate::sys::{directories, error_text, file, identity, process};

/// A directory that may contain locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDirectory {
    /// Its path.
    pub path: PathBuf,
    /// Its required owner.
    pub owner: u32,
    /// The home directory that contains it.
    home: Option<PathBuf>,
}

/// Why a lock directory cannot be trusted or used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// The cause, in words.
    pub cause: String,
    /// What the reader can do about it.
    pub hint: Option<String>,
    /// The errno (errno(3)), if the kernel refused.
    pub errno: Option<i32>,
}

/// Facts about the user of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UserSurvey {
    person: UserDirs,
    /// Why some directories are unknown.
    unknown: Option<String>,
    boot: Option<String>,
}

/// Looks the account up once: a directory service may be slow.
fn survey() -> UserSurvey {
    static LAST: Mutex<Option<UserSurvey>> = Mutex::new(None);
    let uid = identity::effective_user();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = last.as_ref().filter(|known| known.person.uid == uid) {
        return known.clone();
    }
    let (person, unknown) = match UserDirs::find(uid) {
        Ok(person) => (person, None),
        Err(error) => (UserDirs { uid, ..UserDirs::default() }, Some(error_text(&error))),
    };
    let survey = UserSurvey { person, unknown, boot: process::boot().ok() };
    last.insert(survey).clone()
}

/// The directory for the lock of a new service.
pub fn directory() -> PathBuf {
    if identity::effective_user() == 0 {
        return system_directory().path;
    }
    let UserSurvey { person, boot, .. } = survey();
    // Without a boot id, a record could belong to another machine.
    let boot = boot.map(|boot| directories::boot_dir_name(&boot));
    let persistent = boot.into_iter().flat_map(|boot| {
        let below = move |place: PathBuf| place.join(&boot);
        THIS_SYSTEM.persistent(&person).into_iter().map(below)
    });
    let mut persistent = persistent.filter(|path| can_be_made(path, person.uid));
    persistent.next().unwrap_or_else(|| System::fallback(person.uid))
}

/// The parent of runtime directories (`RuntimeDirectory=`): root's or this user's.
pub fn runtime_directory() -> PathBuf {
    match identity::effective_user() {
        0 => directories::runtime().to_owned(),
        _ => THIS_SYSTEM.runtime_of(&survey().person),
    }
}

/// Root's directory.
pub(super) fn system_directory() -> LockDirectory {
    LockDirectory { path: directories::runtime().join("svcadapt"), owner: 0, home: None }
}

/// Every directory in which this user may have started services: the current one first, then fallbacks (no home
/// directory yet) and those of earlier versions.
pub fn own_directories() -> Vec<LockDirectory> {
    let uid = identity::effective_user();
    if uid == 0 {
        return vec![system_directory()];
    }
    let UserSurvey { person, boot, .. } = survey();
    let mut all = vec![LockDirectory { path: directory(), owner: uid, home: person.home.clone() }];
    if let Some(boot) = boot.map(|boot| directories::boot_dir_name(&boot)) {
        let persistent =
            THIS_SYSTEM.persistent(&person).into_iter().map(|place| (place, person.home.clone()));
        let named = THIS_SYSTEM
            .persistent_in_env_home(&person)
            .into_iter()
            .map(|place| (place, person.env_home.clone()));
        let here = persistent.chain(named);
        all.extend(here.map(|(place, home)| LockDirectory { path: place.join(&boot), owner: uid, home }));
    }
    let former = [format!("/run/user/{uid}/svcadapt").into(), System::fallback(uid)];
    all.extend(former.into_iter().map(|path| LockDirectory { path, owner: uid, home: None }));
    let mut seen = Vec::new();
    all.retain(|place| {
        let new = !seen.contains(&place.path);
        seen.push(place.path.clone());
        new
    });
    all
}

/// Every directory in which services are looked up: the caller's, then root's. The error tells why some are unknown.
pub fn lock_directories() -> (Vec<LockDirectory>, Option<LockDirectoryError>) {
    let mut all = own_directories();
    if identity::effective_user() == 0 {
        return (all, None);
    }
    let UserSurvey { person, unknown, .. } = survey();
    all.push(system_directory());
    let unknown = unknown.map(|cause| LockDirectoryError {
        path: System::fallback(person.uid),
        cause: format!("the home directory of user {} is unknown: {cause}", person.uid),
        hint: None,
        errno: None,
    });
    (all, unknown)
}

/// Whether a path lies in one of the directories, also through symbolic links.
pub(super) fn contains(path: &Path) -> bool {
    let Some(parent) = path.parent() else { return false };
    let mut all = lock_directories().0.into_iter();
    all.any(|place| place.path == parent || fs::canonicalize(&place.path).is_ok_and(|real| real == parent))
}

/// Whether cleaners (tmpfiles.d(5)) remove old files from a directory.
pub(super) fn is_aged(directory: &Path) -> bool {
    directory.starts_with("/tmp")
}

/// Whether a user's directory exists, or can be created where no other user could have created it.
fn can_be_made(path: &Path, uid: u32) -> bool {
    for way in path.ancestors() {
        match fs::symlink_metadata(way) {
            // Its other properties are checked when it is used.
            Ok(found) if way == path => return found.uid() == uid,
            Ok(_) => {
                let real = fs::metadata(way);
                let ours = |found: &fs::Metadata| found.uid() == uid && found.mode() & 0o002 == 0;
                return real.is_ok_and(|found| found.is_dir() && ours(&found))
                    && file::may_write(way).is_ok();
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return false,
        }
    }
    false
}

/// Why no lock can be created, as far as that is visible without trying. Changes nothing.
pub fn obstacle() -> Option<LockDirectoryError> {
    let place = own_directories().swap_remove(0);
    let there = match place.is_there() {
        Ok(there) => there,
        Err(unusable) => return Some(unusable),
    };
    let next = place.path.ancestors().skip(usize::from(!there)).find(|way| way.exists())?;
    match file::may_write(next) {
        Err(error) => Some(place.failed(&error)),
        Ok(()) if there => None,
        Ok(()) => place.way(next).err(),
    }
}

/// Creates the lock directory, or verifies that no other user can change it.
pub fn prepare_directory() -> Result<(), LockDirectoryError> {
    let place = own_directories().swap_remove(0);
    let failed = |error: io::Error| place.failed(&error);
    if place.owner != 0 {
        make_way(&place.path).map_err(failed)?;
    }
    if file::make_directory(&place.path, place.mode()).map_err(failed)? {
        let made = file::open_directory(&place.path).and_then(|open| file::set_mode(open, place.mode()));
        made.map_err(failed)?;
        if let Err(unusable) = place.way(&place.path) {
            let _ = fs::remove_dir(&place.path);
            return Err(unusable);
        }
        if place.owner != 0 && !is_aged(&place.path) {
            old_boots::sweep(&place.path).map_err(failed)?;
        }
        return Ok(());
    }
    if place.is_there()? {
        return Ok(());
    }
    Err(place.unusable("it belongs to another user", Some(REMOVE_HINT.to_owned()), None))
}

/// The hint for a file in the way.
const REMOVE_HINT: &str = "remove it, and find out who put it there";

/// Creates the parents of a directory in the home directory.
fn make_way(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().skip(1).take_while(|way| !way.exists()).collect();
    for way in missing.into_iter().rev() {
        // The mode of the XDG Base Directory Specification.
        file::make_directory(way, 0o700)?;
    }
    Ok(())
}

impl LockDirectory {
    /// Whether the directory exists. An error if it exists, or may exist, and cannot be trusted.
    pub fn is_there(&self) -> Result<bool, LockDirectoryError> {
        let found = match fs::symlink_metadata(&self.path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(false);
            }
            // A user whose home belongs to another user has never had files there.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !self.is_reachable() => {
                return Ok(false);
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if found.uid() != self.owner && self.owner != 0 {
            // It never belonged to this user, so it contains none of its locks.
            return Ok(false);
        }
        self.judge(&found)?;
        self.way(&self.path).map(|()| true)
    }

    /// Verifies that no other user can redirect root away from the directory or from its future place. A sticky
    /// parent is safe: root's entries in it stay root's.
    fn way(&self, path: &Path) -> Result<(), LockDirectoryError> {
        if self.owner != 0 {
            return Ok(());
        }
        let found = Judge::of_root().reach(path, Last::Directory).map_err(|error| self.failed(&error))?;
        match found.shared().filter(|shared| path == self.path || !shared.keeps_our_names()) {
            Some(SharedDirectory { directory, .. }) => {
                let cause = format!("users other than root can write in {}", directory.display());
                Err(self.unusable(cause, Some(chmod(&directory, 0o755)), None))
            }
            None => Ok(()),
        }
    }

    fn failed(&self, error: &io::Error) -> LockDirectoryError {
        let runtime = directories::runtime().display();
        let hint = match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem if self.owner == 0 => {
                Some(format!("make {runtime} writable; in a container: --tmpfs {runtime}:mode=755"))
            }
            io::ErrorKind::NotFound if self.owner == 0 => Some(format!("mkdir -m 755 {runtime}")),
            _ => None,
        };
        self.unusable(error_text(error), hint, error.raw_os_error())
    }

    /// Verifies that only the owner can change the content.
    fn judge(&self, found: &fs::Metadata) -> Result<(), LockDirectoryError> {
        let cause = match found {
            _ if !found.is_dir() => "it is not a directory",
            _ if found.uid() != self.owner => "it belongs to another user",
            _ if found.mode() & 0o022 != 0 => {
                return Err(self.unusable(
                    "other users can write in it",
                    Some(chmod(&self.path, self.mode())),
                    None,
                ));
            }
            _ => return Ok(()),
        };
        Err(self.unusable(cause, Some(REMOVE_HINT.to_owned()), None))
    }

    fn is_reachable(&self) -> bool {
        let ours = |home: &PathBuf| fs::metadata(home).is_ok_and(|found| found.uid() == self.owner);
        self.owner == 0 || self.home.as_ref().is_some_and(ours)
    }

    fn mode(&self) -> u32 {
        if self.owner == 0 { 0o755 } else { 0o700 }
    }

    fn unusable(
        &self,
        cause: impl Into<String>,
        hint: Option<String>,
        errno: Option<i32>,
    ) -> LockDirectoryError {
        LockDirectoryError { path: self.path.clone(), cause: cause.into(), hint, errno }
    }
}

fn chmod(path: &Path, mode: u32) -> String {
    format!("chmod {mode:o} {}", path.display())
}

impl fmt::Display for LockDirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}
