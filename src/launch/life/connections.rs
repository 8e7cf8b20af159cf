//! Accepts the connections of a service, and starts a process for each.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use svcadapt_spec::{KillMode, ServiceSpec, ServiceType};

use super::acceptor::{Acceptor, ClientSource, Connection};
use super::commands::Control;
use super::state::Life;
use super::{commands, held};
use crate::error::StepError;
use crate::launch::machine::Phase;
use crate::plan::{LaunchStep, Plan, SetupStep, Step};
use crate::setup::LauncherLock;
use crate::sys::accept::{Peer, accept};
use crate::sys::process::Side;
use crate::sys::{error_text, fd, process};

/// So many are accepted before anything else is looked at.
const MAX_AT_ONCE: usize = 32;

/// The pause after a connection that could not be accepted (no descriptors, no memory).
const RETRY: Duration = Duration::from_secs(1);

impl Life<'_, '_> {
    /// The sockets on which connections are awaited now.
    pub(super) fn awaited(&self) -> Vec<BorrowedFd<'_>> {
        if self.held.awaits_client {
            return self.held.listening().iter().map(AsFd::as_fd).collect();
        }
        let waits = |acceptor: &Acceptor| acceptor.pause().is_none_or(|left| left.is_zero());
        if self.state.phase == Phase::Exited && self.acceptor.as_ref().is_some_and(waits) {
            return self.held.listening().iter().map(AsFd::as_fd).collect();
        }
        Vec::new()
    }

    /// Starts a process for each connection that has come.
    pub(super) fn accept(&mut self) -> io::Result<()> {
        let sockets = self.awaited();
        if sockets.is_empty() {
            return Ok(());
        }
        let came = fd::wait(&sockets, &[], Some(Duration::ZERO))?;
        if self.held.awaits_client {
            if came.contains(&true) {
                self.client_came();
            }
            return Ok(());
        }
        let came: Vec<usize> = (0..came.len()).filter(|&at| came[at]).collect();
        for at in came {
            for _ in 0..MAX_AT_ONCE {
                match self.held.listening().get(at).map(accept) {
                    Some(Ok(Some((connection, peer)))) => self.connected(&connection, &peer),
                    Some(Ok(None)) | None => break,
                    Some(Err(error)) => {
                        self.note(&format!("no connection is accepted: {}", error_text(&error)));
                        if let Some(acceptor) = &mut self.acceptor {
                            acceptor.paused = Instant::now().checked_add(RETRY);
                        }
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn connected(&mut self, connection: &OwnedFd, peer: &Peer) {
        let source = ClientSource::of(peer);
        let Some(acceptor) = &mut self.acceptor else { return };
        acceptor.paused = None;
        // The connection is closed, as with systemd.
        if let Some(why) = acceptor.refusal(source) {
            return self.note(&format!("a connection is refused: {why}"));
        }
        match self.serve(connection, peer) {
            Ok((pid, reports)) => {
                self.starts = self.starts.saturating_add(1);
                self.has_children = true;
                if let Some(acceptor) = &mut self.acceptor {
                    acceptor.running.push(Connection { pid, source, reports });
                }
            }
            Err(failure) => self.note(&failure.to_string()),
        }
    }

    /// Starts the process of a connection. Returns its pid, and the pipe with its reports.
    fn serve(&mut self, connection: &OwnedFd, peer: &Peer) -> Result<(i32, OwnedFd), StepError> {
        let spec = of_connection(self.start.spec);
        let mut resolved = self.start.resolve_again(&spec)?;
        let privileges = commands::main_privileges(self.start.spec, 0);
        let mut variables = commands::kept(self.start, &mut resolved, privileges)?;
        variables.push(("INVOCATION_ID", commands::new_invocation()));
        if let Peer::Internet(address, port) = peer {
            variables.push(("REMOTE_ADDR", address.to_string()));
            variables.push(("REMOTE_PORT", port.to_string()));
        }
        let mut plan = Plan::new(&spec, &resolved, &self.start.plan.detection);
        if spec.kill.mode == Some(KillMode::Process) {
            // It survives a stop.
            plan.steps.retain(|step| *step != Step::Service(SetupStep::EndWithMonitor));
        }
        let start = self.start.again(&spec, &plan, &resolved);
        let mut resources = start.prepare_with(&variables)?;
        let aside = held::aside(connection, plan.program_descriptors());
        let aside = aside.map_err(LaunchStep::Fork.io_error())?;
        resources.service.hold(vec![(aside, spec.socket_name())]);
        match process::fork().map_err(LaunchStep::Fork.io_error())? {
            Side::Child => {
                // The lock's borrows outlive this start.
                let mut lock = self.lock.take();
                lock.iter_mut().for_each(LauncherLock::leave_record);
                resources.service.use_launcher_lock(lock);
                process::exit_now(resources.service.become_program(&plan).status)
            }
            Side::Parent(pid) => Ok((pid, resources.reports)),
        }
    }

    /// A child has ended. Whether it was the process of a connection.
    pub(super) fn connection_ended(&mut self, pid: i32) -> bool {
        let Some(acceptor) = &mut self.acceptor else { return false };
        let Some(at) = acceptor.running.iter().position(|one| one.pid == pid) else { return false };
        let ended = acceptor.running.swap_remove(at);
        if let Some(failure) = Control::reported(&ended.reports).0 {
            self.note(&failure.to_string());
        }
        true
    }
}

/// The spec of the process of a connection: it has one socket, the connection.
fn of_connection(spec: &ServiceSpec) -> ServiceSpec {
    let mut own = commands::main_spec(spec, 0);
    own.sockets.listen.truncate(1);
    own.service_type = Some(ServiceType::Simple);
    own.ready.clear();
    own.watchdog = None;
    own.descriptor_store_max = None;
    own.pid_file = None;
    own
}
