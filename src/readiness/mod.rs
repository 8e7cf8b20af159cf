//! WHEN a service is ready: one file a probe.
//!
//! [`Probes`] watches for all signs that a spec names. Some come by themselves (a datagram, a newline, the end of a
//! command); the others are looked for again and again, seldom enough not to be felt and often enough not to be
//! waited for. No probe connects to the service, which would see a client that says nothing, where the system tells by
//! itself who listens.

#![forbid(unsafe_code)]

mod command;
mod listener;
mod newline;
mod notify;
mod process_tree;

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use command::ExecProbe;
pub use command::RunAs;
use newline::Newline;
pub use notify::Notifications;
use notify::NotifyListener;
pub use process_tree::ProcessTree;
use svcadapt_spec::Probe;

use crate::sys::process::Ended;
use crate::sys::socket::NotifySocket;

/// All signs that are waited for.
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
}

#[derive(Debug)]
enum Watcher {
    Notify(NotifyListener),
    Newline(Newline),
    Command(ExecProbe),
    /// It is looked for where the probe says.
    Look,
}

/// What probes need from outside.
#[derive(Debug)]
pub struct ProbeInputs {
    /// Where the program's notifications come in.
    pub socket: Option<NotifySocket>,
    /// Where the newlines of `fd` probes come out, each with the number that the program writes to.
    pub pipes: Vec<(i32, OwnedFd)>,
    /// As whom the commands of `exec` probes run.
    pub identity: RunAs,
    /// In which environment they do.
    pub environment: Vec<CString>,
}

impl Probes {
    /// Watches for these.
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
            // A probe without its means was never asked for: the plan gives every one what it needs.
            Some(WatchedProbe { probe, watch: watch?, met: false })
        });
        Self {
            pending: pending.collect(),
            identity: inputs.identity,
            notifications: Notifications::default(),
        }
    }

    /// Whether nothing is waited for at all.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// What becomes readable when a sign comes.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.pending.iter().filter_map(|pending| pending.watch.descriptor()).collect()
    }

    /// Looks for every sign that is still missing.
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

    /// Tells of a child that has ended: it may have been a probe's command.
    pub fn child_ended(&mut self, pid: i32, ended: Ended, elapsed: Duration) {
        for pending in &mut self.pending {
            if let Watcher::Command(runner) = &mut pending.watch {
                pending.met |= runner.child_ended(pid, ended, elapsed);
            }
        }
    }

    /// Whether all signs are there.
    pub fn all_met(&self) -> bool {
        self.pending.iter().all(|pending| pending.met)
    }

    /// How long to wait before the next look; none where every missing sign comes by itself.
    ///
    /// A two-hundredth of the time that has passed, so that looking delays nothing by more than half a percent.
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

    /// The signs that are missing, for people.
    pub fn missing(&self) -> String {
        let missing =
            self.pending.iter().filter(|pending| !pending.met).map(|pending| pending.probe.to_string());
        missing.collect::<Vec<_>>().join(", ")
    }

    /// What the program has told beside its readiness.
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
