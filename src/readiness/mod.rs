//! Readiness probes, one file each.
//!
//! [`Probes`] watches all probes of a spec. Some are events (a datagram, a newline, the end of a command); the others are
//! polled, at intervals that grow with the elapsed time. No probe connects to the service, which would see a silent client:
//! the kernel reports who listens.

#![forbid(unsafe_code)]

mod command;
mod listener;
mod newline;
mod notify;
mod process_tree;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use command::ExecProbe;
pub use command::RunAs;
use newline::Newline;
use notify::NotifyListener;
pub use notify::{LifeSign, Notifications};
pub use process_tree::ProcessTree;
use svcadapt_spec::Probe;

use crate::sys::process::Ended;
use crate::sys::socket::NotifySocket;

/// The probes of a service.
#[derive(Debug)]
pub struct Probes {
    pending: Vec<WatchedProbe>,
    identity: RunAs,
    notifications: Notifications,
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
    Command(ExecProbe),
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
            Probe::Exec(command) => Some(Watcher::Command(ExecProbe::new(
                command,
                inputs.identity.clone(),
                inputs.environment.clone(),
            ))),
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
        Self { pending, identity: inputs.identity, notifications: Notifications::default() }
    }

    /// Whether there is no probe.
    pub fn is_empty(&self) -> bool {
        self.pending.iter().all(|pending| pending.only_heard)
    }

    /// The descriptors that become readable on an event of a probe.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.pending.iter().filter_map(|pending| pending.watch.descriptor()).collect()
    }

    /// Checks every probe that has not succeeded yet.
    pub fn look(&mut self, tree: ProcessTree, elapsed: Duration) -> io::Result<()> {
        for pending in &mut self.pending {
            let now = match &mut pending.watch {
                Watcher::Notify(listener) => listener.look(tree, elapsed, &mut self.notifications)?,
                _ if pending.met => continue,
                Watcher::Newline(newline) => newline.look()?,
                Watcher::Command(runner) => runner.look(elapsed)?,
                Watcher::Look => listener::look(&pending.probe, tree, &self.identity)?,
            };
            pending.met |= now;
        }
        Ok(())
    }

    /// The number of the socket that hears the program's notifications.
    pub fn socket_number(&self) -> Option<i32> {
        let mut heard = self.pending.iter().filter_map(|pending| match &pending.watch {
            Watcher::Notify(listener) => Some(listener.descriptor().as_raw_fd()),
            Watcher::Newline(_) | Watcher::Command(_) | Watcher::Look => None,
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

    /// Handles the end of a child, which may be a probe's command.
    pub fn child_ended(&mut self, pid: i32, ended: Ended, elapsed: Duration) {
        for pending in &mut self.pending {
            if let Watcher::Command(runner) = &mut pending.watch {
                pending.met |= runner.child_ended(pid, ended, elapsed);
            }
        }
    }

    /// Whether all probes have succeeded.
    pub fn all_met(&self) -> bool {
        self.pending.iter().all(|pending| pending.met)
    }

    /// The time until the next poll. `None` if all missing probes are events.
    ///
    /// It is 1/200 of the elapsed time (1 to 10 ms), so that polling delays readiness by at most 0.5 percent.
    pub fn pause(&self, elapsed: Duration) -> Option<Duration> {
        let pauses = self.pending.iter().filter(|pending| !pending.met).filter_map(|pending| match &pending
            .watch
        {
            Watcher::Notify(_) | Watcher::Newline(_) => None,
            Watcher::Command(runner) => runner.pause(elapsed),
            Watcher::Look => Some((elapsed / 200).clamp(Duration::from_millis(1), Duration::from_millis(10))),
        });
        pauses.min()
    }

    /// The probes that have not succeeded, as text.
    pub fn missing(&self) -> String {
        let missing =
            self.pending.iter().filter(|pending| !pending.met).map(|pending| pending.probe.to_string());
        missing.collect::<Vec<_>>().join(", ")
    }

    /// The program's notifications other than `READY=1`.
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }
}

impl Watcher {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Notify(listener) => Some(listener.descriptor()),
            Self::Newline(newline) => newline.descriptor(),
            Self::Command(runner) => runner.descriptor(),
            Self::Look => None,
        }
    }
}
