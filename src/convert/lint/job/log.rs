//! Whether the job's user can open the logs. launchd opens them as that user, with the job's umask, before the program
//! starts (launchd.plist(5)).

use std::path::Path;

use svcadapt_spec::Scope;

use super::view::JobView;
use crate::lint::rules::job::{LOG, LOG_DIRECTORY};
use crate::lint::{FileKind, Findings, Lookup, MachineUser};

/// Directories that exist on every Mac. If one is missing, a path below it is not one of this machine.
const MAC_DIRECTORIES: [&str; 4] = ["/Library", "/Users", "/opt/homebrew", "/usr/local/var"];

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    let Some(user) = user(view) else { return };
    for key in ["StandardOutPath", "StandardErrorPath"] {
        let Some((node, text)) = view.node(key).and_then(|node| Some((node, node.text()?))) else { continue };
        let path = Path::new(text);
        let elsewhere = !view.machine.has_launchd()
            && MAC_DIRECTORIES
                .iter()
                .any(|top| path.starts_with(top) && view.machine.inode(Path::new(top)).is_missing());
        if !path.is_absolute() || elsewhere || view.node("RootDirectory").is_some() {
            continue;
        }
        match open(view, path, &user) {
            Opens::Yes | Opens::Unknown => {}
            Opens::No(what) => {
                let message = format!("{key}: the job's user cannot {what}");
                findings.add(&LOG, view.origin(node), message);
            }
            Opens::CreatesDirectory(folder) => {
                let message = format!("{key}: directory '{}' does not exist", folder.display());
                findings.add(&LOG_DIRECTORY, view.origin(node), message);
            }
        }
    }
}

/// The user who opens the logs. `None` if not known, as for an agent.
fn user(view: &JobView) -> Option<MachineUser> {
    match (view.scope, view.text("UserName")) {
        (Scope::User, _) => None,
        (Scope::System, Some(name)) => view.machine.user(name).found(),
        (Scope::System, None) => Some(MachineUser { uid: 0, groups: vec![0] }),
    }
}

/// Whether a log can be opened.
enum Opens<'a> {
    Yes,
    No(String),
    /// The directory is missing, but the user may create it.
    CreatesDirectory(&'a Path),
    Unknown,
}

fn open<'a>(view: &JobView, path: &'a Path, user: &MachineUser) -> Opens<'a> {
    // The user needs search permission on every directory of the path.
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    for (number, folder) in above.iter().enumerate() {
        match view.machine.inode(folder) {
            Lookup::Unknown => return Opens::Unknown,
            Lookup::Found(inode) if inode.kind != FileKind::Directory => {
                return Opens::No(format!("search '{}', which is not a directory", folder.display()));
            }
            Lookup::Found(inode) if !inode.searchable(user) => {
                return Opens::No(format!("search '{}', whose mode is {:04o}", folder.display(), inode.mode));
            }
            Lookup::Found(_) => {}
            Lookup::Missing => {
                let last = number.checked_sub(1).and_then(|last| view.machine.inode(above[last]).found());
                return match last {
                    Some(inode) if inode.writable(user) => {
                        Opens::CreatesDirectory(path.parent().unwrap_or(folder))
                    }
                    Some(_) => Opens::No(format!("create '{}', which does not exist", folder.display())),
                    None => Opens::Unknown,
                };
            }
        }
    }
    let writes = |path: &Path| view.machine.inode(path).found().map(|inode| (inode, inode.writable(user)));
    match (view.machine.inode(path), above.last().copied().and_then(writes)) {
        (Lookup::Found(inode), _) if inode.kind == FileKind::Directory => {
            Opens::No(format!("write '{}', which is a directory", path.display()))
        }
        (Lookup::Found(inode), _) if inode.writable(user) => Opens::Yes,
        (Lookup::Found(inode), _) => {
            Opens::No(format!("write '{}', whose mode is {:04o}", path.display(), inode.mode))
        }
        (Lookup::Missing, Some((_, true))) => Opens::Yes,
        (Lookup::Missing, Some((inode, false))) => Opens::No(format!(
            "create '{}': its directory is owned by user {}, mode {:04o}",
            path.display(),
            inode.uid,
            inode.mode
        )),
        (Lookup::Missing, None) | (Lookup::Unknown, _) => Opens::Unknown,
    }
}
