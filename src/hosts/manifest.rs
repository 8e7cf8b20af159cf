//! What was installed: one file a service, so that it can be changed and removed again, and nothing else is.
//!
//! It is written before the files it names and removed after them: whatever interrupts an installation, the next command
//! finds what there is.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt::internal::{digest, error_text};
use svcadapt_spec::{Scope, ServiceName};

use super::deliver::{OutputFile, deliver};
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
        let path = directory(scope)?.join(name.as_str());
        match fs::read(&path) {
            Ok(text) => parse(&text, scope).map(Some).ok_or_else(|| {
                StepError::new("installed", "not a list of installed files")
                    .of(path.display().to_string())
                    .hint("another version of svcadapt may have written it")
                    .status(1)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, name: &ServiceName) -> Result<(), StepError> {
        let directory = directory(self.manager.scope)?;
        fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
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
        // If it was the last one, and nothing else is there.
        for directory in directory.ancestors().take(2) {
            let _ = fs::remove_dir(directory);
        }
        Ok(())
    }

    fn text(&self) -> Vec<u8> {
        let mut text = format!("{HEAD}\nhost {}\n", self.manager.host.name()).into_bytes();
        for (path, digest) in &self.files {
            text.extend([b"file ", digest.as_bytes(), b" ", path.as_os_str().as_bytes(), b"\n"].concat());
        }
        for path in &self.directories {
            text.extend([b"directory ", path.as_os_str().as_bytes(), b"\n"].concat());
        }
        text
    }
}

fn parse(text: &[u8], scope: Scope) -> Option<Manifest> {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    if lines.next()? != HEAD.as_bytes() {
        return None;
    }
    let (mut host, mut files, mut directories) = (None, Vec::new(), Vec::new());
    for line in lines {
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
    Some(Manifest { manager: ServiceManager { host: host?, scope }, files, directories })
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
