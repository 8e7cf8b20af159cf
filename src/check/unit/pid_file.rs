//! A PID file where somebody else can put another one.

use std::path::Path;

use crate::check::Findings;
use crate::check::rules::rights::PID_FILE;

use super::Unit;

/// Directories that belong to everybody.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let Some(at) = unit.last("PIDFile") else { return };
    let Some(path) = unit.path(&at, at.value()) else { return };
    let folder = path.parent().unwrap_or(Path::new("/"));
    if SHARED.iter().any(|shared| folder == Path::new(shared)) {
        return findings.add(&PID_FILE, at.origin(), format!("everybody can write {}", folder.display()));
    }
    // Only of a service that forks systemd reads there which process it is.
    if unit.last("Type").is_none_or(|at| at.value() != "forking") {
        return;
    }
    // A service that never is root writes its own file, and systemd takes from it only one of its own processes.
    if unit.last("User").is_some() || unit.says("DynamicUser") || unit.excused(folder) {
        return;
    }
    if let Some(inode) = unit.machine.inode(folder).there()
        && (inode.uid != 0 || inode.writable_by_others())
    {
        let message = format!("{} belongs to user {}, mode {:04o}", folder.display(), inode.uid, inode.mode);
        findings.add(&PID_FILE, at.origin(), message);
    }
}
