//! The control socket: one connection per order.
//!
//! An order is one line; the client closes the sending half after it. The answer is a line `STATUS TEXT`, which may be
//! followed by more lines. The words and the numbers are those of launchctl(1), as far as they are known: 0, 3 (no such
//! process), 5 (cannot be loaded), 36 (it is ending), 37 (another one is ending), 112 (no such domain), 113 (no such service),
//! 125 (not in this domain). launchctl prints them; errno.h of macOS has 3, 5, 36 and 37, and reports of its users have the
//! others.
//!
//! | order | action |
//! | --- | --- |
//! | `bootstrap [DOMAIN] PATH` | loads a property list; the answer is its label |
//! | `kickstart LABEL` | starts the job if it does not run |
//! | `kickstart -k LABEL` | restarts the job |
//! | `kill SIGNAL LABEL` | sends a signal, by name or number, to the process of the job |
//! | `bootout LABEL` | stops and unloads the job |
//! | `print LABEL` | prints the state of the job, or says that a domain is there |
//! | `enable LABEL`, `disable LABEL` | decides whether it may be loaded |
//! | `print-disabled DOMAIN` | prints the disabled labels |
//! | `login UID` | the user has logged in at the screen (an order of the stand-in alone) |
//! | `activate NAME` | passes the sockets of this name of the calling job: launch_activate_socket of launch(3) |
//!
//! `LABEL` may be `DOMAIN/LABEL` (`launchd/domain.rs`). Only root may give orders, and a user in the domains of this user. The caller of `activate` is identified by the pid of the connection's peer (`SO_PEERCRED`,
//! unix(7)), so a child of a job is not taken for the job.

use std::fs::Permissions;
use std::io::{IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;
use std::{fs, io};

use nix::sys::signal::Signal;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{ControlMessage, MsgFlags, getsockopt, sendmsg};

use super::domain::{Domain, target};

/// The default path of the control socket; `launch_shim` uses only this one.
pub(crate) const SOCKET: &str = "/run/launchd.sock";

/// The timeout for one client; all others wait for it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The maximal length of an order.
const LENGTH: u64 = 8192;

/// An order.
#[derive(Debug)]
pub(crate) enum Order {
    Bootstrap(Domain, PathBuf),
    Kickstart { label: String, kill: bool },
    Kill(Signal, String),
    Bootout(String),
    Print(String),
    PrintDomain(Domain),
    PrintDisabled(Domain),
    Override { label: String, is_disabled: bool },
    Login(u32),
    Activate { name: String, pid: i32 },
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    status: i32,
    text: String,
    fds: &'a [OwnedFd],
}

impl<'a> Reply<'a> {
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { status: 0, text: text.into(), fds: &[] }
    }

    pub(crate) fn refused(status: i32, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), fds: &[] }
    }

    pub(crate) fn sockets(fds: &'a [OwnedFd]) -> Self {
        Self { status: 0, text: fds.len().to_string(), fds }
    }
}

/// Listens for orders. Every user may connect, because a job may run as any user.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// Gives an order, and prints the answer. A status other than 0 is an error.
pub(crate) fn ask(order: &str) -> Result<(), String> {
    let answer = answer_to(order)?;
    io::stdout().write_all(answer.as_bytes()).map_err(|error| error.to_string())?;
    if answer.starts_with("0 ") || answer.trim_end() == "0" { Ok(()) } else { Err(answer) }
}

fn answer_to(order: &str) -> Result<String, String> {
    let ask = || {
        let mut stream = UnixStream::connect(SOCKET)?;
        stream.write_all(order.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, io::Error>(answer)
    };
    ask().map_err(|error| format!("{SOCKET}: {error}"))
}

/// Gives an order as launchctl(1) does: the answer is on standard output, a failure on standard error, and the number is the
/// exit status.
pub(crate) fn launchctl(order: &str) -> ExitCode {
    let answer = answer_to(order).unwrap_or_else(|error| format!("1 {error}"));
    let (status, text) = answer.trim_end().split_once(' ').unwrap_or((answer.trim_end(), ""));
    let status = status.parse().unwrap_or(1);
    let written = match status {
        0 => writeln!(io::stdout(), "{text}"),
        status => writeln!(io::stderr(), "{order} failed: {status}: {text}"),
    };
    ExitCode::from(if written.is_ok() { status } else { 1 })
}

/// Accepts the next order.
pub(crate) fn receive(listener: &UnixListener) -> io::Result<(UnixStream, Result<Order, String>)> {
    let (stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let peer = getsockopt(&stream, PeerCredentials)?;
    let mut line = String::new();
    (&stream).take(LENGTH).read_to_string(&mut line)?;
    let order = parse(line.trim_end_matches('\n'), peer.pid(), peer.uid());
    Ok((stream, order))
}

fn parse(line: &str, pid: i32, uid: u32) -> Result<Order, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let may = |domain: Domain| {
        if uid == 0 || uid == domain.uid() { Ok(domain) } else { Err("not permitted".to_owned()) }
    };
    // Everybody may look.
    let known = |word: &str| target(word).ok_or_else(|| format!("{word} is no target"));
    let label = |word: &str| {
        let (domain, label) = known(word)?;
        may(domain).map(|domain| domain.key(&label))
    };
    match verb {
        "activate" => Ok(Order::Activate { name: rest.to_owned(), pid }),
        "bootstrap" => {
            let (domain, path) = rest.split_once(' ').unwrap_or(("system", rest));
            let domain = Domain::parse(domain).ok_or_else(|| format!("{domain} is no domain"))?;
            Ok(Order::Bootstrap(may(domain)?, path.into()))
        }
        "print" => match Domain::parse(rest) {
            Some(domain) => Ok(Order::PrintDomain(domain)),
            None => known(rest).map(|(domain, label)| Order::Print(domain.key(&label))),
        },
        "print-disabled" => {
            Domain::parse(rest).map(Order::PrintDisabled).ok_or_else(|| format!("{rest} is no domain"))
        }
        "enable" | "disable" => Ok(Order::Override { label: label(rest)?, is_disabled: verb == "disable" }),
        "kickstart" => Ok(match rest.strip_prefix("-k ") {
            Some(rest) => Order::Kickstart { label: label(rest)?, kill: true },
            None => Order::Kickstart { label: label(rest)?, kill: false },
        }),
        "kill" => {
            let (name, of) = rest.split_once(' ').ok_or("kill SIGNAL LABEL")?;
            let signal = match name.parse::<i32>() {
                Ok(number) => Signal::try_from(number).ok(),
                Err(_) => Signal::from_str(&format!("SIG{}", name.trim_start_matches("SIG"))).ok(),
            };
            Ok(Order::Kill(signal.ok_or_else(|| format!("{name} is no signal"))?, label(of)?))
        }
        "bootout" => Ok(Order::Bootout(label(rest)?)),
        "login" => may(Domain::System)
            .and_then(|_| rest.parse().map(Order::Login).map_err(|_| format!("{rest} is no user"))),
        _ => Err(format!("{verb} is no order")),
    }
}

/// Sends the answer. A client that has closed the connection gets none.
pub(crate) fn answer(stream: &UnixStream, reply: &Reply) -> io::Result<()> {
    let text = format!("{} {}\n", reply.status, reply.text);
    let fds: Vec<RawFd> = reply.fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&fds)];
    let control: &[ControlMessage] = if fds.is_empty() { &[] } else { &rights };
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(text.as_bytes())], control, flags, None)?;
    stream.shutdown(Shutdown::Write)
}
