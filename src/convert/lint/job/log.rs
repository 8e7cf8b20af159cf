//! Whether the job's user could open the logs: launchd does that as the user, under the job's umask, before the
//! program starts (launchd.plist(5)).

use std::path::Path;

use svcadapt_spec::Scope;

use super::View;
use crate::lint::rules::job::{LOG, LOG_DIRECTORY};
use crate::lint::{Account, Findings, Kind, Lookup};

/// The first directory of every Mac's own files; where it is not, the paths are not those of this machine.
const OF_A_MAC: [&str; 4] = ["/Library", "/Users", "/opt/homebrew", "/usr/local/var"];

pub(super) fn find(view: &View, findings: &mut Findings) {
    let Some(user) = user(view) else { return };
    for key in ["StandardOutPath", "StandardErrorPath"] {
        let Some((node, text)) = view.node(key).and_then(|node| Some((node, node.text()?))) else { continue };
        let path = Path::new(text);
        let elsewhere = !view.machine.has_launchd()
            && OF_A_MAC
                .iter()
                .any(|top| path.starts_with(top) && view.machine.inode(Path::new(top)).missing());
        if !path.is_absolute() || elsewhere || view.node("RootDirectory").is_some() {
            continue;
        }
        match open(view, path, &user) {
            Opens::Yes | Opens::Unknown => {}
            Opens::No(what) => {
                let message = format!("{key}: the job's user cannot {what}");
                findings.add(&LOG, view.origin(node), message);
            }
            Opens::Makes(folder) => {
                let message = format!("{key}: there is no directory '{}'", folder.display());
                findings.add(&LOG_DIRECTORY, view.origin(node), message);
            }
        }
    }
}

/// Who opens the logs; of an agent that is not known.
fn user(view: &View) -> Option<Account> {
    match (view.scope, view.text("UserName")) {
        (Scope::User, _) => None,
        (Scope::System, Some(name)) => view.machine.user(name).there(),
        (Scope::System, None) => Some(Account { uid: 0, groups: vec![0] }),
    }
}

/// What comes of opening a log.
enum Opens<'a> {
    Yes,
    No(String),
    /// The directory is missing, and the user may make it.
    Makes(&'a Path),
    Unknown,
}

fn open<'a>(view: &View, path: &'a Path, user: &Account) -> Opens<'a> {
    // Every directory on the way has to let the user through.
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    for (number, folder) in above.iter().enumerate() {
        match view.machine.inode(folder) {
            Lookup::Unknown => return Opens::Unknown,
            Lookup::Found(inode) if inode.kind != Kind::Directory => {
                return Opens::No(format!("go through '{}', which is no directory", folder.display()));
            }
            Lookup::Found(inode) if !inode.searchable(user) => {
                return Opens::No(format!(
                    "go through '{}', whose mode is {:04o}",
                    folder.display(),
                    inode.mode
                ));
            }
            Lookup::Found(_) => {}
            Lookup::Missing => {
                let last = number.checked_sub(1).and_then(|last| view.machine.inode(above[last]).there());
                return match last {
                    Some(inode) if inode.writable(user) => Opens::Makes(path.parent().unwrap_or(folder)),
                    Some(_) => Opens::No(format!("make '{}', which is not there", folder.display())),
                    None => Opens::Unknown,
                };
            }
        }
    }
    let writes = |path: &Path| view.machine.inode(path).there().map(|inode| (inode, inode.writable(user)));
    match (view.machine.inode(path), above.last().copied().and_then(writes)) {
        (Lookup::Found(inode), _) if inode.kind == Kind::Directory => {
            Opens::No(format!("write '{}', a directory", path.display()))
        }
        (Lookup::Found(inode), _) if inode.writable(user) => Opens::Yes,
        (Lookup::Found(inode), _) => {
            Opens::No(format!("write '{}', whose mode is {:04o}", path.display(), inode.mode))
        }
        (Lookup::Missing, Some((_, true))) => Opens::Yes,
        (Lookup::Missing, Some((inode, false))) => Opens::No(format!(
            "make '{}': its directory belongs to user {}, mode {:04o}",
            path.display(),
            inode.uid,
            inode.mode
        )),
        (Lookup::Missing, None) | (Lookup::Unknown, _) => Opens::Unknown,
    }
}
