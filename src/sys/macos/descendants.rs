//! Descendants.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::super::posix::unsupported;
use super::proc_info;

/// Whether [`become_subreaper`] can work.
pub const HAS_SUBREAPER: bool = false;

/// Makes orphaned descendants ours: launchd adopts them all, and nobody else can.
pub fn become_subreaper() -> io::Result<()> {
    Err(unsupported("on this system only launchd adopts orphans"))
}

/// Ends us when our parent ends: nobody can see to that here.
pub fn die_with_parent(_parent: i32) -> io::Result<()> {
    Ok(())
}

/// All processes below `root` in the tree of parents, itself among them, as they are now.
pub fn descendants(root: i32) -> io::Result<BTreeSet<i32>> {
    // One that is gone by now is nobody's child.
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

/// All processes of a session (setsid(2)), as they are now. The kernel tells no session of a zombie.
pub fn session(number: i32) -> io::Result<Vec<i32>> {
    let member = |pid: &i32| super::super::process::session(*pid).is_ok_and(|session| session == number);
    Ok(proc_info::processes()?.into_iter().filter(member).collect())
}

/// All processes that started then or later, in the unit of [`super::super::process::ProcessId`].
pub fn since(start_time: u64) -> io::Result<Vec<i32>> {
    let younger =
        |pid: &i32| super::process_id::identity(*pid).is_ok_and(|found| found.start_time >= start_time);
    Ok(proc_info::processes()?.into_iter().filter(younger).collect())
}

/// Whether `pid` is `root` or below it. Walks upwards, so it costs only as much as the tree is deep.
pub fn descends(pid: i32, root: i32) -> bool {
    let mut current = pid;
    // A tree that changes while we climb cannot keep us for ever.
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
    fn we_are_below_our_parent() {
        let (own, parent) = (nix::unistd::getpid().as_raw(), nix::unistd::getppid().as_raw());
        assert!(descends(own, parent));
        assert!(!descends(parent, own));
        assert!(descendants(parent).unwrap().contains(&own));
    }
}
