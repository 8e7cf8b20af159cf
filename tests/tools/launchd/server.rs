//! The main loop: orders, ended processes, demand and timers, one after the other.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, chdir, setgroups};
use serde_json::json;

use super::control::{Order, Reply};
use super::domain::{Domain, Domains};
use super::job::Job;
use super::keep_alive::Death;
use super::log::Log;
use super::service::{Known, Service};
use super::{control, file};

/// The statuses of launchctl(1): no such process, cannot be loaded, it is ending, the one before it is ending, no such domain,
/// no such service, not possible in this domain.
const NO_PROCESS: i32 = 3;
const CANNOT_LOAD: i32 = 5;
const ENDING: i32 = 36;
const ENDS_ALREADY: i32 = 37;
const NO_DOMAIN: i32 = 112;
const NO_SERVICE: i32 = 113;
const NOT_IN_DOMAIN: i32 = 125;

/// All jobs, and the event sources.
#[derive(Debug)]
pub(crate) struct Server {
    /// By the name of a job in its domain.
    services: BTreeMap<String, Service>,
    domains: Domains,
    control: UnixListener,
    children: SignalFd,
    log: Log,
    second: Duration,
}

impl Server {
    /// Starts to listen for orders.
    pub(crate) fn start(control: &Path, log: Log, second: Duration) -> io::Result<Self> {
        // Jobs inherit from launchd the root directory, and no supplementary groups.
        chdir("/")?;
        setgroups(&[])?;
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        let children = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let (services, domains) = (BTreeMap::new(), Domains::default());
        Ok(Self { services, domains, control: control::listen(control)?, children, log, second })
    }

    /// Runs until end of file on standard input.
    pub(crate) fn run(mut self) -> io::Result<()> {
        loop {
            let turn = self.wait()?;
            if turn.over {
                return Ok(());
            }
            self.reap()?;
            for label in turn.demanded {
                if let Some(service) = self.services.get_mut(&label) {
                    service.start(&self.log, self.second);
                }
            }
            if turn.order {
                self.obey();
            }
            for service in self.services.values_mut() {
                service.tick(&self.log, self.second);
            }
        }
    }

