//! The credentials of a service, as files that only its user can read (systemd.exec(5), "Credentials").

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt_spec::{
    CredentialName, CredentialPattern, CredentialSource, ImportCredential, LoadCredential, ServiceSpec,
};

use super::undo::Created;
use super::{account, directory};
use crate::plan::{Account, CallerState, Resolution};
use crate::sys::{error_text, file, identity, stream, untrusted};

/// The size of all credentials of a service, with their names.
const MAX_BYTES: usize = 1024 * 1024;

/// Directories below a directory of credentials; a deeper one is an error.
const MAX_DEPTH: usize = 16;

const DIRECTORY_MODE: u32 = 0o500;
const FILE_MODE: u32 = 0o400;

/// The directories of credentials that have a name only, after those that this process was given.
const STORES: [&str; 4] =
    ["/run/credentials/@system", "/etc/credstore", "/run/credstore", "/usr/lib/credstore"];

/// The directory of the credentials: systemd's, or the adapter's own for a user without a runtime directory.
pub fn place(spec: &ServiceSpec, caller: &CallerState, lock: Option<&Path>) -> Option<PathBuf> {
    let name = spec.name.as_ref().filter(|_| !spec.credentials.is_empty())?;
    let usual = caller.runtime_directory.as_path();
    let own = lock.and_then(Path::parent).filter(|_| !caller.is_root() && !usual.is_dir());
    Some(own.unwrap_or(usual).join("credentials").join(format!("{name}.service")))
}

/// Makes the directory of credentials. What another process of the same start has made stays, unless the directory is
/// `fresh`: then this is the only process.
pub(super) fn provide(
    path: &Path,
    fresh: bool,
    spec: &ServiceSpec,
    resolved: &Resolution,
    made: &mut impl FnMut(Created),
) -> io::Result<()> {
    let account = &resolved.account;
    if !fresh && is_complete(path, account) {
        return Ok(());
    }
    let all = Loader::new(spec, resolved).all()?;
    remove(path);
    directory::make(path, 0o700, None, account::judge(account), made)?;
    let root = identity::effective_user() == 0;
    for (name, data) in all {
        // No other user can reach the directory yet.
        let place = path.join(name.as_str());
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(place)?;
        file.write_all(&data)?;
        if root {
            file::change_owner(&file, account.uid, account.gid)?;
        }
        file::set_mode(&file, FILE_MODE)?;
    }
    let open = file::open_directory(path)?;
    if root {
        file::change_owner(&open, account.uid, account.gid)?;
    }
    file::set_mode(open, DIRECTORY_MODE)
}

/// Removes a directory of credentials, with its content.
pub fn remove(path: &Path) {
    // Best effort, as for all that a service leaves. A link is not followed. Its owner needs the right to write.
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        if identity::effective_user() != 0 {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
        }
        let _ = fs::remove_dir_all(path);
    }
}

/// Whether the directory has its last mode and owner, which it gets when all files are there.
fn is_complete(path: &Path, account: &Account) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir() && found.uid() == account.uid && found.mode() & 0o7777 == DIRECTORY_MODE
    })
}

/// Reads credentials, up to a size.
struct Loader<'a> {
    spec: &'a ServiceSpec,
    resolved: &'a Resolution,
    all: BTreeMap<CredentialName, Vec<u8>>,
    left: usize,
}

impl<'a> Loader<'a> {
    fn new(spec: &'a ServiceSpec, resolved: &'a Resolution) -> Self {
        Self { spec, resolved, all: BTreeMap::new(), left: MAX_BYTES }
    }

    /// All credentials: those that are read, those that are found, then those with data. Of several with one name the first
    /// counts.
    fn all(mut self) -> io::Result<BTreeMap<CredentialName, Vec<u8>>> {
        let spec = self.spec;
        for one in &spec.credentials.load {
            match &one.source {
                CredentialSource::System(name) => self.system(&one.name, name)?,
                CredentialSource::Path(path) => self.path(one, path.as_path())?,
            }
        }
        for one in &spec.credentials.import {
            self.import(one)?;
        }
        for one in &spec.credentials.set {
            if !self.all.contains_key(&one.name) {
                self.add(one.name.clone(), one.data.clone())
                    .map_err(|error| about(&one.name, None, &error))?;
            }
        }
        Ok(self.all)
    }

    /// The directories for credentials.
    fn stores(&self) -> Vec<PathBuf> {
        let given = self.resolved.inherited.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY");
        let given = given.map(|(_, path)| PathBuf::from(path)).filter(|path| path.is_absolute());
        given.into_iter().chain(STORES.map(PathBuf::from)).collect()
    }

