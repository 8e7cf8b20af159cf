//! Readiness probes, one file each.
//!
//! [`Probes`] watches all probes of a spec. Some are events (a datagram, a newline, a new name, the end of a command); the
//! others are polled, at intervals that grow with the cost of a look. No probe connects to the service, which would see a
//! silent client: the kernel reports who listens.

#![forbid(unsafe_code)]

mod bus;
mod bus_message;
mod command;
mod http;
mod listener;
mod log;
mod message;
mod names;
mod newline;
mod notify;
mod outside;
mod pace;
mod pattern;
mod process_tree;
mod self_report;
mod spawned;
mod watchdog;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

pub use bus::Bus;
use bus::BusName;
use command::ChildProbe;
pub use command::RunAs;
use listener::Look;
pub use log::LogPlace;
use log::LogProbe;
use names::Names;
use newline::Newline;
use notify::{Excluded, NotifyListener};
pub use notify::{LifeSign, NamedProcess, Notifications, StoreRequest};
pub use outside::{Probed, Schedule, probe};
use pace::{MAX_PAUSE, Pace};
pub use process_tree::ProcessTree;
pub use self_report::{NotifyAccess, ProgramErrors, SelfReport};
pub use spawned::ReadySocket;
use svcadapt_spec::Probe;
pub use watchdog::{ProbeSource, WatchdogProbe};

use crate::sys::cpu_time;
use crate::sys::listeners::Tables;
use crate::sys::process::Ended;
use crate::sys::socket::NotifySocket;

/// The probes of a service.
#[derive(Debug)]
pub struct Probes {
    pending: Vec<WatchedProbe>,
    identity: RunAs,
    notifications: Notifications,
    tables: Tables,
    pace: Pace,
    names: Names,
}

#[derive(Debug)]
struct WatchedProbe {
    probe: Probe,
    watch: Watcher,
    met: bool,
    /// Whether it is only heard, and readiness does not wait for it.
    only_heard: bool,
}

#[derive(Debug)]
enum Watcher {
    Notify(NotifyListener),
    Newline(Newline),
    Command(ChildProbe),
    /// A request, as soon as a process of the service listens.
    Get(ChildProbe),
    /// The time that the program must have run.
    Alive(Duration),
    Log(LogProbe),
    /// `None`: there is no bus, and nothing is waited for.
    Bus(Option<BusName>),
    /// Polled from outside.
    Look,
}

/// The inputs of the probes.
#[derive(Debug)]
pub struct ProbeInputs {
    /// The socket that receives the program's notifications.
    pub socket: Option<NotifySocket>,
    /// The read ends of the pipes of `fd` probes, each with the descriptor that the program writes to.
    pub pipes: Vec<(i32, OwnedFd)>,
    /// The user that the commands of `exec` probes run as.
    pub identity: RunAs,
    /// The environment of those commands.
    pub environment: Vec<CString>,
    /// The files that the output goes to, for `log` probes.
    pub logs: Vec<LogPlace>,
    /// A connection for each `dbus` probe. One without is met: where no bus is, its name cannot be waited for.
    pub buses: Vec<Bus>,
}

impl Probes {
    /// Starts to watch these probes.
    pub fn new(probes: &[Probe], mut inputs: ProbeInputs) -> Self {
        let watch = |probe: &Probe| match probe {
            Probe::Notify => inputs.socket.take().map(|socket| Watcher::Notify(NotifyListener::new(socket))),
            Probe::Fd(number) => {
                let at = inputs.pipes.iter().position(|(known, _)| known == number);
                at.map(|at| Watcher::Newline(Newline::new(inputs.pipes.swap_remove(at).1)))
            }
            Probe::Exec(command) => Some(Watcher::Command(ChildProbe::shell(
                command,
                inputs.identity.clone(),
                inputs.environment.clone(),
            ))),
            Probe::Http(url) => url
                .socket_address()
                .map(|address| Watcher::Get(ChildProbe::get(address, url.clone(), inputs.identity.clone()))),
            Probe::Alive(time) => Some(Watcher::Alive(time.finite().unwrap_or(Duration::MAX))),
            Probe::Log(pattern) => LogProbe::new(pattern, &inputs.logs, &inputs.identity).map(Watcher::Log),
            Probe::Dbus(name) => Some(Watcher::Bus(inputs.buses.pop().map(|bus| BusName::new(name, bus)))),
            Probe::Tcp(..) | Probe::Unix(_) | Probe::File(_) => Some(Watcher::Look),
        };
        let watches: Vec<_> = probes.iter().map(watch).collect();
        let pending = probes.iter().cloned().zip(watches).filter_map(|(probe, watch)| {
            // Every probe has its input: the plan provides it.
            Some(WatchedProbe { probe, watch: watch?, met: false, only_heard: false })
        });
        let mut pending: Vec<_> = pending.collect();
        // A socket of the program without a probe.
        pending.extend(inputs.socket.take().map(|socket| WatchedProbe {
            probe: Probe::Notify,
            watch: Watcher::Notify(NotifyListener::new(socket)),
            met: true,
            only_heard: true,
        }));
        Self {
            pending,
            identity: inputs.identity,
            notifications: Notifications::default(),
            tables: Tables::default(),
            pace: Pace::default(),
            names: Names::default(),
        }
    }

