//! A small, well-behaved daemon that reports its inherited state. The tests run it as the program of a service.
//!
//! ```text
//! inspect [--out FILE] [--close N]... [--activate NAME]... [--stdout TEXT]... [--stderr TEXT]... [--ready-after MS]
//!         [--listen tcp:PORT|unix:PATH]... [--ready notify|fd:N|none]
//!         [--exit N | --exit-after MS:N | --stay | --deaf | --serve]
//! ```
//!
//! In this order: it writes its whole inherited state to FILE (atomically), closes descriptors, asks launchd for its
//! sockets and prints the result on stdout (`inspect/activate.rs`), prints the texts, waits, listens, reports that it is
//! ready, and ends as specified. `--stay` ends with 0 at SIGTERM, `--deaf` ignores SIGTERM, and `--serve` answers each
//! connection on an inherited socket (sd_listen_fds(3)) with the socket's number and name; these three end after two
//! minutes, so that a failed test leaves no process.
//!
//! It has no Rust runtime before `main`: that would ignore SIGPIPE, catch SIGSEGV and SIGBUS and open /dev/null for closed
//! standard streams *before* the state can be read. So the report is the state after `exec`.

#![no_main]

#[path = "inspect/activate.rs"]
mod activate;
#[path = "../it/harness/proc.rs"]
mod proc;

use std::error::Error;
use std::ffi::{c_char, c_int};
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The time after which `--stay` ends by itself.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The C entry point.
// SAFETY: `main` is the C entry point, with its C signature, and this program defines no other (`no_main`).
#[allow(unsafe_code, reason = "the Rust runtime would change what this program is to report")]
#[unsafe(no_mangle)]
pub extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    match Orders::parse(env::args().skip(1)).map_err(Into::into).and_then(Orders::obey) {
        Ok(status) => status,
        Err(error) => {
            let _ = writeln!(io::stderr(), "inspect: {error}");
            99
        }
    }
}

/// The options.
struct Orders {
    out: Option<PathBuf>,
    close: Vec<i32>,
    activate: Vec<String>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    ready_after: Duration,
    listen: Vec<Listen>,
    ready: Ready,
    end: End,
}

enum Listen {
    Tcp(u16),
    Unix(PathBuf),
}

enum Ready {
    Untold,
    Notify,
    Descriptor(i32),
}

enum End {
    After(Duration, c_int),
    Stay,
    Deaf,
    Serve,
}

