//! The directory that runsvdir or s6-svscan scans: a link in it to a service directory starts its supervisor.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{error_text, pids, process_info};
use svcadapt_spec::ServiceName;

use super::find::{is_ours, supervised_in};
use super::settle::wait_until;
use super::{ManagedService, RunPhase};

/// How long a scanner may take to see a new link. runsvdir looks every five seconds (runsvdir(8)).
const SCAN_TIMEOUT: Duration = Duration::from_secs(15);

/// The file that keeps a supervisor from starting its service.
const DOWN: &str = "down";

/// What supervisors make in a service directory.
const MADE: [&str; 4] = ["supervise", "event", "log/supervise", "log/event"];

/// A manager with a scanned directory.
pub(crate) struct Scanner {
    /// The name of the scanning program.
    pub(crate) program: &'static str,
    /// Where the service directories are that are linked.
    pub(crate) directory: &'static str,
}

impl Scanner {
    /// The scanned directory. `None`: no scanner runs here.
    pub(crate) fn scanned(&self) -> Option<PathBuf> {
        let mut all = pids().into_iter().filter_map(process_info);
        let scanner = all.find(|one| one.comm == self.program && is_ours(one.pid))?;
        let cwd = fs::read_link(format!("/proc/{}/cwd", scanner.pid)).ok()?;
        let argument = scanner.command_line.iter().skip(1).find(|word| !word.starts_with('-'));
        // s6-svscan changes to the directory, which is its own then; runsvdir does too.
        let scanned = argument.map_or(cwd.clone(), |path| cwd.join(path));
        Some(if scanned.is_dir() { scanned } else { cwd })
    }

    /// Has a service supervised, and started at the next boot. `announce`: makes the scanner look at once.
    pub(crate) fn enable(
        &self,
        name: &ServiceName,
        announce: impl Fn(&Path) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let failed = |path: &Path, error: &io::Error| {
            StepError::new("enable", error_text(error)).of(path.display().to_string()).status(1)
        };
        let directory = Path::new(self.directory).join(name.as_str());
        let down = directory.join(DOWN);
        let scanned = self.scanned().ok_or_else(|| self.is_missing())?;
        let link = scanned.join(name.as_str());
        let is_there = link.symlink_metadata().is_ok();
        if is_there && fs::read_link(&link).ok().as_deref() != Some(&directory) {
            let cause = format!("another service is there, not a link to {}", directory.display());
            return Err(StepError::new("enable", cause).of(link.display().to_string()).status(1));
        }
        if !is_there {
            fs::write(&down, "").map_err(|error| failed(&down, &error))?;
            symlink(&directory, &link).map_err(|error| failed(&link, &error))?;
            announce(&scanned)?;
            let is_down = || {
                let service = self.service(name);
                service.is_some_and(|one| one.state().is_ok_and(|it| it.phase == RunPhase::Stopped))
            };
            if !wait_until(SCAN_TIMEOUT, is_down) {
                let cause = format!("{} has not begun to supervise it", self.program);
                return Err(StepError::new("enable", cause).of(link.display().to_string()).status(1));
            }
        }
        match fs::remove_file(&down) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&down, &error)),
            _ => Ok(()),
        }
    }

    /// Has a service no longer started at boot.
    pub(crate) fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        let down = Path::new(self.directory).join(name.as_str()).join(DOWN);
        fs::write(&down, "").map_err(|error| {
            StepError::new("disable", error_text(&error)).of(down.display().to_string()).status(1)
        })
    }

    /// Ends the supervisor of a service, and removes what it made. `end`: makes it end.
    pub(crate) fn forget(
        &self,
        name: &ServiceName,
        end: impl Fn(&Path, &Path) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let directory = Path::new(self.directory).join(name.as_str());
        if let Some(scanned) = self.scanned() {
            let link = scanned.join(name.as_str());
            if fs::read_link(&link).is_ok_and(|target| target == directory) {
                let _ = fs::remove_file(&link);
            }
            if self.service(name).is_some() {
                end(&scanned, &directory)?;
                if !wait_until(SCAN_TIMEOUT, || self.service(name).is_none()) {
                    let cause = "its supervisor has not ended";
                    return Err(StepError::new("uninstall", cause)
                        .of(directory.display().to_string())
                        .status(1));
                }
            }
        }
        let _ = fs::remove_file(directory.join(DOWN));
        for made in MADE {
            let made = directory.join(made);
            // A link, as to a logger that several services share, leads elsewhere.
            let is_own = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
            if !made.parent().is_some_and(is_own) {
                continue;
            }
            match fs::remove_dir_all(&made) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let failure = StepError::new("uninstall", error_text(&error));
                    return Err(failure.of(made.display().to_string()).status(1));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The service with this name in the directory of this manager.
    pub(crate) fn service(&self, name: &ServiceName) -> Option<ManagedService> {
        supervised_in(&Path::new(self.directory).join(name.as_str()))
    }

    fn is_missing(&self) -> StepError {
        StepError::new("enable", format!("{} does not run here", self.program)).status(1)
    }
}
