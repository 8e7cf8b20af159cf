//! Which processes belong to a service.

use std::collections::BTreeSet;
use std::io;

use crate::sys::descendants;

/// The processes of a service, told by descent.
#[derive(Debug, Clone, Copy)]
pub struct ProcessTree {
    /// The main process.
    pub main: i32,
    /// The process that all of them descend from. Where it is not the main one it is a launcher that adopts orphans,
    /// and none of them itself.
    ///
    /// As process 1 of a pid namespace that is everybody whose parent has gone, also what was left behind by one who has
    /// joined from outside (setns(2)): they have no parent here, but their children may come to have process 1 for one.
    /// The kernel tells nothing by which those could be told apart from the service's own.
    pub root: i32,
}

impl ProcessTree {
    /// Whether a process is one of them.
    pub fn holds(self, pid: i32) -> bool {
        pid == self.main || (pid != self.root && descendants::descends(pid, self.root))
    }

    /// All of them, as they are now.
    pub fn members(self) -> io::Result<BTreeSet<i32>> {
        let mut members = descendants::descendants(self.root)?;
        if self.root != self.main {
            members.remove(&self.root);
        }
        Ok(members)
    }
}
