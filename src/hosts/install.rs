//! Installs the files of a service, and removes them again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use svcadapt::control::ServiceRef;
use svcadapt::internal::{LogQuery, error_text};
use svcadapt::{StepError, control};
use svcadapt_spec::{Scope, ServiceName};

use super::deliver::{OutputFile, deliver};
use super::manifest::{Manifest, digest_of};
use super::service_manager::Installer;
use super::{Action, Host, ManagedService, ServiceManager};

/// How long a manager may take to start or stop a service. Its own timeouts are shorter.
const ACTION_TIMEOUT: Duration = Duration::from_secs(600);

/// How many of a service's last lines a failed start shows.
const LAST_LINES: u64 = 10;

/// A service that is to be installed.
#[derive(Debug)]
pub struct Installation {
    /// With which manager.
    pub manager: ServiceManager,
    /// Its name.
    pub name: ServiceName,
    /// Its files, below the directory of the manager.
    pub files: Vec<OutputFile>,
}

/// What an installation does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What is done.
    pub kind: ChangeKind,
    /// Its content now. Empty if it does not exist.
    pub old: Vec<u8>,
    /// Its content then. Empty if it is removed.
    pub new: Vec<u8>,
    /// Whether svcadapt has written what is there now.
    pub is_ours: bool,
    /// Its mode now.
    old_mode: u32,
}

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It does not exist yet.
    Created,
    /// Its content or its mode changes.
    Changed,
    /// It stays as it is.
    Kept,
    /// The service no longer has it.
    Removed,
}

/// What an installation has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Whether any file has changed.
    pub has_changed: bool,
    /// Whether the service runs now, as far as its manager knows.
    pub runs: bool,
    /// What the user should know besides.
    pub note: Option<StepError>,
}

/// What is started after the files are in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartNow {
    /// Nothing: it is started at the next boot or login.
    No,
    /// The service; if it runs and its files have changed, it is restarted.
    Yes,
}

