//! A service of which a process is started for each connection (systemd.socket(5), `Accept=yes`).
//!
//! The monitor listens, and has no main process: for the machine the service is a oneshot that has succeeded and counts as
//! active. The processes of connections are children like those that a program has left; a stop ends them.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use svcadapt_spec::{SocketOption, SocketOptionValue};

use crate::launch::start::Start;
use crate::plan::LaunchStep;
use crate::sys::accept::Peer;

/// The greatest number of connections (systemd's default).
const MAX_CONNECTIONS: u32 = 64;

/// The connections of a service.
#[derive(Debug)]
pub(super) struct Acceptor {
    max: u32,
    /// `None`: no limit.
    max_per_source: Option<u32>,
    pub(super) running: Vec<Connection>,
    /// When it may accept again.
    pub(super) paused: Option<Instant>,
}

/// The process of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) pid: i32,
    pub(super) source: Option<ClientSource>,
    pub(super) reports: OwnedFd,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientSource {
    Address(IpAddr),
    User(u32),
}

impl ClientSource {
    pub(super) fn of(peer: &Peer) -> Option<Self> {
        match peer {
            Peer::Internet(address, _) => Some(Self::Address(*address)),
            Peer::User(user) => Some(Self::User(*user)),
            Peer::Unknown => None,
        }
    }
}

impl Acceptor {
    /// `None` if the program gets the listening sockets. A manager that has accepted a connection passes that one.
    pub(super) fn of(start: &Start<'_>) -> Option<Self> {
        let listens = start.plan.launch_steps().any(|step| matches!(step, LaunchStep::Listen(_)));
        let number = |option| match start.spec.sockets.options.get(&option) {
            Some(SocketOptionValue::Number(number)) => Some(*number),
            _ => None,
        };
        (listens && start.spec.sockets.accepts()).then(|| Self {
            max: number(SocketOption::MaxConnections).unwrap_or(MAX_CONNECTIONS),
            max_per_source: number(SocketOption::MaxConnectionsPerSource).filter(|max| *max > 0),
            running: Vec::new(),
            paused: None,
        })
    }

    /// Why one more connection from there is too many.
    pub(super) fn refusal(&self, source: Option<ClientSource>) -> Option<String> {
        let count = |here: &dyn Fn(&Connection) -> bool| {
            u32::try_from(self.running.iter().filter(|one| here(one)).count()).unwrap_or(u32::MAX)
        };
        if count(&|_| true) >= self.max {
            return Some(format!("there are {} (MaxConnections=)", self.max));
        }
        let max = self.max_per_source?;
        let many = source.is_some() && count(&|one| one.source == source) >= max;
        many.then(|| format!("there are {max} of its source (MaxConnectionsPerSource=)"))
    }

    /// How long it does not accept.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.paused.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fd;

    #[test]
    fn connection_beyond_a_limit_is_refused() {
        let connection = |source| {
            let (reports, _) = fd::pipe().unwrap();
            Connection { pid: 1, source: Some(source), reports }
        };
        let (one, other) = (ClientSource::Address(IpAddr::from([127, 0, 0, 1])), ClientSource::User(0));
        let mut acceptor = Acceptor { max: 3, max_per_source: Some(1), running: Vec::new(), paused: None };
        assert_eq!(acceptor.refusal(Some(one)), None);
        acceptor.running.push(connection(one));
        assert!(acceptor.refusal(Some(one)).is_some());
        assert_eq!((acceptor.refusal(Some(other)), acceptor.refusal(None)), (None, None));
        acceptor.running.extend([connection(other), connection(other)]);
        assert!(acceptor.refusal(None).is_some());
    }
}