    /// Waits for the next event.
    fn wait(&self) -> io::Result<Turn> {
        let stdin = io::stdin();
        let mut wanted: Vec<PollFd> = [stdin.as_fd(), self.children.as_fd(), self.control.as_fd()]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .into();
        let mut labels = Vec::new();
        for (label, service) in &self.services {
            for socket in service.demand() {
                wanted.push(PollFd::new(socket.as_fd(), PollFlags::POLLIN));
                labels.push(label);
            }
        }
        let due = self.services.values().filter_map(Service::due).min();
        let timeout = due.map_or(PollTimeout::NONE, |due| {
            // Rounded up, because a timeout of 0 would not wait for the rest.
            let left = due.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut wanted, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = wanted.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let _ = self.children.read_signal();
        let demanded = labels.into_iter().zip(&ready[3..]).filter(|(_, ready)| **ready);
        Ok(Turn {
            over: ready[0],
            order: ready[2],
            demanded: demanded.map(|(label, _)| label.clone()).collect(),
        })
    }

    /// Reaps ended processes: those of jobs, and as process 1 all orphans.
    fn reap(&mut self) -> io::Result<()> {
        loop {
            // Look first and reap later: until then the pid cannot be reused.
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
            let (pid, death) = match waitid(Id::All, flags | WaitPidFlag::WNOWAIT) {
                Ok(WaitStatus::Exited(pid, status)) => (pid, Death::Exit(status)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, Death::Signal(signal as i32)),
                Ok(_) | Err(Errno::ECHILD) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let label = self.label_of(pid.as_raw());
            if let Some(service) = label.as_ref().and_then(|label| self.services.get(label)) {
                service.sweep();
            }
            waitid(Id::Pid(pid), flags)?;
            match label.and_then(|label| Some((self.services.get_mut(&label)?, label))) {
                Some((service, label)) => {
                    if service.ended(death, &self.log, self.second) == Known::NoMore {
                        self.services.remove(&label);
                    }
                }
                None => self.log.say("orphan", "", &json!({ "pid": pid.as_raw() })),
            }
        }
    }

    /// Accepts one order and answers it.
    fn obey(&mut self) {
        // Ignore clients that send no order, or do not read the answer.
        let Ok((stream, order)) = control::receive(&self.control) else { return };
        let reply = match order {
            Ok(order) => self.carry_out(order),
            Err(why) => Reply::refused(Errno::EINVAL as i32, why),
        };
        let _ = control::answer(&stream, &reply);
    }

    fn carry_out(&mut self, order: Order) -> Reply<'_> {
        match order {
            Order::Bootstrap(domain, _) if !self.domains.exists(domain) => {
                Reply::refused(NOT_IN_DOMAIN, "Domain does not support specified action")
            }
            Order::Bootstrap(domain, path) => match self.load(domain, &path) {
                Ok(label) => Reply::done(label),
                Err((status, why)) => Reply::refused(status, why),
            },
            Order::PrintDomain(domain) if self.domains.exists(domain) => Reply::done("it is there"),
            Order::PrintDomain(_) => Reply::refused(NO_DOMAIN, "Could not find domain"),
            Order::PrintDisabled(domain) => Reply::done(self.domains.print_disabled(domain)),
            Order::Override { label, is_disabled } => {
                self.domains.disable(label, is_disabled);
                Reply::done("")
            }
            Order::Login(uid) => {
                self.domains.login(uid);
                Reply::done("")
            }
            Order::Activate { name, pid } => {
                // launchd manages only the process that it started, not the process's children (launch(3)).
                let label = self.label_of(pid);
                let service = label.and_then(|label| self.services.get_mut(&label));
                match service.map_or(Err(Errno::ESRCH), |service| service.activate(&name)) {
                    Ok(sockets) => Reply::sockets(sockets),
                    Err(error) => Reply::refused(error as i32, error.desc()),
                }
            }
            Order::Bootout(label) => match self.services.get_mut(&label) {
                Some(service) if service.is_ending() => Reply::refused(ENDING, "Operation now in progress"),
                Some(service) => {
                    if service.remove(&self.log, self.second) == Known::NoMore {
                        self.services.remove(&label);
                    }
                    Reply::done("")
                }
                None => Reply::refused(NO_PROCESS, "no such process"),
            },
            Order::Kickstart { label, .. } if self.services.get(&label).is_some_and(Service::is_ending) => {
                Reply::refused(ENDS_ALREADY, "Operation already in progress")
            }
            Order::Kickstart { label, kill } => self.with(&label, |service, log, second| {
                if kill {
                    service.restart(log, second);
                } else {
                    service.start(log, second);
                }
                String::new()
            }),
            Order::Kill(signal, label) => match self.services.get(&label) {
                Some(service) if service.pid().is_some() => {
                    service.signal(signal, &self.log);
                    Reply::done("")
                }
                Some(_) => Reply::refused(NO_PROCESS, "no such process"),
                None => Reply::refused(NO_SERVICE, "no such service"),
            },
            Order::Print(label) => self.with(&label, |service, _, _| service.describe()),
        }
    }

    fn with(
        &mut self,
        label: &str,
        act: impl FnOnce(&mut Service, &Log, Duration) -> String,
    ) -> Reply<'static> {
        match self.services.get_mut(label) {
            Some(service) => Reply::done(act(service, &self.log, self.second)),
            None => Reply::refused(NO_SERVICE, "no such service"),
        }
    }

    fn load(&mut self, domain: Domain, path: &Path) -> Result<String, (i32, String)> {
        let mut ignored = Vec::new();
        let unfit = |why| (CANNOT_LOAD, why);
        let found = file::read(path, domain.uid()).map_err(unfit)?;
        let mut job = Job::read(found, &mut ignored).map_err(unfit)?;
        domain.adopt(&mut job).map_err(unfit)?;
        let label = job.label.clone();
        let key = domain.key(&label);
        if self.services.get(&key).is_some_and(Service::is_ending) {
            return Err((ENDS_ALREADY, "Operation already in progress".to_owned()));
        }
        // Users report 5 for a disabled label, too.
        if self.domains.is_disabled(&key) {
            return Err((CANNOT_LOAD, "Input/output error".to_owned()));
        }
        for (key, why) in ignored {
            self.log.say("ignored", &label, &json!({ "key": key, "why": why }));
        }
        if self.services.contains_key(&key) {
            return Err((CANNOT_LOAD, format!("{label} is loaded already")));
        }
        let service = Service::load(job, &self.log, self.second);
        self.services.insert(key, service);
        Ok(label)
    }

    fn label_of(&self, pid: i32) -> Option<String> {
        let pid = Some(Pid::from_raw(pid));
        self.services.iter().find(|(_, service)| service.pid() == pid).map(|(label, _)| label.clone())
    }
}

/// The events of one wait.
struct Turn {
    over: bool,
    order: bool,
    demanded: Vec<String>,
}