    /// Without probes; what arrives on this socket is heard.
    pub fn of_socket(socket: Option<NotifySocket>) -> Self {
        let inputs = ProbeInputs {
            socket,
            pipes: Vec::new(),
            identity: RunAs::Own,
            environment: Vec::new(),
            logs: Vec::new(),
            buses: Vec::new(),
        };
        Self::new(&[], inputs)
    }

    /// The same; the service has a descriptor store if `yes`.
    #[must_use]
    pub fn with_store(mut self, yes: bool) -> Self {
        for pending in &mut self.pending {
            if let Watcher::Notify(listener) = &mut pending.watch {
                listener.stores = yes;
            }
        }
        self
    }

    /// The same; of the processes of the service only these are heard, until the program says otherwise.
    #[must_use]
    pub fn with_access(mut self, access: NotifyAccess) -> Self {
        self.notifications.report.access = access;
        self
    }

    /// Says once which process of the service is not heard.
    pub fn take_excluded(&mut self) -> Option<String> {
        let Excluded::New(pid) = self.notifications.excluded else { return None };
        self.notifications.excluded = Excluded::Reported;
        let access = self.notifications.report.access.name();
        Some(format!("the notifications of its process {pid} are ignored (NotifyAccess={access})"))
    }

    /// Takes what the program has asked of the descriptor store.
    pub fn take_store_requests(&mut self) -> Vec<StoreRequest> {
        std::mem::take(&mut self.notifications.stored)
    }

    /// Whether there is no probe.
    pub fn is_empty(&self) -> bool {
        self.pending.iter().all(|pending| pending.only_heard)
    }

