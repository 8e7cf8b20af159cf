//! What was installed: one file a service, so that it can be changed and removed again, and nothing else is.
//!
//! It is written before the files it names and removed after them: whatever interrupts an installation, the next command
//! finds what there is.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{StartLock, digest, effective_user, error_text, lock_starts};
use svcadapt_spec::{Scope, ServiceName};

use super::deliver::{OutputFile, deliver, make_directories};
use super::home::xdg;
use super::{Host, ServiceManager};

/// The first line: format and version.
const HEAD: &str = "svcadapt-installed 1";

/// What was installed of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) manager: ServiceManager,
    /// The files, with the digests of the contents that svcadapt has written.
    pub(crate) files: Vec<(PathBuf, String)>,
    /// The directories that were made for them, outer ones first.
    pub(crate) directories: Vec<PathBuf>,
    /// Whether an installation or a removal has begun and not ended.
    pub(crate) is_partial: bool,
}

/// The digest of a content.
pub(crate) fn digest_of(text: &[u8]) -> String {
    digest(text)
}

impl Manifest {
    /// Whether svcadapt has written this content there.
    pub(crate) fn wrote(&self, path: &Path, text: &[u8]) -> bool {
        let digest = digest_of(text);
        self.files.iter().any(|(file, wrote)| file == path && *wrote == digest)
    }

    /// Reads that of a service. `None`: it was not installed by svcadapt.
    pub(crate) fn read(scope: Scope, name: &ServiceName) -> Result<Option<Self>, StepError> {
        let folder = directory(scope)?;
        let path = folder.join(name.as_str());
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        let refused = |cause: &str, hint: &str| {
            StepError::new("installed", cause).of(path.display().to_string()).hint(hint).status(1)
        };
        if !(is_only_ours(&folder) && is_only_ours(&path)) {
            let hint = "remove it, and the files of the service by hand, if they are what they should be";
            return Err(refused(
                "other users can write to this list of installed files, or to its directory",
                hint,
            ));
        }
        let manifest = parse(&text, scope).ok_or_else(|| {
            let hint =
                "another version may have written it; else remove it, and the files of the service by hand";
            refused("not a list of installed files", hint)
        })?;
        let directory = manifest.manager.directory()?;
        let is_above = |one: &PathBuf| directory.starts_with(one) || folder.starts_with(one);
        let is_outside = |(file, _): &(PathBuf, String)| {
            !file.starts_with(&directory) || file.components().any(|part| part == Component::ParentDir)
        };
        if manifest.files.iter().any(is_outside) || !manifest.directories.iter().all(is_above) {
            let hint = "remove it, and the files of the service by hand";
            return Err(refused("it names files outside of the manager's directory", hint));
        }
        Ok(Some(manifest))
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, name: &ServiceName) -> Result<(), StepError> {
        let directory = directory(self.manager.scope)?;
        make_directories(&directory).map_err(|error| failed(&directory, &error))?;
        deliver(&directory, &[OutputFile::read_only(name.to_string(), self.text())])
    }

    /// Removes that of a service.
    pub(crate) fn remove(scope: Scope, name: &ServiceName) -> Result<(), StepError> {
        let directory = directory(scope)?;
        let path = directory.join(name.as_str());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path, &error)),
            _ => {}
        }
        Ok(())
    }

    fn text(&self) -> Vec<u8> {
        let mut text = format!("{HEAD}\nhost {}\n", self.manager.host.name()).into_bytes();
        for (path, digest) in &self.files {
            text.extend([b"file ", digest.as_bytes(), b" ", path.as_os_str().as_bytes(), b"\n"].concat());
        }
        if self.is_partial {
            text.extend(b"partial\n");
        }
        for path in &self.directories {
            text.extend([b"directory ", path.as_os_str().as_bytes(), b"\n"].concat());
        }
        text
    }
}

/// Whether only root, or this user, can write to it.
fn is_only_ours(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| {
        !found.is_symlink() && [0, effective_user()].contains(&found.uid()) && found.mode() & 0o022 == 0
    })
}

/// Waits until no other command installs or removes the service. The lock is released with the value.
pub(crate) fn lock(scope: Scope, name: &ServiceName) -> Result<InstallLock, StepError> {
    let directory = directory(scope)?;
    let made = missing(&directory);
    make_directories(&directory).map_err(|error| failed(&directory, &error))?;
    let path = directory.join(format!(".{name}.lock"));
    let lock_once = || {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
        let inode = file.metadata()?.ino();
        Ok::<_, io::Error>((lock_starts(file, LOCK_TIMEOUT)?, inode))
    };
    loop {
        let (lock, inode) = match lock_once() {
            Ok(locked) => locked,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let cause = "another command has been installing or removing it for two minutes";
                return Err(StepError::new("install", cause).of(name.to_string()).status(1));
            }
            Err(error) => return Err(failed(&path, &error)),
        };
        // The command before may have removed the file, and another one has made a new one.
        if path.symlink_metadata().is_ok_and(|now| now.ino() == inode) {
            return Ok(InstallLock { path, made, _lock: lock });
        }
        make_directories(&directory).map_err(|error| failed(&directory, &error))?;
    }
}

