//! The `notify` probe: the receiver of sd_notify(3).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::message::Message;
use super::{ProcessTree, SelfReport};
use crate::sys::socket::NotifySocket;

/// What a program says about its life (sd_notify(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifeSign {
    /// `READY=1`
    Ready,
    /// `RELOADING=1`, and the time of the monotonic clock at which the reload has begun (`MONOTONIC_USEC=`), if it is given.
    Reloading(Option<u64>),
    /// `STOPPING=1`
    Stopping,
    /// `WATCHDOG=1`
    Watchdog,
    /// `WATCHDOG=trigger`
    WatchdogTrigger,
    /// `WATCHDOG_USEC=`: the time of the watchdog from now on. `None`: it has none any more.
    WatchdogTime(Option<Duration>),
    /// `EXTEND_TIMEOUT_USEC=`: what is under way may take until then.
    Extended(Instant),
    /// `MAINPID=`, `MAINPIDFD=1`: the main process. The number proves nothing.
    MainPid(NamedProcess),
    /// `RESTART_RESET=1`: the restarts are counted anew.
    RestartReset,
}

/// A process that a program names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedProcess {
    /// Its pid.
    pub pid: i32,
    /// The number of its pidfd's inode (`MAINPIDFDID=`): only that process is meant.
    pub id: Option<u64>,
}

/// What a program asks to be done with descriptors (sd_notify(3), `FDSTORE=1`).
#[derive(Debug)]
pub enum StoreRequest {
    /// `FDSTORE=1`
    Add {
        /// The descriptors of the message.
        files: Vec<OwnedFd>,
        /// `FDNAME=`, if it is valid.
        name: Option<String>,
        /// Whether they are dropped when their other end is gone: not with `FDPOLL=0`.
        watch: bool,
    },
    /// `FDSTOREREMOVE=1`: all with this name.
    Remove(String),
}

/// The notifications of a program other than `READY=1`.
#[derive(Debug, Default)]
pub struct Notifications {
    /// What it has said of itself, and not taken back.
    pub report: SelfReport,
    /// `EXTEND_TIMEOUT_USEC=`: the requested deadline, as time since the beginning of the start.
    pub extended: Option<Duration>,
    /// What it has said about its life since the last look, in order.
    pub life: Vec<LifeSign>,
    /// What it has asked of the descriptor store since the last look, in order.
    pub stored: Vec<StoreRequest>,
    /// Whether a sender has waited until its messages were read (`BARRIER=1`).
    pub barrier: bool,
    /// Whether a process of the service has sent a message that does not count.
    pub(super) excluded: Excluded,
}

/// A process of the service whose messages do not count (`NotifyAccess=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Excluded {
    #[default]
    No,
    /// This one is not reported yet.
    New(i32),
    Reported,
}

/// So many signs are kept until they are taken; a program that sends without end must not fill the memory.
const MAX_SIGNS: usize = 64;

impl Notifications {
    /// The number of descriptors that wait to be stored.
    fn received(&self) -> usize {
        let count = |request: &StoreRequest| match request {
            StoreRequest::Add { files, .. } => files.len(),
            StoreRequest::Remove(_) => 1,
        };
        self.stored.iter().map(count).sum()
    }

    pub(super) fn say(&mut self, sign: LifeSign) {
        if self.life.last() != Some(&sign) && self.life.len() < MAX_SIGNS {
            self.life.push(sign);
        }
    }
}

/// The maximum number of messages read in one poll; the socket stays readable for the rest. A program that sends without
/// end must not delay the timeout or signals.
const MAX_MESSAGES: usize = 512;

/// So many descriptors are taken in one look: more would not fit below the usual limit of open files.
const MAX_RECEIVED: usize = 256;

/// The receiving end of the program's `NOTIFY_SOCKET`.
#[derive(Debug)]
pub(super) struct NotifyListener {
    socket: NotifySocket,
    /// Whether the service has a descriptor store.
    pub(super) stores: bool,
}

impl NotifyListener {
    pub(super) fn new(socket: NotifySocket) -> Self {
        Self { socket, stores: false }
    }

    /// Reads pending messages; those from outside the service are only counted. The descriptors of every message are closed,
    /// also of a foreign one: the sender of `BARRIER=1` waits for that.
    pub(super) fn look(
        &mut self,
        tree: ProcessTree,
        elapsed: Duration,
        notifications: &mut Notifications,
    ) -> io::Result<bool> {
        let mut ready = false;
        for _ in 0..MAX_MESSAGES {
            if notifications.received() >= MAX_RECEIVED {
                break;
            }
            let Some(datagram) = self.socket.receive()? else { break };
            match datagram.sender {
                Some(sender) if tree.may_notify(sender, notifications.report.access) => {
                    let Some(message) = Message::of(&datagram) else { continue };
                    ready |= message.read(elapsed, notifications);
                    if let Some(request) = message.store_request().filter(|_| self.stores) {
                        notifications.stored.push(request(datagram.descriptors));
                    }
                }
                Some(sender) if notifications.excluded == Excluded::No && tree.holds(sender) => {
                    notifications.excluded = Excluded::New(sender);
                }
                // Of another service or person.
                Some(_) | None => {}
            }
        }
        Ok(ready)
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
