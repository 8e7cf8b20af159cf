//! A program that is started when its first client connects (`--start-on-connect`), and again after it has ended with
//! success. The monitor holds the sockets meanwhile, and the client waits in their queue.
//!
//! For the machine the service waits for a restart that has no time.

use super::state::Life;
use crate::launch::machine::{Event, Phase, Request, State};
use crate::plan::LaunchStep;

impl Life<'_, '_> {
    /// Whether a client starts the program.
    pub(super) fn starts_on_demand(&self) -> bool {
        let listens = self.start.plan.launch_steps().any(|step| matches!(step, LaunchStep::Listen(_)));
        listens && self.start.spec.sockets.start_on_connect && self.acceptor.is_none()
    }

    /// Whether the service that has ended waits for its next client: it has ended by itself or was idle, and with success.
    pub(super) fn is_wanted_again(&self) -> bool {
        self.starts_on_demand()
            && !self.held.awaits_client
            && self.state.result.is_good()
            && (self.state.request != Request::Stop || self.idle.stops)
            && self.interrupted.is_none()
    }

    pub(super) fn wait_for_client(&mut self) {
        self.state = State { phase: Phase::AutoRestart, ..State::NEW };
        self.held.awaits_client = true;
        if self.idle.stops {
            self.limiter.forget();
        }
        self.idle.reset();
        self.deadline = None;
        if let Some(lock) = &self.lock
            && let Err(failure) = lock.record_monitor()
        {
            self.note(&failure.to_string());
        }
    }

    pub(super) fn client_came(&mut self) {
        self.held.awaits_client = false;
        self.events.push_back(Event::Restart);
    }
}
