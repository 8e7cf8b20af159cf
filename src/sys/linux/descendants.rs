//! Descendants of a process.

use std::collections::BTreeSet;
use std::io;

use super::super::procfs::Stat;
use super::super::{process, process_info, procfs};
use super::clock;

/// Whether [`become_subreaper`] is supported.
pub const HAS_SUBREAPER: bool = true;

/// Makes this process the parent of orphaned descendants (PR_SET_CHILD_SUBREAPER, prctl(2)), so that none escapes
/// during the start.
pub fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Makes the kernel kill this process when its parent ends (PR_SET_PDEATHSIG, prctl(2)). A change of user and the exec
/// of a privileged program clear it; children do not inherit it.
pub fn die_with_parent(parent: i32) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    // The parent may have ended before the call.
    let ours = process::parent_pid() == parent;
    if ours { Ok(()) } else { Err(io::Error::other("the monitor has ended")) }
}

/// All visible processes.
fn all() -> io::Result<impl Iterator<Item = Stat>> {
    // Processes of another pid namespace must be excluded: what is found here may be killed.
    procfs::path(process::own_pid(), "stat")?;
    // A process that is gone is skipped.
    Ok(process_info::pids().into_iter().filter_map(|pid| procfs::stat(pid).ok()))
}

/// How often the list of processes is read at most, if a listed process was gone.
const MAX_PASSES: usize = 8;

/// Visits each process. One that forks and exits faster than the list is read may be missed, so the list is read again for
/// new processes while any process on it was gone.
fn visit_each(mut visit: impl FnMut(&Stat)) -> io::Result<()> {
    // Processes of another pid namespace must be excluded.
    procfs::path(process::own_pid(), "stat")?;
    let mut seen = BTreeSet::new();
    for _ in 0..MAX_PASSES {
        let mut gone = false;
        for pid in process_info::pids() {
            if seen.insert(pid) {
                match procfs::stat(pid) {
                    Ok(stat) => visit(&stat),
                    Err(_) => gone = true,
                }
            }
        }
        if !gone {
            break;
        }
    }
    Ok(())
}

/// All processes of a session (setsid(2)), including zombies.
pub fn session(number: i32) -> io::Result<Vec<i32>> {
    Ok(session_and_since(Some(number), u64::MAX)?.0)
}

/// All processes of a session, and all that started at this time or later, in the unit of
/// [`super::super::process::ProcessId`]: in one look at all processes.
pub fn session_and_since(session: Option<i32>, start_time: u64) -> io::Result<(Vec<i32>, Vec<i32>)> {
    let (mut members, mut younger) = (Vec::new(), Vec::new());
    visit_each(|stat| {
        if session == Some(stat.session) {
            members.push(stat.pid);
        }
        if clock::of_machine(stat.start_time).saturating_add(clock::grain()) >= start_time {
            younger.push(stat.pid);
        }
    })?;
    Ok((members, younger))
}

/// The children of this process, including those hidden in /proc (hidepid=). Empty if the kernel keeps no such list
/// (CONFIG_PROC_CHILDREN). The list is per thread; this process has a single one.
fn children() -> Vec<i32> {
    let list = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// All processes below `root` in the process tree, including `root`.
pub fn descendants(root: i32) -> io::Result<BTreeSet<i32>> {
    let parents: Vec<(i32, i32)> = all()?.map(|stat| (stat.pid, stat.ppid)).collect();
    let mut family = BTreeSet::from([root]);
    if root == nix::unistd::getpid().as_raw() {
        family.extend(children());
    }
    loop {
        let before = family.len();
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| family.contains(parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            return Ok(family);
        }
    }
}

/// Whether `pid` is `root` or below it. Walks upwards, so the cost is the depth of the tree.
pub fn descends(pid: i32, root: i32) -> bool {
    let mut current = pid;
    // Bounded, because the tree may change during the walk.
    for _ in 0..64 {
        if current == root {
            return true;
        }
        match procfs::stat(current) {
            Ok(stat) if stat.ppid > 0 => current = stat.ppid,
            _ => return false,
        }
    }
    false
}
