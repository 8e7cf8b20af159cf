//! The mode, owner and quarantine mark of a file.

use std::path::Path;

use svcadapt_spec::Origin;

use super::rules::file::{EXECUTABLE, OWNER, QUARANTINE, WRITABLE};
use super::{FileKind, Findings, Machine};

/// Checks a unit file. Group write permission is reported only in a directory that systemd reads: in a checkout it is
/// common.
pub(super) fn unit(path: &Path, machine: &dyn Machine, findings: &mut Findings) {
    let Some(inode) = machine.inode(path).found().filter(|inode| inode.kind == FileKind::File) else {
        return;
    };
    let installed = path.components().any(|part| part.as_os_str() == "systemd");
    if inode.mode & 0o002 != 0 || installed && inode.writable_by_others() {
        findings.add(
            &WRITABLE,
            whole(path),
            format!("unit is writable by other users: its mode is {:04o}", inode.mode),
        );
    }
    if inode.mode & 0o111 != 0 {
        let message = format!("unit is executable: its mode is {:04o}", inode.mode);
        findings.add(&EXECUTABLE, whole(path), message);
    }
}

/// Checks a property list. launchd refuses one that its group can write, in any directory (launchctl(1)).
pub(super) fn property_list(path: &Path, machine: &dyn Machine, findings: &mut Findings) {
    let inode = machine.inode(path).found().filter(|inode| inode.kind == FileKind::File);
    if let Some(inode) = inode {
        if inode.mode & 0o022 != 0 {
            let message = format!(
                "launchd refuses a file that is writable by other users: its mode is {:04o}",
                inode.mode
            );
            findings.add(&WRITABLE, whole(path), message);
        }
        let folder = path.parent().and_then(Path::file_name);
        if inode.uid != 0 && folder.is_some_and(|name| name == "LaunchDaemons") {
            findings.add(&OWNER, whole(path), format!("file is owned by user {}, not by root", inode.uid));
        }
    }
    if machine.quarantined(path) {
        findings.add(&QUARANTINE, whole(path), "file has the attribute com.apple.quarantine");
    }
}

/// The origin of a finding about the whole file.
pub(super) fn whole(path: &Path) -> Origin {
    Origin::in_file(path, None)
}