    /// All credentials that are meant, from each directory.
    fn import(&mut self, wanted: &ImportCredential) -> io::Result<()> {
        if let CredentialPattern::Name(source) = &wanted.pattern {
            return self.system(wanted.rename.as_ref().unwrap_or(source), source);
        }
        for store in self.stores() {
            let account = &self.resolved.account;
            let list = || fs::read_dir(&store)?.map(|entry| entry.map(|entry| entry.file_name())).collect();
            let mut found: Vec<OsString> = match account::open_for(&store, account, list) {
                Err(error) if is_missing(&error) => continue,
                found => found.map_err(|error| at(store.as_os_str(), &error))?,
            };
            found.sort_unstable();
            for file in found {
                let Some(name) = file.to_str().and_then(|file| wanted.name_of(file)) else { continue };
                let path = store.join(&file);
                let is_file = || fs::metadata(&path).map(|found| found.is_file());
                if account::open_for(&path, &self.resolved.account, is_file).unwrap_or(true) {
                    let data = self.read(&path);
                    data.and_then(|data| self.add(name.clone(), data))
                        .map_err(|error| about(&name, Some(&path), &error))?;
                }
            }
        }
        Ok(())
    }

    /// A credential that has a name only. As in systemd it may be missing.
    fn system(&mut self, name: &CredentialName, source: &CredentialName) -> io::Result<()> {
        for store in self.stores() {
            let path = store.join(source.as_str());
            match self.read(&path) {
                Ok(data) => {
                    return self.add(name.clone(), data).map_err(|error| about(name, Some(&path), &error));
                }
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(about(name, Some(&path), &error)),
            }
        }
        Ok(())
    }

    /// A credential of a path, which may be missing if the spec has data for it.
    fn path(&mut self, one: &LoadCredential, path: &Path) -> io::Result<()> {
        let account = &self.resolved.account;
        let found = account::open_for(path, account, || fs::metadata(path));
        let done = found.and_then(|found| {
            let kind = found.file_type();
            if kind.is_dir() {
                self.directory(one.name.as_str(), path, MAX_DEPTH)
            } else if kind.is_socket() {
                let data = self.socket(path, &one.name)?;
                self.add(one.name.clone(), data)
            } else {
                let data = self.read(path)?;
                self.add(one.name.clone(), data)
            }
        });
        let has_default = || self.spec.credentials.set.iter().any(|set| set.name == one.name);
        match done {
            Err(error) if is_missing(&error) && has_default() => Ok(()),
            done => done.map_err(|error| about(&one.name, Some(path), &error)),
        }
    }

    /// Each file and socket below a directory. Links and what could block are skipped.
    fn directory(&mut self, start: &str, path: &Path, depth: usize) -> io::Result<()> {
        if depth == 0 {
            return Err(io::Error::other(format!("more than {MAX_DEPTH} directories in each other")));
        }
        let account = &self.resolved.account;
        let list = || fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name())).collect();
        let mut names: Vec<OsString> = account::open_for(path, account, list)?;
        names.sort_unstable();
        for name in names {
            let place = path.join(&name);
            let id = || CredentialName::parse(&[start.as_bytes(), b"_", name.as_bytes()].concat());
            let named = || id().map_err(|error| at(&name, &io::Error::other(error.cause)));
            let found = account::open_for(&place, account, || fs::symlink_metadata(&place));
            let kind = found.map_err(|error| at(&name, &error))?.file_type();
            if kind.is_dir() {
                let start = format!("{start}_{}", name.to_string_lossy());
                self.directory(&start, &place, depth - 1).map_err(|error| at(&name, &error))?;
            } else if kind.is_socket() {
                let id = named()?;
                let data = self.socket(&place, &id).map_err(|error| at(&name, &error))?;
                self.add(id, data)?;
            } else if kind.is_file() {
                let id = named()?;
                let read = || untrusted::read(&place, limit(self.left));
                let file = account::open_for(&place, account, read).map_err(|error| at(&name, &error))?;
                self.add(id, file.map(|file| file.content).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Reads a regular file: a FIFO or a device could block.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let open = account::open_for(path, &self.resolved.account, || file::open_regular(path))?;
        let mut data = Vec::new();
        open.take(limit(self.left)).read_to_end(&mut data)?;
        Ok(data)
    }

    /// Reads from a socket; its other end learns from the address which credential is wanted.
    fn socket(&self, path: &Path, name: &CredentialName) -> io::Result<Vec<u8>> {
        let service = self.spec.name.as_ref().map_or("", |name| name.as_str());
        let wanted = format!("/unit/{service}.service/{}", name.as_str());
        let read = || stream::read(path, &wanted, limit(self.left));
        account::open_for(path, &self.resolved.account, read)
    }

    fn add(&mut self, name: CredentialName, data: Vec<u8>) -> io::Result<()> {
        if self.all.contains_key(&name) {
            return Ok(());
        }
        let too_large =
            || io::Error::other(format!("all credentials together are larger than {MAX_BYTES} bytes"));
        self.left = self.left.checked_sub(name.as_str().len() + data.len()).ok_or_else(too_large)?;
        self.all.insert(name, data);
        Ok(())
    }
}

/// One byte more than fits, so that what is too large is seen.
fn limit(left: usize) -> u64 {
    u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1)
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// The error with the name of the credential and its source.
fn about(name: &CredentialName, path: Option<&Path>, error: &io::Error) -> io::Error {
    let place = path.map(|path| format!(" from {}", path.display())).unwrap_or_default();
    io::Error::other(format!("{}{place}: {}", name.as_str(), error_text(error)))
}

fn at(name: &OsStr, error: &io::Error) -> io::Error {
    io::Error::other(format!("{}: {}", name.display(), error_text(error)))
}
