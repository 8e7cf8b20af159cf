//! Opens what the service holds over its starts, and gives it to each of them.

use svcadapt_spec::{Preserve, SocketMoment};

use super::state::Life;
use crate::error::StepError;
use crate::launch::start::{Start, StartResources};
use crate::plan::LaunchStep;
use crate::readiness::StoreRequest;
use crate::registry::Starting;
use crate::setup;
use crate::sys::fd;

impl Life<'_, '_> {
    /// Opens the sockets of the service, with the commands before and after that. If that fails, the commands of a stop
    /// follow, as with systemd.
    pub(super) fn open_sockets(&mut self) -> Result<(), StepError> {
        let listens = self.start.plan.launch_steps().any(|step| matches!(step, LaunchStep::Listen(_)));
        if !listens {
            return Ok(());
        }
        // Until the control socket answers, the mark tells that it is not ready.
        let lock =
            self.start.resolved.lock.as_deref().filter(|_| !self.start.spec.sockets.commands.is_empty());
        let _starting = lock.and_then(|lock| Starting::mark(lock).ok());
        self.run_socket_commands(SocketMoment::StartPre)?;
        let opened = self.open_each().and_then(|()| self.run_socket_commands(SocketMoment::StartPost));
        if opened.is_err() {
            self.run_stop_commands(SocketMoment::StopPre);
            self.held.sockets.clear();
            self.run_stop_commands(SocketMoment::StopPost);
        }
        opened
    }

    fn open_each(&mut self) -> Result<(), StepError> {
        let (spec, resolved, plan) = (self.start.spec, self.start.resolved, self.start.plan);
        for step in plan.launch_steps() {
            if let LaunchStep::Listen(socket) = step {
                let (made, waiter) = (&mut self.created, &self.waiter);
                let opened = setup::open_socket(socket, spec, resolved, &mut |one| waiter.note(made, one))?;
                let aside = fd::move_off(opened, plan.program_descriptors()).map_err(step.io_error())?;
                if self.acceptor.is_some() {
                    fd::nonblocking(&aside, true).map_err(step.io_error())?;
                }
                self.held.sockets.push(aside);
            }
        }
        Ok(())
    }

    /// Gives the program of a start what this process holds for it.
    pub(super) fn give_held(
        &self,
        start: &Start<'_>,
        resources: &mut StartResources<'_>,
    ) -> Result<(), StepError> {
        let reserved = start.plan.program_descriptors();
        let held = self.held.duplicates(&self.start.spec.socket_name(), reserved);
        resources.service.hold(held.map_err(LaunchStep::Fork.io_error())?);
        if let Some(pipe) = &self.log_pipe {
            resources.service.log_to(pipe.end().map_err(LaunchStep::Fork.io_error())?);
        }
        Ok(())
    }

    /// Closes the sockets of a service that has ended for good, and removes their files if that is asked for.
    pub(super) fn close_sockets(&mut self) {
        if self.held.sockets.is_empty() {
            return;
        }
        self.run_stop_commands(SocketMoment::StopPre);
        let held: Vec<_> =
            self.held.sockets.iter().map(|held| fd::identity(held).unwrap_or_default()).collect();
        self.held.sockets.clear();
        setup::remove_sockets(self.start.spec, &self.start.resolved.account, &held);
        self.run_stop_commands(SocketMoment::StopPost);
    }

    /// A failure does not keep the sockets open.
    fn run_stop_commands(&mut self, moment: SocketMoment) {
        if let Err(failure) = self.run_socket_commands(moment) {
            self.note(&failure.to_string());
        }
    }

    /// Stores what the program asks for.
    pub(super) fn store(&mut self, requests: Vec<StoreRequest>) {
        if let Some(lost) = self.held.store(requests) {
            self.note(&lost);
        }
    }

    /// Drops what is not kept over this stop (systemd.service(5), `FileDescriptorStorePreserve=`). Where the service does not
    /// start again, this process ends, and with it the store.
    pub(super) fn tidy_store(&mut self, restarts: bool) {
        match self.start.spec.descriptor_store_preserve.unwrap_or(Preserve::Restart) {
            Preserve::Yes => {}
            Preserve::Restart if restarts => {}
            Preserve::Restart | Preserve::No => self.held.store.clear(),
        }
    }
}
