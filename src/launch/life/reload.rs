//! A reload: it is announced to the manager, and its end awaited.

use std::io;

use svcadapt_spec::Probe;

use super::notifies_itself;
use super::requests::Wait;
use super::state::Life;
use super::upward::Upward;
use crate::error::StepError;
use crate::launch::machine::{Event, Phase};
use crate::launch::reload::ReadyAgain;
use crate::notify::Notifier;
use crate::plan::Strategy;
use crate::readiness::ProcessTree;
use crate::sys::{escape_control, process};

/// A reload that is under way.
#[derive(Default)]
pub(super) struct Reload {
    /// The probes that must hold again.
    again: Option<ReadyAgain>,
    /// The manager to which it was announced.
    announced: Option<Notifier>,
    /// Why it could not begin.
    failure: Option<StepError>,
}

impl Life<'_, '_> {
    pub(super) fn begin_reload(&mut self) {
        let announced =
            self.announces_reloads().then(|| Upward::manager(&self.start.resolved.inherited)).flatten();
        if let Some(manager) = &announced {
            // Best effort: without it the manager sees no reload.
            let _ = manager.reloading();
        }
        let mut reload = Reload { announced, ..Reload::default() };
        match ReadyAgain::of(self.start) {
            Ok(again) => reload.again = again,
            Err(failure) => {
                reload.failure = Some(failure);
                // Its end would not be known.
                self.events.push_back(Event::Timeout);
            }
        }
        self.reload = Some(reload);
    }

    /// Whether this process announces reloads in place of the program, to the manager that has started it.
    fn announces_reloads(&self) -> bool {
        let has_manager = matches!(self.start.plan.strategy, Strategy::Monitor | Strategy::Init);
        let spec = self.start.spec;
        has_manager
            && spec.notification_fd.is_none()
            && !spec.ready.contains(&Probe::Notify)
            && !notifies_itself(self.start)
    }

    pub(super) fn reload_signalled(&mut self, number: i32) {
        if let Some(again) = self.ready_again() {
            again.signalled(number);
        }
    }

    /// The program has sent `READY=1`, during a reload.
    pub(super) fn said_ready_again(&mut self) {
        match self.ready_again() {
            Some(again) => again.notified(),
            None => self.events.push_back(Event::Ready),
        }
    }

    pub(super) fn ready_again(&mut self) -> Option<&mut ReadyAgain> {
        self.reload.as_mut()?.again.as_mut()
    }

    /// Looks whether it is ready again, once the commands have ended.
    pub(super) fn look_at_reload(&mut self) -> io::Result<()> {
        let Some(tree) = self.tree_of_reload() else { return Ok(()) };
        if let Some(again) = self.ready_again()
            && again.look(tree)?
        {
            self.events.push_back(Event::Ready);
        }
        Ok(())
    }

    /// The processes in which the probes look. `None` while a command runs, or without a main process.
    fn tree_of_reload(&self) -> Option<ProcessTree> {
        let main = self.main.as_ref().filter(|_| self.control.is_none())?;
        Some(ProcessTree { main: main.pid, root: process::own_pid(), control: None })
    }

    /// What ends a reload that is under way, for [`Life::wait`].
    pub(super) fn awaits_ready_again(&self) -> Option<&ReadyAgain> {
        self.tree_of_reload().and(self.reload.as_ref()?.again.as_ref())
    }

    /// It has ended. The service goes on unless it is stopped.
    pub(super) fn end_reload(&mut self, done: bool) {
        let tree = self.tree_of_reload();
        let reload = self.reload.take().unwrap_or_default();
        let goes_on = matches!(self.state.phase, Phase::Running | Phase::Exited);
        if let Some(manager) = &reload.announced
            && goes_on
        {
            let _ = manager.ready();
        }
        let answer = match (reload.failure, reload.again) {
            _ if done => "ok".to_owned(),
            (Some(failure), _) => format!("step {}", escape_control(&failure.to_string())),
            (None, Some(again)) if goes_on && again.was_tried() => {
                format!("unready {}", escape_control(&again.missing(tree)))
            }
            (None, _) => "failed".to_owned(),
        };
        self.answer(Wait::Reload, &answer);
    }
}
