//! The processes of a service.

use std::collections::BTreeSet;
use std::io;

use super::NotifyAccess;
use crate::sys::descendants;

/// The processes of a service, identified by descent.
#[derive(Debug, Clone, Copy)]
pub struct ProcessTree {
    /// The main process.
    pub main: i32,
    /// The ancestor of all of them. If it is not the main process, it is a launcher that adopts orphans, and not part of the
    /// service.
    ///
    /// Process 1 of a pid namespace also adopts the orphans of a process that has joined the namespace from outside
    /// (setns(2)). The kernel has no means to distinguish those from the service's own.
    pub root: i32,
    /// The command of the service that runs beside it.
    pub control: Option<i32>,
}

impl ProcessTree {
    /// Whether a process belongs to the service.
    pub fn holds(self, pid: i32) -> bool {
        pid == self.main || (pid != self.root && descendants::descends(pid, self.root))
    }

    /// Whether what this process says counts (systemd.service(5), `NotifyAccess=`).
    pub(super) fn may_notify(self, pid: i32, access: NotifyAccess) -> bool {
        match access {
            NotifyAccess::None => false,
            NotifyAccess::Main => pid == self.main,
            NotifyAccess::Exec => pid == self.main || Some(pid) == self.control,
            NotifyAccess::All => self.holds(pid),
        }
    }

    /// The current processes of the service.
    pub fn members(self) -> io::Result<BTreeSet<i32>> {
        let mut members = descendants::descendants(self.root)?;
        if self.root != self.main {
            members.remove(&self.root);
        }
        Ok(members)
    }
}