impl Installation {
    /// What would change.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, StepError> {
        let manifest = Manifest::read(self.manager.scope, &self.name)?;
        let directory = self.manager.directory()?;
        let mut all = Vec::new();
        for file in &self.files {
            let path = directory.join(&file.path);
            let (old, old_mode) = current(&path)?;
            let kind = match &old {
                None => ChangeKind::Created,
                Some(old) if *old == file.text && old_mode == file.mode => ChangeKind::Kept,
                Some(_) => ChangeKind::Changed,
            };
            let old = old.unwrap_or_default();
            let is_ours = manifest.as_ref().is_some_and(|manifest| manifest.wrote(&path, &old));
            all.push(Change { path, kind, old, new: file.text.clone(), is_ours, old_mode });
        }
        for (path, _) in manifest.iter().flat_map(|manifest| &manifest.files) {
            if all.iter().any(|change| change.path == *path) {
                continue;
            }
            if let (Some(old), old_mode) = current(path)? {
                let is_ours = manifest.as_ref().is_some_and(|manifest| manifest.wrote(path, &old));
                let kind = if is_ours { ChangeKind::Removed } else { ChangeKind::Kept };
                all.push(Change { path: path.clone(), kind, old, new: Vec::new(), is_ours, old_mode });
            }
        }
        Ok(all)
    }

    /// Installs the service and has it started at boot, or at login. If anything fails, what was there before is put back.
    ///
    /// `force`: replaces also files that svcadapt has not written.
    ///
    /// # Errors
    ///
    /// A file is there that svcadapt has not written, a file cannot be written, the manager's tool fails, or the service
    /// does not start; then with its last lines.
    pub fn perform(&self, force: bool, start: StartNow) -> Result<Installed, StepError> {
        let changes = self.changes()?;
        let is_foreign = |change: &&Change| change.kind == ChangeKind::Changed && !change.is_ours;
        if let Some(foreign) = changes.iter().find(is_foreign).filter(|_| !force) {
            return Err(StepError::new(
                "install",
                "the file was not written by svcadapt, or was changed since",
            )
            .of(foreign.path.display().to_string())
            .hint("--dry-run shows the differences, --force replaces it")
            .status(1));
        }
        let before = Manifest::read(self.manager.scope, &self.name)?;
        let installer = self.manager.installer();
        let done = self.write(&changes, before.as_ref()).and_then(|()| {
            self.activate(
                installer.as_ref(),
                changes.iter().any(|change| change.kind != ChangeKind::Kept),
                start,
            )
        });
        done.inspect_err(|_| self.put_back(installer.as_ref(), &changes, before.as_ref()))
    }

    /// Brings the files into place. The list of them is written before and after: in between it has the old and the new ones.
    fn write(&self, changes: &[Change], before: Option<&Manifest>) -> Result<(), StepError> {
        let directory = self.manager.directory()?;
        let mut directories = before.map(|before| before.directories.clone()).unwrap_or_default();
        directories.extend(missing(&directory));
        let written = changes.iter().filter(|change| change.kind != ChangeKind::Removed);
        let files = written.clone().map(|change| (change.path.clone(), digest_of(&change.new)));
        let after = Manifest { manager: self.manager, files: files.collect(), directories };
        let mut both = after.clone();
        both.files.extend(before.iter().flat_map(|before| before.files.clone()));
        both.write(&self.name)?;
        fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
        let is_new = |file: &&OutputFile| {
            let path = directory.join(&file.path);
            changes.iter().any(|change| change.path == path && change.kind != ChangeKind::Kept)
        };
        let files: Vec<OutputFile> = self.files.iter().filter(is_new).cloned().collect();
        deliver(&directory, &files)?;
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Removed) {
            fs::remove_file(&change.path).map_err(|error| failed(&change.path, &error))?;
        }
        after.write(&self.name)
    }

    fn activate(
        &self,
        installer: &dyn Installer,
        has_changed: bool,
        start: StartNow,
    ) -> Result<Installed, StepError> {
        if has_changed {
            installer.reload()?;
        }
        let before = installer.service(&self.name);
        let runs = before.is_some_and(|one| one.state().is_ok_and(|state| !state.phase.is_over()));
        installer.enable(&self.name)?;
        let action = match start {
            StartNow::Yes if !runs => Some(Action::Start),
            StartNow::Yes if has_changed => Some(Action::Restart),
            StartNow::Yes | StartNow::No => None,
        };
        let note = installer.note();
        let Some(action) = action else { return Ok(Installed { has_changed, runs, note }) };
        let service = installer.service(&self.name).ok_or_else(|| {
            StepError::new(action.name(), "the manager does not know it").of(self.name.to_string()).status(1)
        })?;
        // launchd reads a property list only when it loads the job.
        let actions = match action {
            Action::Restart if self.manager.host == Host::Launchd => vec![Action::Stop, Action::Start],
            action => vec![action],
        };
        for action in actions {
            service.perform(action, ACTION_TIMEOUT).map_err(|error| with_last_lines(error, &service))?;
        }
        Ok(Installed { has_changed, runs: true, note })
    }

    /// After a failure: what was there before. Best effort, because the first error is the one to report.
    fn put_back(&self, installer: &dyn Installer, changes: &[Change], before: Option<&Manifest>) {
        let Some(before) = before else {
            let _ = remove_all(installer, self.manager.scope, &self.name, false);
            return;
        };
        for change in changes {
            match change.kind {
                ChangeKind::Kept => {}
                ChangeKind::Created => drop(fs::remove_file(&change.path)),
                ChangeKind::Changed | ChangeKind::Removed => {
                    let (Some(parent), Some(name)) = (change.path.parent(), change.path.file_name()) else {
                        continue;
                    };
                    let path = name.to_string_lossy().into_owned();
                    let file = OutputFile { path, mode: change.old_mode, text: change.old.clone() };
                    let _ = deliver(parent, &[file]);
                }
            }
        }
        let _ = before.write(&self.name);
        let _ = installer.reload();
    }
}