    /// The descriptors that become readable on an event of a probe.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let all = self.pending.iter().flat_map(|pending| pending.watch.descriptors());
        all.chain(self.names.descriptor()).collect()
    }

    /// Checks every probe that has not succeeded yet.
    pub fn look(&mut self, tree: ProcessTree, elapsed: Duration) -> io::Result<()> {
        let is_paced =
            |pending: &WatchedProbe| !pending.met && matches!(pending.watch, Watcher::Get(_) | Watcher::Look);
        let is_paced = self.pending.iter().any(is_paced);
        let look = if is_paced { self.pace.begin(elapsed, cpu_time::of_thread()) } else { Look::Whole };
        self.await_names(elapsed);
        for pending in &mut self.pending {
            let now = match &mut pending.watch {
                Watcher::Notify(listener) => listener.look(tree, elapsed, &mut self.notifications)?,
                _ if pending.met => continue,
                Watcher::Newline(newline) => newline.look()?,
                Watcher::Command(child) => child.look(elapsed)?,
                Watcher::Get(child) => {
                    let (probe, identity) = (&pending.probe, &self.identity);
                    let asks = child.is_due(elapsed)
                        && listener::look(probe, look, tree, identity, &mut self.tables)?;
                    asks && child.look(elapsed)?
                }
                Watcher::Log(log) => log.look()?,
                Watcher::Alive(time) => elapsed >= *time,
                Watcher::Bus(bus) => bus.as_mut().map_or(Ok(true), |bus| bus.look(tree))?,
                Watcher::Look => {
                    listener::look(&pending.probe, look, tree, &self.identity, &mut self.tables)?
                }
            };
            pending.met |= now;
        }
        if is_paced && look == Look::Whole {
            self.pace.end_whole(elapsed, cpu_time::of_thread());
        }
        Ok(())
    }

    /// Has names announced by which a probe may succeed.
    fn await_names(&mut self, elapsed: Duration) {
        let missing = self.pending.iter().filter(|pending| !pending.met);
        let mut paths = missing.filter_map(|pending| pending.path()).peekable();
        if paths.peek().is_none() {
            self.names = Names::default();
            return;
        }
        let directories = paths.map(|path| path.parent().unwrap_or(path));
        self.names.before_look(directories, elapsed, self.pace.pause(elapsed));
    }

    /// The number of the socket that hears the program's notifications.
    pub fn socket_number(&self) -> Option<i32> {
        let mut heard = self.pending.iter().filter_map(|pending| match &pending.watch {
            Watcher::Notify(listener) => Some(listener.descriptor().as_raw_fd()),
            _ => None,
        });
        heard.next()
    }

    /// Reads the notifications of a program whose probes have succeeded, and takes what they say about its life.
    pub fn hear(&mut self, tree: ProcessTree, elapsed: Duration) -> io::Result<Vec<LifeSign>> {
        for pending in &mut self.pending {
            if let Watcher::Notify(listener) = &mut pending.watch {
                listener.look(tree, elapsed, &mut self.notifications)?;
            }
        }
        Ok(std::mem::take(&mut self.notifications.life))
    }

    /// Goes on with what an earlier image of this process has heard.
    pub fn resume(&mut self, report: SelfReport) {
        self.notifications.report = report;
    }

    /// Handles the end of a child, which may be a probe's command.
    pub fn child_ended(&mut self, pid: i32, ended: Ended, elapsed: Duration) {
        for pending in &mut self.pending {
            if let Watcher::Command(child) | Watcher::Get(child) = &mut pending.watch {
                pending.met |= child.child_ended(pid, ended, elapsed);
            }
        }
    }

    /// The children of the probes that run.
    pub fn children(&self) -> Vec<i32> {
        let children = self.pending.iter().filter_map(|pending| match &pending.watch {
            Watcher::Command(child) | Watcher::Get(child) => child.pid(),
            Watcher::Notify(_)
            | Watcher::Newline(_)
            | Watcher::Alive(_)
            | Watcher::Log(_)
            | Watcher::Bus(_)
            | Watcher::Look => None,
        });
        children.collect()
    }

    /// Kills the children of the probes.
    pub fn kill(&self) {
        for pending in &self.pending {
            if let Watcher::Command(child) | Watcher::Get(child) = &pending.watch {
                child.kill();
            }
        }
    }

    /// Whether all probes have succeeded.
    pub fn all_met(&self) -> bool {
        self.pending.iter().all(|pending| pending.met)
    }

    /// The time until the next poll. `None` if all missing probes are events.
    pub fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let looks = self.pace.pause(elapsed);
        let pauses =
            self.pending.iter().filter(|pending| !pending.met).filter_map(|pending| match &pending.watch {
                Watcher::Notify(_) | Watcher::Newline(_) | Watcher::Bus(_) => None,
                Watcher::Log(log) => log.pause(),
                Watcher::Get(child) if child.is_due(elapsed) => Some(looks),
                Watcher::Command(child) | Watcher::Get(child) => child.pause(elapsed),
                Watcher::Alive(time) => Some(time.saturating_sub(elapsed)),
                // A file system may not announce every name.
                Watcher::Look if pending.path().is_some() && self.names.are_announced() => Some(MAX_PAUSE),
                Watcher::Look => Some(looks),
            });
        pauses.min()
    }

    /// The probes that have not succeeded, as text. What listens in the place of this service is named.
    pub fn missing(&self, tree: Option<ProcessTree>) -> String {
        let missing = self.pending.iter().filter(|pending| !pending.met);
        let missing = missing.map(|pending| listener::missing(&pending.probe, tree, &self.identity));
        missing.collect::<Vec<_>>().join(", ")
    }

    /// The program's notifications other than `READY=1`.
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }
}

impl WatchedProbe {
    /// The name that it waits for.
    fn path(&self) -> Option<&Path> {
        match &self.probe {
            Probe::Unix(path) | Probe::File(path) => Some(path.as_path()),
            Probe::Notify
            | Probe::Fd(_)
            | Probe::Tcp(..)
            | Probe::Exec(_)
            | Probe::Http(_)
            | Probe::Log(_)
            | Probe::Alive(_)
            | Probe::Dbus(_) => None,
        }
    }
}

impl Watcher {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let one = match self {
            Self::Notify(listener) => Some(listener.descriptor()),
            Self::Newline(newline) => newline.descriptor(),
            Self::Command(child) | Self::Get(child) => child.descriptor(),
            Self::Log(log) => return log.descriptors().collect(),
            Self::Alive(_) | Self::Look => None,
            Self::Bus(bus) => bus.as_ref().and_then(BusName::descriptor),
        };
        one.into_iter().collect()
    }
}
