//! A PID file where somebody else can put another one.

use std::path::Path;

use super::{At, Unit};
use crate::lint::rules::directive::PID_RELATIVE;
use crate::lint::rules::rights::{PID_DIRECTORY, PID_FILE};
use crate::lint::{Findings, Severity};

/// Directories that belong to everybody.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let Some(at) = unit.last("PIDFile") else { return };
    if !at.value().starts_with(['/', '%', '"', '\'']) {
        let message = format!("this is /run/{}", at.value().escape_debug());
        let twice = at.value().starts_with("run/") || at.value().starts_with("var/");
        let severity = if twice { Severity::Warning } else { Severity::Note };
        return findings.as_bad(severity, &PID_RELATIVE, at.origin(), message);
    }
    let Some(path) = unit.path(&at, at.value()) else { return };
    let folder = path.parent().unwrap_or(Path::new("/"));
    if SHARED.iter().any(|shared| folder == Path::new(shared)) {
        return findings.add(&PID_FILE, at.origin(), format!("everybody can write {}", folder.display()));
    }
    // Only of a service that forks systemd reads there which process it is.
    if unit.last("Type").is_none_or(|at| at.value() != "forking") {
        return;
    }
    if written_by_user(unit, folder) {
        let message = format!("{} is root's, and the service runs as a user", folder.display());
        return findings.add(&PID_DIRECTORY, at.origin(), message);
    }
    // A service that never is root writes its own file, and systemd takes from it only one of its own processes.
    if unit.last("User").is_some() || unit.says("DynamicUser") || unit.may_be_absent(folder) {
        return;
    }
    if let Some(inode) = unit.machine.inode(folder).there()
        && (inode.uid != 0 || inode.writable_by_others())
    {
        let message = format!("{} belongs to user {}, mode {:04o}", folder.display(), inode.uid, inode.mode);
        findings.add(&PID_FILE, at.origin(), message);
    }
}

/// Whether a user has to write a file in a directory that is root's: nothing in the unit is done as root, and systemd
/// makes no directory there.
fn written_by_user(unit: &Unit, folder: &Path) -> bool {
    let root = |at: At| ["", "root", "0"].contains(&at.value());
    let user = unit.last("User").is_some_and(|at| !root(at)) || unit.says("DynamicUser");
    let full = unit.says("PermissionsStartOnly")
        || unit.lines().any(|at| at.key().starts_with("ExecStart") && at.value().starts_with(['+', '!']));
    let roots = [Path::new("/run"), Path::new("/var/run")].contains(&folder);
    user && !full && roots && !unit.may_be_absent(folder)
}
