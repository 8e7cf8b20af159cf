//! Starts the program: the first time as it was planned, then anew.

use std::io;

use super::commands;
use super::state::{Life, Over, Waiter};
use crate::error::StepError;
use crate::launch::forward::MainProcess;
use crate::launch::machine::Event;
use crate::launch::start::StartResources;
use crate::launch::watch;
use crate::launch::watch::{ProcessRelation, Watch};
use crate::plan::{LaunchStep, Plan};
use crate::setup::Report;
use crate::sys::process;
use crate::sys::process::{Ended, Side};
use crate::sys::process_handle::ProcessHandle;

impl Life<'_, '_> {
    /// The variables of the program.
    pub(super) fn program_variables(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("INVOCATION_ID", self.invocation.clone())];
        if self.held.store.max() > 0 {
            // systemd.exec(5), "$FDSTORE".
            all.push(("FDSTORE", self.held.store.max().to_string()));
        }
        // The program gets its pid in place of this one's.
        all.extend(self.times.watchdog.into_iter().flat_map(|time| {
            [("WATCHDOG_USEC", time.as_micros().to_string()), ("WATCHDOG_PID", self.start.pid().to_string())]
        }));
        all
    }

    /// Starts the program: as it was planned for the first time, then anew, because accounts and environment files may
    /// have changed.
    pub(super) fn run_main(&mut self, at: usize) {
        if self.acceptor.is_some() {
            return self.events.push_back(Event::MainEnded(Ended::Exited(0)));
        }
        let other = commands::changes_identity(commands::main_privileges(self.start.spec, at));
        let first = self.starts == 0 && matches!(self.waiter, Waiter::Manager) && at == 0 && !other;
        self.starts = self.starts.saturating_add(1);
        let started =
            if first || !self.start.plan.has_exec() { self.launch_in_place() } else { self.launch_anew(at) };
        if let Err(failure) = started {
            let status = failure.status;
            self.fail(failure);
            self.events.push_back(Event::MainEnded(Ended::Exited(status)));
        }
    }

    pub(super) fn launch_in_place(&mut self) -> Result<(), StepError> {
        let mut resources = self.start.prepare_with(&self.program_variables())?;
        self.give_held(self.start, &mut resources)?;
        let forking = self.start.forking()?;
        match process::fork().map_err(LaunchStep::Fork.io_error())? {
            Side::Child => {
                std::mem::forget(resources.socket.take());
                resources.service.use_launcher_lock(self.lock.take());
                resources.service.report(&Report::Started(process::own_pid()));
                self.over = Some(Over::Service(Box::new(resources.service)));
            }
            Side::Parent(main) => self.watch_start(main, resources, forking),
        }
        Ok(())
    }

    pub(super) fn launch_anew(&mut self, at: usize) -> Result<(), StepError> {
        let spec = commands::main_spec(self.start.spec, at);
        let mut resolved = self.start.resolve_again(&spec)?;
        let privileges = commands::main_privileges(self.start.spec, at);
        let mut variables = commands::kept(self.start, &mut resolved, privileges)?;
        variables.extend(self.program_variables());
        resolved.caller.stored = self.held.store.kept().len();
        let plan = Plan::new(&spec, &resolved, &self.start.plan.detection);
        let start = self.start.again(&spec, &plan, &resolved);
        let mut resources = start.prepare_with(&variables)?;
        self.give_held(&start, &mut resources)?;
        let forking = start.forking()?;
        match process::fork().map_err(LaunchStep::Fork.io_error())? {
            Side::Child => {
                std::mem::forget(resources.socket.take());
                // The lock's borrows outlive this start.
                resources.service.use_launcher_lock(self.lock.take());
                resources.service.report(&Report::Started(process::own_pid()));
                process::exit_now(resources.service.become_program(&plan).status)
            }
            Side::Parent(main) => self.watch_start(main, resources, forking),
        }
        Ok(())
    }

    pub(super) fn watch_start(
        &mut self,
        main: i32,
        resources: StartResources<'_>,
        forking: Option<watch::Forking>,
    ) {
        let StartResources { probes, reports, service, socket, channel: _ } = resources;
        drop(service);
        let mut watch =
            Watch::new(probes, reports, ProcessRelation::Parent(self.signals), process::own_pid());
        watch.main = Some(main);
        watch.program_reports_ready = !self.start.plan.has_exec();
        watch.timeout = self.times.start;
        watch.forking = forking;
        self.watch = Some(watch);
        self.socket = socket;
        self.has_children = true;
        self.last_main = Some(main);
        self.main = Some(MainProcess::child(main));
        // The watch has the timeout, which the program can extend.
        self.deadline = None;
    }

    /// Records the program once it runs; a forking program's main process is recorded when it is found.
    pub(super) fn record_child(&mut self) -> io::Result<()> {
        let Some(main) = self.main.as_ref().filter(|_| !self.start.is_forking()) else { return Ok(()) };
        // A program may begin a session of its own before it is ready.
        let session = process::session(main.pid).ok();
        let recorded = self.watch.as_mut().and_then(|watch| std::mem::replace(&mut watch.recorded, session));
        if recorded.is_some() && recorded == session {
            return Ok(());
        }
        if let Some(lock) = &self.lock
            && let Some(held) = ProcessHandle::open(main.pid)?
            && let Err(failure) = lock.record_main(main.pid, &held)
        {
            self.note(&failure.to_string());
        }
        Ok(())
    }
}
