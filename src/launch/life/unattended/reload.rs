//! The reload of a service with which no process stays.

use std::io;

use svcadapt_spec::{Probe, ServiceType};

use super::{RunningLife, commands_need_one_thread};
use crate::error::StepError;
use crate::launch::machine::{Event, Phase};
use crate::launch::policy::probes_again;
use crate::launch::reload::ReadyAgain;
use crate::readiness::ProcessTree;

/// Why a reload has failed.
#[derive(Debug)]
pub enum ReloadFailure {
    /// A step of it: a command, or the preparation of the probes.
    Step(StepError),
    /// The program was not ready again in time: what is missing.
    NotReady(String),
    /// The program has ended meanwhile, or there is nothing that reloads it.
    Ended,
}

impl RunningLife<'_> {
    pub(super) fn reload_result(&mut self) -> Result<(), ReloadFailure> {
        if self.reloaded {
            return Ok(());
        }
        let tree = self.tree();
        Err(match (self.failure.take(), &self.again) {
            (Some(failure), _) => ReloadFailure::Step(failure),
            (None, Some(again)) if again.was_tried() && self.main_ended.is_none() => {
                ReloadFailure::NotReady(again.missing(Some(tree)))
            }
            (None, _) => ReloadFailure::Ended,
        })
    }

    pub(super) fn begin_reload(&mut self) {
        let has_children =
            probes_again(self.start.spec).any(|probe| matches!(probe, Probe::Exec(_) | Probe::Http(_)));
        let threads = has_children.then(|| commands_need_one_thread("ready")).flatten();
        match threads.map_or_else(|| ReadyAgain::of(self.start), Err) {
            Ok(again) => self.again = again,
            Err(failure) => {
                self.failure.get_or_insert(failure);
                self.over = true;
            }
        }
    }

    pub(super) fn send_reload(&mut self) -> io::Result<()> {
        let Some(number) = self.kill.reload else { return Ok(()) };
        if !self.service.main.send(number)? {
            self.over = true;
        }
        if let Some(again) = &mut self.again {
            again.signalled(number);
            // No process hears what the program says.
            again.notified();
        } else if self.policy.kind == ServiceType::NotifyReload {
            self.events.push_back(Event::Ready);
        }
        Ok(())
    }

    pub(super) fn look_at_reload(&mut self) -> io::Result<()> {
        let tree = self.tree();
        if let Some(again) = &mut self.again
            && self.control.is_none()
            && self.main_ended.is_none()
            && self.state.phase == Phase::Reload
        {
            again.reap()?;
            if again.look(tree)? {
                self.events.push_back(Event::Ready);
            }
        }
        Ok(())
    }

    fn tree(&self) -> ProcessTree {
        let main = self.service.record.pid;
        ProcessTree { main, root: main, control: None }
    }
}
