//! Probes of something that another process has started, here or elsewhere: one attempt, or until it is there.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use svcadapt_spec::OutsideProbe;

use super::http;
use crate::sys::listen::{Kind, is_open};
use crate::sys::process::{Ended, Side};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::signal::SignalReader;
use crate::sys::{error_text, fd, listeners, process, signal};

/// How often a probe is tried, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The time for all attempts together. `None`: no limit.
    pub timeout: Option<Duration>,
    /// The pause between two attempts.
    pub interval: Duration,
    /// How many attempts may follow the first. `None`: no limit.
    pub retries: Option<u32>,
}

/// What has come of the attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// The last attempt has succeeded.
    Met,
    /// None has; the reason of the last.
    NotMet(String),
    /// This signal has arrived meanwhile.
    Interrupted(i32),
}

/// Tries a probe until it succeeds, or the schedule ends.
///
/// Each attempt is a process of its own, because a lookup of a name (getaddrinfo(3)) has no timeout.
pub fn probe(probe: &OutsideProbe, schedule: Schedule) -> io::Result<Probed> {
    let signals = SignalReader::receive()?;
    let probed = attempts(probe, schedule, &signals);
    signal::unblock_all()?;
    probed
}

fn attempts(probe: &OutsideProbe, schedule: Schedule, signals: &SignalReader) -> io::Result<Probed> {
    let begin = Instant::now();
    let deadline = schedule.timeout.and_then(|timeout| begin.checked_add(timeout));
    let mut why = String::from("it has not answered in time");
    let mut tried = 0;
    loop {
        match attempt(probe, deadline, signals)? {
            Probed::NotMet(reason) if reason.is_empty() => return Ok(Probed::NotMet(why)),
            Probed::NotMet(reason) => why = reason,
            end @ (Probed::Met | Probed::Interrupted(_)) => return Ok(end),
        }
        tried += 1;
        let is_last = schedule.retries.is_some_and(|retries| tried > retries);
        let next = Instant::now() + schedule.interval;
        if is_last || deadline.is_some_and(|deadline| next >= deadline) {
            return Ok(Probed::NotMet(why));
        }
        if let Woken::Signal(number) = wait(None, Some(next), signals)? {
            return Ok(Probed::Interrupted(number));
        }
    }
}

/// Why a wait has ended.
enum Woken {
    Signal(i32),
    Readable,
    TimedOut,
}

fn wait(answer: Option<&OwnedFd>, until: Option<Instant>, signals: &SignalReader) -> io::Result<Woken> {
    loop {
        while let Some(number) = signals.next()? {
            if number != signal::SIGCHLD {
                return Ok(Woken::Signal(number));
            }
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Woken::TimedOut);
        }
        let mut all = vec![signals.as_fd()];
        all.extend(answer.map(AsFd::as_fd));
        if fd::wait_readable(&all, left)?.get(1) == Some(&true) {
            return Ok(Woken::Readable);
        }
    }
}

/// One attempt in a child. The reason is empty if the deadline has passed.
fn attempt(probe: &OutsideProbe, deadline: Option<Instant>, signals: &SignalReader) -> io::Result<Probed> {
    let (answer, end) = fd::pipe()?;
    let child = match process::fork()? {
        Side::Parent(child) => child,
        Side::Child => {
            drop(answer);
            signal::reset_for_set_up();
            let _ = signal::unblock_all();
            let result = look(probe, deadline);
            if let Err(error) = &result {
                let _ = fd::write_all(&end, error_text(error).as_bytes());
            }
            process::exit_now(u8::from(result.is_err()));
        }
    };
    drop(end);
    let woken = wait(Some(&answer), deadline, signals)?;
    if !matches!(woken, Woken::Readable)
        && let Some(held) = ProcessHandle::open(child)?
    {
        held.send(signal::SIGKILL)?;
    }
    let ended = process::wait(child)?;
    match woken {
        Woken::Signal(number) => Ok(Probed::Interrupted(number)),
        Woken::TimedOut => Ok(Probed::NotMet(String::new())),
        Woken::Readable if ended == Ended::Exited(0) => Ok(Probed::Met),
        Woken::Readable => {
            let mut reason = vec![0; MAX_REASON_BYTES];
            let length = fd::read(&answer, &mut reason)?.unwrap_or(0);
            reason.truncate(length);
            let reason = String::from_utf8_lossy(&reason).into_owned();
            Ok(Probed::NotMet(if reason.is_empty() {
                "the attempt was interrupted".to_owned()
            } else {
                reason
            }))
        }
    }
}

/// The longest reason of an attempt.
const MAX_REASON_BYTES: usize = 512;

/// The time for an attempt without a deadline.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

fn look(probe: &OutsideProbe, deadline: Option<Instant>) -> io::Result<()> {
    let deadline = deadline.unwrap_or_else(|| Instant::now() + ATTEMPT_TIMEOUT);
    match probe {
        OutsideProbe::Tcp(host, port) => each_address(host, *port, |address| connect(address, deadline)),
        OutsideProbe::Http(url) => {
            each_address(&url.host, url.port, |address| http::get(address, url, deadline))
        }
        OutsideProbe::Unix(path) => {
            if is_open(Kind::Stream, path.as_path())? {
                return Ok(());
            }
            Err(io::Error::other("no process has it open"))
        }
        OutsideProbe::File(path) => path.as_path().metadata().map(drop),
        OutsideProbe::Exec(command) => execute(command),
    }
}

/// Tries all addresses of a host.
fn each_address(host: &str, port: u16, mut look: impl FnMut(SocketAddr) -> io::Result<()>) -> io::Result<()> {
    let mut last = io::Error::other("the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match look(address) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A server on this machine is found in the kernel's list; a connection would disturb it.
fn connect(address: SocketAddr, deadline: Instant) -> io::Result<()> {
    let is_loopback = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    let is_served = || match listeners::Tables::default().server(address) {
        Ok(server) => server.is_some(),
        // Not every kernel can be asked for one server.
        Err(_) => listeners::tcp(Some(address.ip()), address.port()).is_ok_and(|found| !found.is_empty()),
    };
    if is_loopback && is_served() {
        return Ok(());
    }
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    TcpStream::connect_timeout(&address, left).map(drop)
}

fn execute(command: &str) -> io::Result<()> {
    let null = Stdio::null;
    let mut shell = Command::new("/bin/sh");
    let ended = shell.args(["-c", command]).stdin(null()).stdout(null()).stderr(null()).status()?;
    if ended.success() { Ok(()) } else { Err(io::Error::other(format!("the command fails: {ended}"))) }
}
