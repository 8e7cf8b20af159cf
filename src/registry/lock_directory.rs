//! The directories that locks lie in. Which they are on which system is told in [`crate::sys::directories`].
//!
//! An ordinary user's lies at home, below the name of this boot: a home may be shared by many machines (NFS), where a
//! process of another one would look like a dead one of this.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs, io};

use super::old_boots;
use crate::sys::directories::{System, THIS_SYSTEM, UserDirs};
use crate::sys::path_trust::{Judge, Last, SharedDirectory};
use crate::sys::{directories, error_text, file, identity, process};

/// A directory in which locks may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDirectory {
    /// Where it is.
    pub path: PathBuf,
    /// Who must own it.
    pub owner: u32,
    /// The home directory that it is in.
    home: Option<PathBuf>,
}

/// Why nothing can be known of what lies in a directory, and nothing put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDirectoryError {
    /// The directory.
    pub path: PathBuf,
    /// The reason, in words.
    pub cause: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The kernel's number for the cause (errno(3)), where it was the kernel that refused.
    pub errno: Option<i32>,
}

/// What is known of the user who runs this process.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UserSurvey {
    person: UserDirs,
    /// Why not every place is known.
    unknown: Option<String>,
    boot: Option<String>,
}

/// An account is looked up once: a directory service may be far away.
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

/// Where the lock of a service lies that is started now.
pub fn directory() -> PathBuf {
    if identity::effective_user() == 0 {
        return system_directory().path;
    }
    let UserSurvey { person, boot, .. } = survey();
    // Without a name for this boot a record could be another machine's.
    let boot = boot.map(|boot| directories::boot_dir_name(&boot));
    let persistent = boot.into_iter().flat_map(|boot| {
        let below = move |place: PathBuf| place.join(&boot);
        THIS_SYSTEM.persistent(&person).into_iter().map(below)
    });
    let mut persistent = persistent.filter(|path| can_be_made(path, person.uid));
    persistent.next().unwrap_or_else(|| System::fallback(person.uid))
}

/// Where runtime directories lie (`RuntimeDirectory=`): root's, or those of this user.
pub fn runtime_directory() -> PathBuf {
    match identity::effective_user() {
        0 => directories::runtime().to_owned(),
        _ => THIS_SYSTEM.runtime_of(&survey().person),
    }
}

/// Root's.
pub(super) fn system_directory() -> LockDirectory {
    LockDirectory { path: directories::runtime().join("svcadapt"), owner: 0, home: None }
}

/// Where services of this user may have been started: the place of today first, then those of other circumstances (no
/// home, or not yet) and of earlier versions.
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

/// Where services are looked for: among our own, then among root's. An error says why not every place is known.
pub fn lock_directories() -> (Vec<LockDirectory>, Option<LockDirectoryError>) {
    let mut all = own_directories();
    if identity::effective_user() == 0 {
        return (all, None);
    }
    let UserSurvey { person, unknown, .. } = survey();
    all.push(system_directory());
    let unknown = unknown.map(|cause| LockDirectoryError {
        path: System::fallback(person.uid),
        cause: format!("the home directory of user {} is not known: {cause}", person.uid),
        hint: None,
        errno: None,
    });
    (all, unknown)
}

/// Whether a path is in one of the places, whatever links lead there.
pub(super) fn contains(path: &Path) -> bool {
    let Some(parent) = path.parent() else { return false };
    let mut all = lock_directories().0.into_iter();
    all.any(|place| place.path == parent || fs::canonicalize(&place.path).is_ok_and(|real| real == parent))
}

/// Whether cleaners look into a directory.
pub(super) fn is_aged(directory: &Path) -> bool {
    directory.starts_with("/tmp")
}

/// Whether a user's directory is there, or can be made where nobody else could have put it.
fn can_be_made(path: &Path, uid: u32) -> bool {
    for way in path.ancestors() {
        match fs::symlink_metadata(way) {
            // What is wrong with it is told when it is used.
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

/// Why no lock can be made, as far as that is seen without trying. Nothing is changed.
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

/// Makes the directory of the locks, or makes sure that it is one that nobody else can change.
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

/// What to do about a file in the way.
const REMOVE_HINT: &str = "remove it, and find out who put it there";

/// Makes the directories on the way to one at home.
fn make_way(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().skip(1).take_while(|way| !way.exists()).collect();
    for way in missing.into_iter().rev() {
        // As the XDG base directory specification wants it.
        file::make_directory(way, 0o700)?;
    }
    Ok(())
}

impl LockDirectory {
    /// Whether it is there. An error where it is, or may be, and nothing in it can be believed.
    pub fn is_there(&self) -> Result<bool, LockDirectoryError> {
        let found = match fs::symlink_metadata(&self.path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(false);
            }
            // A user whose home is another one's has never had anything there.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !self.is_reachable() => {
                return Ok(false);
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if found.uid() != self.owner && self.owner != 0 {
            // Never ours: nothing of ours was put there.
            return Ok(false);
        }
        self.judge(&found)?;
        self.way(&self.path).map(|()| true)
    }

    /// Whether nobody else can lead root away from its directory, or from where it will be made. A sticky directory above is
    /// as good as another one: what root has made in it stays root's.
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
                Some(format!("{runtime} has to be writable; in a container: --tmpfs {runtime}:mode=755"))
            }
            io::ErrorKind::NotFound if self.owner == 0 => Some(format!("mkdir -m 755 {runtime}")),
            _ => None,
        };
        self.unusable(error_text(error), hint, error.raw_os_error())
    }

    /// Whether its owner is the only one who can change what is in it.
    fn judge(&self, found: &fs::Metadata) -> Result<(), LockDirectoryError> {
        let cause = match found {
            _ if !found.is_dir() => "it is no directory",
            _ if found.uid() != self.owner => "it belongs to another user",
            _ if found.mode() & 0o022 != 0 => {
                return Err(self.unusable(
                    "others can write in it",
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