/// Stops a service that svcadapt has installed, and removes what it has installed of it, in whatever state that is. Files that
/// were changed since stay, unless `force`; they are returned.
///
/// # Errors
///
/// It was not installed by svcadapt, it cannot be stopped, or a file cannot be removed.
pub fn uninstall(scope: Scope, name: &ServiceName, force: bool) -> Result<Vec<PathBuf>, StepError> {
    let Some(manifest) = Manifest::read(scope, name)? else {
        return Err(StepError::new("uninstall", "it was not installed by svcadapt")
            .of(name.to_string())
            .hint("the manager that has it removes it; `svcadapt status` names it")
            .status(NOT_INSTALLED));
    };
    remove_all(manifest.manager.installer().as_ref(), scope, name, force)
}

/// Exit status: the program is not installed (LSB).
const NOT_INSTALLED: u8 = 5;

fn remove_all(
    installer: &dyn Installer,
    scope: Scope,
    name: &ServiceName,
    force: bool,
) -> Result<Vec<PathBuf>, StepError> {
    let Some(manifest) = Manifest::read(scope, name)? else { return Ok(Vec::new()) };
    let is_there = |(path, _): &(PathBuf, String)| path.symlink_metadata().is_ok();
    if let Some(service) = installer.service(name) {
        if service.state().is_ok_and(|state| !state.phase.is_over()) {
            service.perform(Action::Stop, ACTION_TIMEOUT)?;
        }
        // A half installed service may not be enabled.
        let _ = installer.disable(name);
    } else if manifest.files.iter().any(is_there) {
        let _ = installer.disable(name);
    }
    installer.forget(name)?;
    // The record of a service that its manager has stopped. Best effort: a stale one does no harm.
    let _ = control::stop(&ServiceRef::Name(name.clone()), None);
    let mut kept = Vec::new();
    for (path, _) in &manifest.files {
        let (Some(text), _) = current(path)? else { continue };
        if force || manifest.wrote(path, &text) {
            fs::remove_file(path).map_err(|error| failed(path, &error))?;
        } else if !kept.contains(path) {
            kept.push(path.clone());
        }
    }
    let directory = manifest.manager.directory()?;
    // The directories of the service, then those that were made for it: the inner ones first.
    let below = |path: &Path| path.strip_prefix(&directory).is_ok_and(|rest| !rest.as_os_str().is_empty());
    for (path, _) in &manifest.files {
        for parent in path.ancestors().skip(1).take_while(|parent| below(parent)) {
            let _ = fs::remove_dir(parent);
        }
    }
    for made in manifest.directories.iter().rev() {
        let _ = fs::remove_dir(made);
    }
    installer.reload()?;
    Manifest::remove(scope, name)?;
    Ok(kept)
}

/// The content and the mode of a file. A link is not followed.
fn current(path: &Path) -> Result<(Option<Vec<u8>>, u32), StepError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => {
            let text = fs::read(path).map_err(|error| failed(path, &error))?;
            Ok((Some(text), found.permissions().mode() & 0o7777))
        }
        Ok(_) => {
            Err(StepError::new("install", "not a regular file").of(path.display().to_string()).status(1))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok((None, 0))
        }
        Err(error) => Err(failed(path, &error)),
    }
}

/// The directories of this path that do not exist, outer ones first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        path.ancestors().take_while(|path| path.symlink_metadata().is_err()).map(Path::to_owned).collect();
    all.reverse();
    all
}

fn with_last_lines(mut error: StepError, service: &ManagedService) -> StepError {
    let query = LogQuery { lines: Some(LAST_LINES), since: None, until: None, follow: false };
    let output = service.log_command(&query).and_then(|mut command| command.output().ok());
    if let Some(output) = output {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        error.output = text.lines().map(str::to_owned).collect();
    }
    error
}

fn failed(path: &Path, error: &io::Error) -> StepError {
    StepError::new("install", error_text(error)).of(path.display().to_string()).status(1)
}
