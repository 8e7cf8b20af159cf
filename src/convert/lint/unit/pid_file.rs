//! PID files that another user can replace, or that the service's user cannot write.

use std::path::Path;

use super::{UnitLine, UnitView};
use crate::lint::rules::directive::PID_RELATIVE;
use crate::lint::rules::rights::{PID_DIRECTORY, PID_FILE};
use crate::lint::{Findings, Severity};

/// World-writable directories.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let Some(at) = unit.last("PIDFile") else { return };
    if !at.value().starts_with(['/', '%', '"', '\'']) {
        let message = format!("systemd reads /run/{}", at.value().escape_debug());
        let is_wrong = at.value().starts_with("run/") || at.value().starts_with("var/");
        let severity = if is_wrong { Severity::Warning } else { Severity::Note };
        return findings.add_with_severity(severity, &PID_RELATIVE, at.origin(), message);
    }
    let Some(path) = unit.path(&at, at.value()) else { return };
    let folder = path.parent().unwrap_or(Path::new("/"));
    if SHARED.iter().any(|shared| folder == Path::new(shared)) {
        return findings.add(&PID_FILE, at.origin(), format!("every user can write {}", folder.display()));
    }
    // systemd reads the main process from the file only for Type=forking.
    if unit.last("Type").is_none_or(|at| at.value() != "forking") {
        return;
    }
    if written_by_user(unit, folder) {
        let message = format!("{} belongs to root, but the service runs as another user", folder.display());
        return findings.add(&PID_DIRECTORY, at.origin(), message);
    }
    // A service that is never root writes its own file, and systemd accepts from it only a process of the service.
    if unit.last("User").is_some() || unit.is_on("DynamicUser") || unit.may_be_absent(folder) {
        return;
    }
    if let Some(inode) = unit.machine.inode(folder).found()
        && (inode.uid != 0 || inode.writable_by_others())
    {
        let message = format!("{} is owned by user {}, mode {:04o}", folder.display(), inode.uid, inode.mode);
        findings.add(&PID_FILE, at.origin(), message);
    }
}

/// Whether an unprivileged user has to write a file in a directory of root: no command of the unit runs as root, and
/// systemd creates no directory there.
fn written_by_user(unit: &UnitView, folder: &Path) -> bool {
    let root = |at: UnitLine| ["", "root", "0"].contains(&at.value());
    let user = unit.last("User").is_some_and(|at| !root(at)) || unit.is_on("DynamicUser");
    let has_root_command = unit.is_on("PermissionsStartOnly")
        || unit.lines().any(|at| at.key().starts_with("ExecStart") && at.value().starts_with(['+', '!']));
    let is_run = [Path::new("/run"), Path::new("/var/run")].contains(&folder);
    user && !has_root_command && is_run && !unit.may_be_absent(folder)
}
