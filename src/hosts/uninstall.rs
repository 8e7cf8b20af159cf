//! Removes what was installed of a service.

use std::fs;
use std::path::{Path, PathBuf};

use svcadapt::control::ServiceRef;
use svcadapt::{StepError, control};
use svcadapt_spec::{Scope, ServiceName};

use super::files::{current, failed};
use super::manifest::{self, Manifest};
use super::operation::OPERATION_TIMEOUT;
use super::service_manager::Installer;
use super::{Host, Operation};

/// Stops a service that svcadapt has installed, and removes what it has installed of it, in whatever state that is. Files that
/// were changed since stay, unless `force`; they are returned.
///
/// # Errors
///
/// It was not installed by svcadapt, it cannot be stopped, or a file cannot be removed.
pub fn uninstall(scope: Scope, name: &ServiceName, force: bool) -> Result<Vec<PathBuf>, StepError> {
    let missing = || {
        StepError::new("uninstall", "it was not installed by svcadapt")
            .of(name.to_string())
            .hint("the manager that has it removes it; `svcadapt status` names it")
            .status(NOT_INSTALLED)
    };
    // Looked at first, because the lock makes a directory.
    Manifest::read(scope, name)?.ok_or_else(missing)?.manager.checked()?;
    let mut lock = manifest::lock(scope, name)?;
    let manifest = Manifest::read(scope, name)?.ok_or_else(missing)?;
    lock.takes(&manifest.directories);
    let going = Manifest { is_partial: true, ..manifest };
    going.write(name)?;
    remove_all(going.manager.installer().as_ref(), scope, name, force)
}

/// Exit status: the program is not installed (LSB).
const NOT_INSTALLED: u8 = 5;

/// Removes what the list of installed files has.
pub(crate) fn remove_all(
    installer: &dyn Installer,
    scope: Scope,
    name: &ServiceName,
    force: bool,
) -> Result<Vec<PathBuf>, StepError> {
    let Some(manifest) = Manifest::read(scope, name)? else { return Ok(Vec::new()) };
    if let Some(service) = installer.service(name)? {
        // The sockets of a unit that does not run may listen.
        if service.host() == Host::Systemd || !service.state()?.phase.is_over() {
            service.perform(Operation::Stop, OPERATION_TIMEOUT)?;
        }
    }
    // A half installed service is not enabled, and the tool of a manager may be gone by now.
    let _ = installer.disable(name);
    let forgotten = installer.forget(name);
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
    Manifest::remove(scope, name)?;
    installer.reload().and(forgotten)?;
    Ok(kept)
}
