//! What is wrong with a file before it is read: its mode, its owner, a mark.

use std::path::Path;

use svcadapt_spec::Origin;

use super::rules::file::{EXECUTABLE, OWNER, QUARANTINE, WRITABLE};
use super::{Findings, Kind, Machine};

/// A unit file. In a checkout its group may well write it; where systemd looks, not.
pub(super) fn unit(path: &Path, machine: &dyn Machine, findings: &mut Findings) {
    let Some(inode) = machine.inode(path).there().filter(|inode| inode.kind == Kind::File) else { return };
    let installed = path.components().any(|part| part.as_os_str() == "systemd");
    if inode.mode & 0o002 != 0 || installed && inode.writable_by_others() {
        findings.add(
            &WRITABLE,
            whole(path),
            format!("others can write this unit: its mode is {:04o}", inode.mode),
        );
    }
    if inode.mode & 0o111 != 0 {
        let message = format!("a unit is no program, and its mode is {:04o}", inode.mode);
        findings.add(&EXECUTABLE, whole(path), message);
    }
}

/// A property list. launchd takes none that its group can write, wherever it lies (launchctl(1)).
pub(super) fn property_list(path: &Path, machine: &dyn Machine, findings: &mut Findings) {
    let inode = machine.inode(path).there().filter(|inode| inode.kind == Kind::File);
    if let Some(inode) = inode {
        if inode.mode & 0o022 != 0 {
            let message =
                format!("launchd refuses a file that others can write: its mode is {:04o}", inode.mode);
            findings.add(&WRITABLE, whole(path), message);
        }
        let folder = path.parent().and_then(Path::file_name);
        if inode.uid != 0 && folder.is_some_and(|name| name == "LaunchDaemons") {
            findings.add(&OWNER, whole(path), format!("the file belongs to user {}, not to root", inode.uid));
        }
    }
    if machine.quarantined(path) {
        findings.add(&QUARANTINE, whole(path), "the file has the attribute com.apple.quarantine");
    }
}

/// The file as a whole.
pub(super) fn whole(path: &Path) -> Origin {
    Origin::in_file(path, None)
}
