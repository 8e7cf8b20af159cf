//! The supervisors of other processes.

use super::ancestors::known;
use super::cgroup::{UnitRef, unit_of_path};
use super::facts::Ancestor;
use super::manager::Manager;
use super::probe::{ancestors, below_manager, process, visible};
use crate::sys::{process_info, procfs};

/// A process that starts a service, or several, and waits for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervisor {
    /// What it is a process of: s6, runit, daemontools, `OpenRC` or supervisord.
    pub manager: Manager,
    /// Its pid.
    pub pid: i32,
    /// Its arguments. Empty if they may not be read.
    pub command_line: Vec<String>,
}

impl Supervisor {
    /// `None` if it is another program.
    fn of(process: &Ancestor) -> Option<Self> {
        let manager = match known(process) {
            Some(Manager::Init) => return None,
            Some(manager) => manager,
            None if process.mentions("supervisord") => Manager::Supervisord,
            None => return None,
        };
        Some(Self { manager, pid: process.pid, command_line: process.command_line.clone() })
    }
}

/// The supervisor that has started a process, by itself or by a shell or a monitor of svcadapt between them.
pub fn supervisor_of(pid: i32) -> Option<Supervisor> {
    let (parent, above) = ancestors(visible(pid)?.ppid);
    Supervisor::of(above.last().or(parent.as_ref())?)
}

/// Every supervisor that this process can see.
pub fn supervisors() -> Vec<Supervisor> {
    let all = process_info::pids().into_iter().filter_map(visible).map(process);
    all.filter_map(|process| Supervisor::of(&process)).collect()
}

/// The unit of a process, by its place in systemd's hierarchy of control groups.
pub fn unit_of(pid: i32) -> Option<UnitRef> {
    unit_of_path(&below_manager(&procfs::cgroup(pid).ok()?)?)
}
