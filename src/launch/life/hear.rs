//! What a program says after its start (sd_notify(3)).

use std::io;
use std::time::Instant;

use super::commands::Control;
use super::state::Life;
use crate::launch::machine::{Event, Phase};
use crate::readiness::{LifeSign, Probes, ProcessTree, SelfReport};
use crate::sys::process;

impl Life<'_, '_> {
    /// Reads the notifications of a program that was started.
    pub(super) fn hear(&mut self) -> io::Result<()> {
        let (Some(notifications), Some(main)) = (&mut self.notifications, &self.main) else { return Ok(()) };
        let tree = ProcessTree {
            main: main.pid,
            root: process::own_pid(),
            control: self.control.as_ref().map(Control::pid),
        };
        let signs = notifications.hear(tree, self.began.elapsed())?;
        if let Some(upward) = &mut self.upward {
            upward.tell_report(&notifications.notifications().report);
        }
        self.take_stored();
        self.note_excluded();
        for sign in signs {
            self.heard(sign);
        }
        Ok(())
    }

    /// One line in each start about a process whose messages do not count.
    pub(super) fn note_excluded(&mut self) {
        let starting = self.watch.as_mut().map(|watch| &mut watch.probes);
        let excluded = starting.or(self.notifications.as_mut()).and_then(Probes::take_excluded);
        if let Some(text) = excluded {
            self.note(&text);
        }
    }

    /// What it has said of itself.
    pub(super) fn report(&self) -> Option<&SelfReport> {
        let starting = self.watch.as_ref().map(|watch| &watch.probes);
        Some(&starting.or(self.notifications.as_ref())?.notifications().report)
    }

    pub(super) fn heard(&mut self, sign: LifeSign) {
        if let Some(upward) = &self.upward {
            upward.tell(sign, self.said.reloading || self.state.phase == Phase::Reload);
        }
        match sign {
            LifeSign::Ready => {
                self.said.reloading = false;
                if self.state.phase == Phase::Reload {
                    self.said_ready_again();
                }
            }
            LifeSign::Reloading(_) => self.said.reloading = true,
            LifeSign::Stopping => self.events.push_back(Event::Stopping),
            LifeSign::Watchdog => self.set_watchdog(),
            LifeSign::WatchdogTrigger => self.events.push_back(Event::Watchdog),
            LifeSign::WatchdogTime(time) => {
                self.said.watchdog = time;
                if let (Some(prober), Some(time)) = (&mut self.prober, time) {
                    prober.set_time(time);
                }
                self.set_watchdog();
            }
            LifeSign::Extended(at) => self.extend(at),
            LifeSign::MainPid(named) => self.take_main(named),
            LifeSign::RestartReset => self.state.restarts = 0,
        }
    }

    /// Tries the probe that feeds the watchdog in place of the program.
    pub(super) fn probe(&mut self) -> io::Result<()> {
        let (Some(prober), Some(main)) = (&mut self.prober, &self.main) else { return Ok(()) };
        if self.watchdog.is_none() {
            return Ok(());
        }
        let tree = ProcessTree { main: main.pid, root: process::own_pid(), control: None };
        if prober.look(tree)? {
            self.heard(LifeSign::Watchdog);
        }
        Ok(())
    }

    /// What is under way may take until then; a deadline is never moved forward.
    fn extend(&mut self, at: Instant) {
        let later = |deadline: Option<Instant>| deadline.map(|deadline| deadline.max(at));
        self.deadline = later(self.deadline);
        if self.state.phase == Phase::Running {
            self.runtime_end = later(self.runtime_end);
        }
    }
}
