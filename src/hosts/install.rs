//! Installs the files of a service, and removes them again.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::LogQuery;
use svcadapt_spec::ServiceName;

use super::deliver::{OutputFile, deliver, make_directories};
use super::files::{current, failed};
use super::manifest::{self, InstallLock, Manifest, digest_of, missing};
use super::operation::OPERATION_TIMEOUT;
use super::service_manager::Installer;
use super::settle::wait_until;
use super::uninstall::remove_all;
use super::{Host, HostState, ManagedService, Operation, RunPhase, ServiceManager};

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
    /// Whether it runs with files that have changed since its start.
    pub is_old: bool,
    /// Where it is in its life now, as its manager says.
    pub phase: RunPhase,
    /// Whether it is started at boot, or at login. `None`: the manager does not say, or the service is not one to be started.
    pub enabled: Option<bool>,
    /// When an enabled service is started.
    pub starts: StartTime,
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

/// When an enabled service is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTime {
    /// With the machine.
    Boot,
    /// With the first login of its user.
    Login,
    /// Not by itself: what has it started does not outlive the machine's run.
    Never,
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
        let lock = manifest::lock(self.manager.scope, &self.name)?;
        let changes = self.changes()?;
        let installer = self.manager.installer();
        if start == StartNow::Yes {
            installer.check_running()?;
        }
        let before = Before::look(self, installer.as_ref())?;
        self.check(&changes, &before, force)?;
        let done = self.write(&changes, before.manifest.as_ref(), &lock).and_then(|after| {
            let has_changed = changes.iter().any(|change| change.kind != ChangeKind::Kept);
            let done = self.activate(installer.as_ref(), has_changed, &before, start)?;
            after.write(&self.name)?;
            Ok(done)
        });
        done.map_err(|error| match self.put_back(installer.as_ref(), &changes, &before) {
            Ok(()) => error.hint("what was there before was put back"),
            Err(left) => error
                .hint(format!("what was there before could not be put back: {}: {}", left.stage, left.cause)),
        })
    }

    /// Whether nothing of another author is replaced.
    fn check(&self, changes: &[Change], before: &Before, force: bool) -> Result<(), StepError> {
        let error = |cause: &str, object: String, hint: &str| {
            Err(StepError::new("install", cause).of(object).hint(hint).status(1))
        };
        if let Some(other) = before.manifest.as_ref().map(|before| before.manager)
            && other != self.manager
        {
            let cause = format!("it is installed with {}", other.host.name());
            return error(&cause, self.name.to_string(), "`svcadapt uninstall` removes it first");
        }
        let is_foreign = |change: &&Change| change.kind == ChangeKind::Changed && !change.is_ours;
        if let Some(foreign) = changes.iter().find(is_foreign).filter(|_| !force) {
            let hint = "--dry-run shows the differences, --force replaces it";
            let cause = "the file was not written by svcadapt, or was changed since";
            return error(cause, foreign.path.display().to_string(), hint);
        }
        let has_file = changes.iter().any(|change| change.kind != ChangeKind::Created);
        if before.manifest.is_none() && before.is_known && !has_file && !force {
            let cause = format!("{} has a service of this name already", self.manager.host.name());
            return error(
                &cause,
                self.name.to_string(),
                "choose another --name; --force puts this one in its place",
            );
        }
        Ok(())
    }

    /// Brings the files into place, and returns the list of them, which is written when all else is done. Until then the list
    /// has the old and the new ones.
    fn write(
        &self,
        changes: &[Change],
        before: Option<&Manifest>,
        lock: &InstallLock,
    ) -> Result<Manifest, StepError> {
        let directory = self.manager.directory()?;
        let mut directories = before.map(|before| before.directories.clone()).unwrap_or_default();
        // The last service that goes takes along what the first one has made.
        let of_others = manifest::made_directories(self.manager.scope);
        for made in lock.made().iter().cloned().chain(missing(&directory)).chain(of_others) {
            if !directories.contains(&made) {
                directories.push(made);
            }
        }
        let written = changes.iter().filter(|change| change.kind != ChangeKind::Removed);
        let files = written.clone().map(|change| (change.path.clone(), digest_of(&change.new)));
        let after =
            Manifest { manager: self.manager, files: files.collect(), directories, is_partial: false };
        let mut both = Manifest { is_partial: true, ..after.clone() };
        both.files.extend(before.iter().flat_map(|before| before.files.clone()));
        both.write(&self.name)?;
        make_directories(&directory).map_err(|error| failed(&directory, &error))?;
        let is_new = |file: &&OutputFile| {
            let path = directory.join(&file.path);
            changes.iter().any(|change| change.path == path && change.kind != ChangeKind::Kept)
        };
        let files: Vec<OutputFile> = self.files.iter().filter(is_new).cloned().collect();
        deliver(&directory, &files)?;
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Removed) {
            fs::remove_file(&change.path).map_err(|error| failed(&change.path, &error))?;
        }
        Ok(after)
    }

    fn activate(
        &self,
        installer: &dyn Installer,
        has_changed: bool,
        before: &Before,
        start: StartNow,
    ) -> Result<Installed, StepError> {
        if has_changed {
            installer.reload()?;
        }
        // What was installed and then disabled stays so.
        let is_complete = before.manifest.as_ref().is_some_and(|manifest| !manifest.is_partial);
        if !is_complete || before.enabled != Some(false) {
            installer.enable(&self.name)?;
        }
        let is_old = before.runs && self.is_newer_than(before.since);
        let operation = match start {
            StartNow::Yes if !before.runs => Some(Operation::Start),
            StartNow::Yes if has_changed || is_old => Some(Operation::Restart),
            StartNow::Yes | StartNow::No => None,
        };
        let service = installer.service(&self.name)?;
        if let Some(operation) = operation {
            let service = service.as_ref().ok_or_else(|| {
                StepError::new(operation.name(), "the manager does not know it")
                    .of(self.name.to_string())
                    .status(1)
            })?;
            installer.clear_failures(&self.name);
            self.start(operation, service).map_err(|error| with_last_lines(error, service))?;
        }
        let state = service.map(|service| service.state()).transpose()?;
        Ok(Installed {
            has_changed,
            is_old: operation.is_none() && (is_old || before.runs && has_changed),
            phase: state.as_ref().map_or(RunPhase::Stopped, |state| state.phase.clone()),
            enabled: state.and_then(|state| state.enabled),
            // Asked for first: it may have the service started at boot.
            note: installer.note(),
            starts: installer.start_time(),
        })
    }

    /// Starts it, and looks whether it stays for a moment: most managers call a program started that ends at once.
    fn start(&self, operation: Operation, service: &ManagedService) -> Result<(), StepError> {
        // launchd reads a property list only when it loads the job.
        let operations = match operation {
            Operation::Restart if self.manager.host == Host::Launchd => {
                vec![Operation::Stop, Operation::Start]
            }
            operation => vec![operation],
        };
        let ended = |why: &str| {
            StepError::new(operation.name(), format!("it has ended: {why}"))
                .of(self.name.to_string())
                .status(1)
        };
        for operation in operations {
            service.perform(operation, OPERATION_TIMEOUT).map_err(|error| match service.state() {
                Ok(HostState { phase: RunPhase::Failed(_), last_exit: Some(exit), .. }) => {
                    let mut failure = ended(&exit);
                    failure.output = error.output;
                    failure
                }
                _ => error,
            })?;
        }
        let mut why = None;
        let has_failed = || {
            let Ok(state) = service.state() else { return false };
            why = match state.phase {
                RunPhase::Failed(why) => Some(why),
                RunPhase::Stopped => state.last_exit.filter(|exit| exit != "exit status 0"),
                _ => None,
            };
            why.is_some()
        };
        wait_until(SETTLE_TIME, has_failed);
        match why {
            Some(why) => Err(ended(&why)),
            None => Ok(()),
        }
    }

    /// Whether a file is newer than this time ago: an earlier command wrote it, and the service was not restarted since.
    fn is_newer_than(&self, since: Option<Duration>) -> bool {
        let Some((since, directory)) = since.zip(self.manager.directory().ok()) else { return false };
        let age = |file: &OutputFile| {
            let changed = directory.join(&file.path).metadata().and_then(|found| found.modified());
            changed.ok()?.elapsed().ok()
        };
        // Managers count in whole seconds.
        self.files.iter().filter_map(age).any(|age| age + Duration::from_secs(2) < since)
    }

    /// After a failure: what was there before, its files, and whether it was enabled and ran.
    fn put_back(
        &self,
        installer: &dyn Installer,
        changes: &[Change],
        before: &Before,
    ) -> Result<(), StepError> {
        if before.manifest.is_none() && !before.is_known {
            remove_all(installer, self.manager.scope, &self.name, false)?;
        }
        for change in changes {
            match change.kind {
                ChangeKind::Kept => {}
                ChangeKind::Created => drop(fs::remove_file(&change.path)),
                ChangeKind::Changed | ChangeKind::Removed => {
                    let (Some(parent), Some(name)) = (change.path.parent(), change.path.file_name()) else {
                        continue;
                    };
                    let path = name.to_string_lossy().into_owned();
                    deliver(parent, &[OutputFile { path, mode: change.old_mode, text: change.old.clone() }])?;
                }
            }
        }
        match &before.manifest {
            Some(manifest) => manifest.write(&self.name)?,
            None => Manifest::remove(self.manager.scope, &self.name)?,
        }
        installer.reload()?;
        if !before.is_known {
            return Ok(());
        }
        match before.enabled {
            Some(true) => installer.enable(&self.name)?,
            Some(false) => installer.disable(&self.name)?,
            None => {}
        }
        let Some(service) = installer.service(&self.name)? else { return Ok(()) };
        let runs = !service.state()?.phase.is_over();
        installer.clear_failures(&self.name);
        match (before.runs, runs) {
            (true, false) => service.perform(Operation::Start, OPERATION_TIMEOUT),
            (true, true) if changes.iter().any(|change| change.kind != ChangeKind::Kept) => {
                self.start(Operation::Restart, &service)
            }
            (false, true) => service.perform(Operation::Stop, OPERATION_TIMEOUT),
            _ => Ok(()),
        }
    }
}

