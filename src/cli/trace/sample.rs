//! One look at the descendants of this process, in /proc (proc(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The name of a process that is svcadapt's.
pub(super) const SVCADAPT: &str = "svcadapt";

/// A process, as a look finds it.
pub(super) struct Seen {
    pub(super) pid: u32,
    /// The name of its program.
    pub(super) program: String,
    pub(super) uid: u32,
    /// Where it listens: ports and paths.
    pub(super) listens: BTreeSet<String>,
}

/// Whether this system can be looked at.
pub(super) fn is_possible() -> bool {
    children(std::process::id()).is_some()
}

/// The effective user of this process.
pub(super) fn own_uid() -> u32 {
    uid(std::process::id()).unwrap_or_default()
}

/// All descendants of this process, parents first.
pub(super) fn descendants() -> Vec<Seen> {
    let mut pids = children(std::process::id()).unwrap_or_default();
    let mut at = 0;
    while let Some(&pid) = pids.get(at) {
        pids.extend(children(pid).unwrap_or_default());
        at += 1;
    }
    pids.into_iter().filter_map(look).collect()
}

fn children(pid: u32) -> Option<Vec<u32>> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    Some(list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

fn look(pid: u32) -> Option<Seen> {
    let file = |pid: u32| fs::metadata(format!("/proc/{pid}/exe")).ok().map(|file| (file.dev(), file.ino()));
    let own = file(pid).is_some_and(|program| Some(program) == file(std::process::id()));
    if own {
        // The sockets that a monitor holds are seen when the program has them; its own ones do not matter.
        return Some(Seen { pid, program: SVCADAPT.to_owned(), uid: uid(pid)?, listens: BTreeSet::new() });
    }
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned();
    Some(Seen { pid, program, uid: uid(pid)?, listens: listens(pid) })
}

fn uid(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The ports and paths of its listening sockets.
fn listens(pid: u32) -> BTreeSet<String> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let held: BTreeSet<String> = descriptors
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    if held.is_empty() {
        return BTreeSet::new();
    }
    let listening = listening(Path::new(&format!("/proc/{pid}/net")));
    held.iter().filter_map(|inode| listening.get(inode).cloned()).collect()
}

/// The listening sockets of a network namespace, by inode.
fn listening(net: &Path) -> BTreeMap<String, String> {
    let lines = |table: &str| fs::read_to_string(net.join(table)).unwrap_or_default();
    let mut found = BTreeMap::new();
    for table in ["tcp", "tcp6"].map(lines) {
        found.extend(table.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // The fourth field is the state; 0A is LISTEN.
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
            (*state == "0A").then(|| ((*inode).to_owned(), format!("port {port}")))
        }));
    }
    found.extend(lines("unix").lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The fourth field are the flags, of which 00010000 is SO_ACCEPTCON.
        let (flags, inode) = (fields.get(3)?, fields.get(6)?);
        let path = fields.get(7).copied().unwrap_or("a socket without a name");
        (*flags == "00010000").then(|| ((*inode).to_owned(), path.to_owned()))
    }));
    found
}
