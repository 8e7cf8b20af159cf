//! Another main process: a program that replaces itself starts a new one, which writes its pid into the pid file, and ends;
//! or it names it (`MAINPID=`, sd_notify(3)).
//!
//! systemd reads `PIDFile=` again when the main process has ended, and goes on with the process that it names, if that
//! belongs to the service (systemd.service(5)). So does the monitor.

use std::io;

use super::commands::Control;
use super::state::Life;
use crate::launch::forward::MainProcess;
use crate::launch::machine::Phase;
use crate::readiness::NamedProcess;
use crate::registry::pid_file;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{descendants, process};

impl Life<'_, '_> {
    /// Whether another process may become the main one: while the service runs.
    pub(super) fn takes_successors(&self) -> bool {
        matches!(self.state.phase, Phase::StartPost | Phase::Running | Phase::Reload)
    }

    /// Goes on with the process that the pid file names now. `false` if it names none of the service.
    pub(super) fn follow_successor(&mut self) -> bool {
        let Ok(Some((main, held))) = self.successor() else { return false };
        self.follow(main, held);
        self.note(&format!("process {main}, which the pid file names, is its main process now"));
        true
    }

    /// Goes on with the process that the program names, if it is one of the service.
    pub(super) fn take_main(&mut self, named: NamedProcess) {
        if self.takes_successors()
            && let Ok(Some((main, held))) = self.member(named)
        {
            self.follow(main, held);
            // The small image watches a child only; another one becomes a child when its parent ends.
            self.shrinks = true;
        }
    }

    fn follow(&mut self, main: i32, held: ProcessHandle) {
        if let Some(lock) = &self.lock
            && let Err(failure) = lock.record_main(main, &held)
        {
            self.note(&failure.to_string());
        }
        self.last_main = Some(main);
        // The pid of a child is not reused before it is reaped here.
        let is_child = process::is_child(main);
        self.main = Some(MainProcess { pid: main, held: (!is_child).then_some(held) });
    }

    /// The process of the service that its pid file names.
    fn successor(&self) -> io::Result<Option<(i32, ProcessHandle)>> {
        let Some(path) = &self.start.spec.pid_file else { return Ok(None) };
        let Some(named) = pid_file::read(path.as_path())? else { return Ok(None) };
        self.member(NamedProcess { pid: named, id: None })
    }

    /// A living process of the service that is not the main one, by its pid. Any program may name it, so the number proves
    /// nothing else.
    fn member(&self, named: NamedProcess) -> io::Result<Option<(i32, ProcessHandle)>> {
        let NamedProcess { pid: named, id } = named;
        let own = process::own_pid();
        let control = self.control.as_ref().map(Control::pid);
        if named == own || Some(named) == self.last_main || Some(named) == control {
            return Ok(None);
        }
        let Some(held) = ProcessHandle::open(named)? else { return Ok(None) };
        if id.is_some() && held.id() != id {
            return Ok(None);
        }
        // Orphans of the service are children of this process, so all of it descends from here.
        let belongs = descendants::descends(named, own) && !held.has_ended()?;
        Ok(belongs.then_some((named, held)))
    }
}