impl Orders {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut orders = Self {
            out: None,
            close: Vec::new(),
            activate: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            ready_after: Duration::ZERO,
            listen: Vec::new(),
            ready: Ready::Untold,
            end: End::After(Duration::ZERO, 0),
        };
        while let Some(option) = arguments.next() {
            match option.as_str() {
                "--stay" => orders.end = End::Stay,
                "--deaf" => orders.end = End::Deaf,
                "--serve" => orders.end = End::Serve,
                _ => {
                    let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
                    orders
                        .take(&option, &value)
                        .ok_or_else(|| format!("cannot understand {option} {value}"))?;
                }
            }
        }
        Ok(orders)
    }

    fn take(&mut self, option: &str, value: &str) -> Option<()> {
        match option {
            "--out" => self.out = Some(value.into()),
            "--close" => self.close.push(value.parse().ok()?),
            "--activate" => self.activate.push(value.into()),
            "--stdout" => self.stdout.push(value.into()),
            "--stderr" => self.stderr.push(value.into()),
            "--ready-after" => self.ready_after = milliseconds(value)?,
            "--listen" => self.listen.push(match value.split_once(':')? {
                ("tcp", port) => Listen::Tcp(port.parse().ok()?),
                ("unix", path) => Listen::Unix(path.into()),
                _ => return None,
            }),
            "--ready" => {
                self.ready = match value {
                    "none" => Ready::Untold,
                    "notify" => Ready::Notify,
                    _ => Ready::Descriptor(value.strip_prefix("fd:")?.parse().ok()?),
                }
            }
            "--exit" => self.end = End::After(Duration::ZERO, value.parse().ok()?),
            "--exit-after" => {
                let (time, status) = value.split_once(':')?;
                self.end = End::After(milliseconds(time)?, status.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    fn obey(self) -> Result<c_int, Box<dyn Error>> {
        if let Some(out) = &self.out {
            report(out)?;
        }
        for number in self.close {
            nix::unistd::close(number)?;
        }
        // Before the program is ready, so that it can be signalled as soon as it is.
        match self.end {
            End::Stay | End::Serve => on_term(SigHandler::Handler(leave))?,
            End::Deaf => on_term(SigHandler::SigIgn)?,
            End::After(..) => {}
        }
        for name in self.activate {
            writeln!(io::stdout(), "{}", activate::activate(&name)?)?;
        }
        for text in self.stdout {
            writeln!(io::stdout(), "{text}")?;
        }
        for text in self.stderr {
            writeln!(io::stderr(), "{text}")?;
        }
        pause(self.ready_after)?;
        let mut listeners: Vec<Listener> = Vec::new();
        for listen in self.listen {
            listeners.push(match listen {
                Listen::Tcp(port) => Listener::Tcp(TcpListener::bind(("127.0.0.1", port))?),
                Listen::Unix(path) => Listener::Unix(UnixListener::bind(path)?),
            });
        }
        match self.ready {
            Ready::Untold => {}
            Ready::Notify => sd_notify::notify(&[sd_notify::NotifyState::Ready])?,
            Ready::Descriptor(number) => say_ready(number)?,
        }
        let status = match self.end {
            End::After(time, status) => {
                pause(time)?;
                status
            }
            End::Serve => {
                serve()?;
                98
            }
            End::Stay | End::Deaf => {
                pause(TIMEOUT)?;
                98
            }
        };
        drop(listeners);
        Ok(status)
    }
}

/// Held until the end.
#[expect(dead_code, reason = "a listener listens by being kept")]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

fn report(out: &Path) -> io::Result<()> {
    let facts = proc::facts("self")?;
    let fresh = out.with_extension("new");
    fs::write(&fresh, format!("{facts:#}\n"))?;
    fs::rename(&fresh, out)
}

/// Writes a newline to an inherited descriptor, and closes it.
fn say_ready(number: i32) -> io::Result<()> {
    // Not through /dev/fd, which opens the file again: that fails for a socket, and for the pipe of another user.
    // SAFETY: the descriptor is passed together with this option, and nothing else here owns it.
    #[allow(unsafe_code, reason = "a descriptor that is known by its number has no other door")]
    let mut descriptor = unsafe { fs::File::from_raw_fd(number) };
    descriptor.write_all(b"\n")
}

/// Answers connections on the inherited sockets until the timeout.
#[allow(clippy::disallowed_methods, reason = "it is what sd_listen_fds(3) reads")]
fn serve() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    if variable("LISTEN_PID")?.parse() != Ok(std::process::id()) {
        return Err("LISTEN_PID names somebody else".into());
    }
    let (count, names) = (variable("LISTEN_FDS")?.parse::<usize>()?, variable("LISTEN_FDNAMES")?);
    let sockets: Vec<(OwnedFd, String)> = (3..)
        .zip(names.split(':'))
        .take(count)
        .map(|(number, name)| {
            // SAFETY: by sd_listen_fds(3) this descriptor is passed to this process, and nothing else here owns it.
            #[allow(unsafe_code, reason = "a descriptor that is known by its number has no other door")]
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            (socket, format!("{number} {name}\n"))
        })
        .collect();
    let end = Instant::now() + TIMEOUT;
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let mut polled: Vec<_> =
            sockets.iter().map(|(socket, _)| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        match poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut came = polled.iter().zip(&sockets).filter(|(polled, _)| polled.any() == Some(true));
        // SIGTERM ends it between two clients, never with one that it has accepted.
        term.thread_block()?;
        came.try_for_each(|(_, (socket, answer))| reply(socket, answer.as_bytes()))?;
        term.thread_unblock()?;
    }
    Ok(())
}

fn reply(socket: &OwnedFd, answer: &[u8]) -> nix::Result<()> {
    use nix::sys::socket;
    if socket::getsockopt(socket, socket::sockopt::AcceptConn)? {
        let number = socket::accept(socket.as_raw_fd())?;
        // SAFETY: accept(2) has just created this descriptor, and nothing else owns it.
        #[allow(unsafe_code, reason = "nix gives the number alone")]
        let connection = unsafe { OwnedFd::from_raw_fd(number) };
        // Like many servers this one dies by SIGPIPE if a client closes early: a probe must not do that.
        let _ = nix::unistd::write(connection, answer);
    } else {
        let (_, peer) = socket::recvfrom::<socket::SockaddrStorage>(socket.as_raw_fd(), &mut [0; 64])?;
        if let Some(peer) = peer {
            socket::sendto(socket.as_raw_fd(), answer, &peer, socket::MsgFlags::empty())?;
        }
    }
    Ok(())
}

fn on_term(handler: SigHandler) -> nix::Result<()> {
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls only `_exit`, which signal-safety(7) allows, and accesses no memory.
    #[allow(unsafe_code, reason = "std has no door to signals")]
    unsafe { sigaction(Signal::SIGTERM, &action) }.map(drop)
}

extern "C" fn leave(_signal: c_int) {
    // SAFETY: `_exit` is async-signal-safe and does not return.
    #[allow(unsafe_code, reason = "the only way out of a signal handler")]
    unsafe {
        libc::_exit(0)
    }
}

/// Sleeps. A handled signal does not shorten it.
fn pause(time: Duration) -> nix::Result<()> {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        // Rounded up, because a timeout of 0 would not wait for the rest.
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [], timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}
