//! Descendants of a process.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::super::posix::unsupported;
use super::proc_info;

/// Whether [`become_subreaper`] is supported.
pub const HAS_SUBREAPER: bool = false;

/// macOS has no subreaper: launchd adopts all orphans.
pub fn become_subreaper() -> io::Result<()> {
    Err(unsupported("on this system only launchd adopts orphans"))
}

/// macOS cannot end a process together with its parent, so this does nothing.
pub fn die_with_parent(_parent: i32) -> io::Result<()> {
    Ok(())
}

/// All processes below `root` in the process tree, including `root`.
pub fn descendants(root: i32) -> io::Result<BTreeSet<i32>> {
    // A process that is gone is skipped.
    let parents: BTreeMap<i32, i32> = proc_info::processes()?
        .into_iter()
        .filter_map(|pid| Some((pid, proc_info::process(pid).ok()?.pbsi_ppid.cast_signed())))
        .collect();
    let mut family = BTreeSet::from([root]);
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, parent)| family.contains(parent) && !family.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return Ok(family);
        }
        family.extend(more);
    }
}

/// All processes of a session (setsid(2)). The kernel reports no session for a zombie.
pub fn session(number: i32) -> io::Result<Vec<i32>> {
    let member = |pid: &i32| super::super::process::session(*pid).is_ok_and(|session| session == number);
    Ok(proc_info::processes()?.into_iter().filter(member).collect())
}

/// All processes of a session, and all that started at this time or later, in the unit of
/// [`super::super::process::ProcessId`].
pub fn session_and_since(number: Option<i32>, start_time: u64) -> io::Result<(Vec<i32>, Vec<i32>)> {
    let younger =
        |pid: &i32| super::process_id::identity(*pid).is_ok_and(|found| found.start_time >= start_time);
    let members = number.map(session).transpose()?.unwrap_or_default();
    Ok((members, proc_info::processes()?.into_iter().filter(younger).collect()))
}

/// Whether `pid` is `root` or below it. Walks upwards, so the cost is the depth of the tree.
pub fn descends(pid: i32, root: i32) -> bool {
    let mut current = pid;
    // Bounded, because the tree may change during the walk.
    for _ in 0..64 {
        if current == root {
            return true;
        }
        match proc_info::process(current) {
            Ok(info) if info.pbsi_ppid > 0 => current = info.pbsi_ppid.cast_signed(),
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_descends_from_its_parent() {
        let (own, parent) = (nix::unistd::getpid().as_raw(), nix::unistd::getppid().as_raw());
        assert!(descends(own, parent));
        assert!(!descends(parent, own));
        assert!(descendants(parent).unwrap().contains(&own));
    }
}