/// How long another command may take.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// Keeps other commands from installing or removing a service.
pub(crate) struct InstallLock {
    path: PathBuf,
    /// The directories that were made for it, outer ones first; those that are empty then go with it.
    made: Vec<PathBuf>,
    _lock: StartLock,
}

impl InstallLock {
    pub(crate) fn made(&self) -> &[PathBuf] {
        &self.made
    }

    /// Takes over what an earlier command has made.
    pub(crate) fn takes(&mut self, directories: &[PathBuf]) {
        self.made.extend_from_slice(directories);
    }
}

impl Drop for InstallLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        // If nothing is installed any more.
        let own = self.path.ancestors().skip(1).take(2).map(Path::to_owned);
        for directory in own.chain(self.made.drain(..).rev()) {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn parse(text: &[u8], scope: Scope) -> Option<Manifest> {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    if lines.next()? != HEAD.as_bytes() {
        return None;
    }
    let (mut host, mut files, mut directories, mut is_partial) = (None, Vec::new(), Vec::new(), false);
    for line in lines {
        if line == b"partial" {
            is_partial = true;
            continue;
        }
        let at = line.iter().position(|byte| *byte == b' ')?;
        let (word, rest) = (&line[..at], &line[at + 1..]);
        let path =
            |bytes: &[u8]| Some(PathBuf::from(OsStr::from_bytes(bytes))).filter(|path| path.is_absolute());
        match word {
            b"host" => host = Host::INSTALLS.into_iter().find(|host| host.name().as_bytes() == rest),
            b"file" => {
                let at = rest.iter().position(|byte| *byte == b' ')?;
                files.push((path(&rest[at + 1..])?, String::from_utf8(rest[..at].to_vec()).ok()?));
            }
            b"directory" => directories.push(path(rest)?),
            _ => return None,
        }
    }
    Some(Manifest { manager: ServiceManager { host: host?, scope }, files, directories, is_partial })
}

/// The directory of the lists: `/var/lib/svcadapt/installed`, of a user below `$XDG_STATE_HOME`.
fn directory(scope: Scope) -> Result<PathBuf, StepError> {
    match scope {
        Scope::System => Ok(PathBuf::from("/var/lib/svcadapt/installed")),
        Scope::User => Ok(xdg("XDG_STATE_HOME", ".local/state")?.join("svcadapt/installed")),
    }
}

/// Where a service was installed. `None`: it was not installed by svcadapt.
///
/// # Errors
///
/// The list of its files cannot be read.
pub fn installed(scope: Scope, name: &ServiceName) -> Result<Option<ServiceManager>, StepError> {
    Ok(Manifest::read(scope, name)?.map(|manifest| manifest.manager))
}

/// Every service that svcadapt has installed, with its manager, sorted by name. Empty if the lists cannot be read.
pub fn all_installed(scope: Scope) -> Vec<(ServiceName, ServiceManager)> {
    let entries =
        directory(scope).ok().and_then(|directory| fs::read_dir(directory).ok()).into_iter().flatten();
    let names = entries.flatten().filter_map(|entry| ServiceName::parse(&entry.file_name()).ok());
    let mut all: Vec<_> =
        names.filter_map(|name| Some((name.clone(), installed(scope, &name).ok()??))).collect();
    all.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    all
}

/// The directories that were made for all services, outer ones first.
pub(crate) fn made_directories(scope: Scope) -> Vec<PathBuf> {
    let names = all_installed(scope).into_iter().map(|(name, _)| name);
    names.filter_map(|name| Manifest::read(scope, &name).ok()?).flat_map(|one| one.directories).collect()
}

/// The directories of this path that do not exist, outer ones first.
pub(crate) fn missing(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        path.ancestors().take_while(|path| path.symlink_metadata().is_err()).map(Path::to_owned).collect();
    all.reverse();
    all
}

fn failed(path: &Path, error: &io::Error) -> StepError {
    StepError::new("installed", error_text(error)).of(path.display().to_string()).status(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_installed_files_is_read_as_it_was_written() {
        let manager = ServiceManager { host: Host::Systemd, scope: Scope::System };
        let manifest = Manifest {
            manager,
            files: vec![("/etc/a b".into(), digest_of(b"one")), ("/etc/c".into(), digest_of(b""))],
            directories: vec!["/etc/d".into()],
            is_partial: true,
        };
        assert_eq!(parse(&manifest.text(), Scope::System), Some(manifest.clone()));
        assert!(manifest.wrote(Path::new("/etc/a b"), b"one"));
        assert!(
            !manifest.wrote(Path::new("/etc/a b"), b"two") && !manifest.wrote(Path::new("/etc/d"), b"one")
        );
        for bad in [
            "",
            "svcadapt-installed 2\nhost systemd\n",
            "svcadapt-installed 1\nhost x\n",
            "svcadapt-installed 1\nhost systemd\nfile x y\n",
        ] {
            assert_eq!(parse(bad.as_bytes(), Scope::System), None, "{bad}");
        }
    }
}
