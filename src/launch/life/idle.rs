//! Stops a program that was started on demand and has had no connection for some time (`--idle-exit`); the next client
//! starts it again. The kernel is asked at long intervals: this process is not in the way of the data.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use svcadapt_spec::{SocketAddress, Timespan};

use super::pause_all::Paused;
use super::state::Life;
use crate::launch::machine::{Event, Phase};
use crate::launch::policy::CommandKind;
use crate::launch::start::Start;
use crate::sys::{error_text, fd, listeners};

/// The bounds of the time between two looks at the connections.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// What is known about the connections.
#[derive(Debug, Default)]
pub(super) struct Idleness {
    /// How long there must be no connection. `None`: the program is not stopped.
    limit: Option<Duration>,
    /// The next look.
    next: Option<Instant>,
    /// The first of the looks since which there was no connection.
    since: Option<Instant>,
    /// Whether the service is being stopped for this reason.
    pub(super) stops: bool,
    /// Its processes, from the last look at the connections to the signal that ends them.
    paused: Option<Paused>,
}

impl Idleness {
    pub(super) fn of(start: &Start<'_>) -> Self {
        let sockets = &start.spec.sockets;
        let limit = sockets.idle_exit.and_then(Timespan::finite);
        Self { limit: limit.filter(|_| sockets.start_on_connect && !sockets.accepts()), ..Self::default() }
    }

    /// Whether connections are looked at.
    pub(super) fn is_watched(&self) -> bool {
        self.limit.is_some()
    }

    /// The time until the next look.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// The program is not running, or something else happens to it.
    pub(super) fn reset(&mut self) {
        *self = Self { limit: self.limit, ..Self::default() };
    }
}

impl Life<'_, '_> {
    /// Looks at the connections, if it is time.
    pub(super) fn look_at_connections(&mut self) {
        // They have their signal by now.
        self.idle.paused = None;
        let Some(limit) = self.idle.limit.filter(|_| self.state.phase == Phase::Running) else {
            self.idle.next = None;
            self.idle.since = None;
            return;
        };
        let now = Instant::now();
        let after = now.checked_add((limit / 4).clamp(INTERVALS.0, INTERVALS.1));
        if self.idle.next.is_some_and(|next| next > now) {
            return;
        }
        let first = self.idle.next.is_none();
        self.idle.next = after;
        match if first { Ok(true) } else { self.is_connected() } {
            Ok(true) => self.idle.since = None,
            Ok(false) => {
                let since = *self.idle.since.get_or_insert(now);
                if now.saturating_duration_since(since) >= limit {
                    self.stop_if_idle();
                }
            }
            Err(error) => self.connections_unseen(&error),
        }
    }

    /// A client may come at any moment until the program gets its signal, and the program would accept it. So the last look
    /// is at stopped processes: who comes from then on waits in the queue, for the next start. The signal comes before they
    /// go on (signal(7)); a program that handles it may still accept.
    fn stop_if_idle(&mut self) {
        // These commands may need the program.
        let runs_on = !CommandKind::Stop.of(self.start.spec).is_empty();
        let paused = if runs_on { Ok(None) } else { Paused::descendants() };
        match paused.and_then(|paused| Ok((paused, self.is_connected()?))) {
            Ok((_, true)) => self.idle.since = None,
            Ok((paused, false)) => {
                self.idle.reset();
                self.idle.stops = true;
                self.idle.paused = paused;
                self.events.push_back(Event::Stop);
            }
            Err(error) => self.connections_unseen(&error),
        }
    }

    fn connections_unseen(&mut self, error: &io::Error) {
        self.idle = Idleness::default();
        self.note(&format!("its connections cannot be seen, and it is not stopped: {}", error_text(error)));
    }

    /// Whether a client is connected, or waits for that.
    fn is_connected(&self) -> io::Result<bool> {
        let all = self.start.spec.sockets.listen.iter().zip(&self.held.sockets);
        let sockets: Vec<_> = all.filter(|(socket, _)| socket.has_connections()).collect();
        // Without connections there is nothing to go by.
        if sockets.is_empty() {
            return Ok(true);
        }
        let open: Vec<_> = self.held.sockets.iter().map(AsFd::as_fd).collect();
        if fd::wait(&open, &[], Some(Duration::ZERO))?.contains(&true) {
            return Ok(true);
        }
        for (socket, _) in sockets {
            let connected = match &socket.address {
                SocketAddress::Port(port) => listeners::is_tcp_connected(None, *port)?,
                SocketAddress::Inet(address) => {
                    listeners::is_tcp_connected(Some(address.ip()), address.port())?
                }
                address => listeners::is_unix_connected(&address.written())?,
            };
            if connected {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