/// How long a service that was started is watched.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// What was there before an installation.
struct Before {
    manifest: Option<Manifest>,
    /// Whether the manager has a service of this name.
    is_known: bool,
    enabled: Option<bool>,
    runs: bool,
    since: Option<Duration>,
}

impl Before {
    fn look(installation: &Installation, installer: &dyn Installer) -> Result<Self, StepError> {
        let Installation { manager, name, .. } = installation;
        let state = installer.service(name)?.map(|service| service.state()).transpose()?;
        Ok(Self {
            manifest: Manifest::read(manager.scope, name)?,
            is_known: state.is_some(),
            enabled: state.as_ref().and_then(|state| state.enabled),
            runs: state.as_ref().is_some_and(|state| !state.phase.is_over()),
            since: state.and_then(|state| state.since),
        })
    }
}

fn with_last_lines(mut error: StepError, service: &ManagedService) -> StepError {
    let query = LogQuery { lines: Some(LAST_LINES), since: None, until: None, follow: false };
    let output = service.log_command(&query).and_then(|mut command| command.output().ok());
    if let Some(output) = output {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Without a line of its own, because the log may not be read, those of the manager's tool stay.
        if !text.is_empty() {
            error.output = text.lines().map(str::to_owned).collect();
        }
    }
    error
}
