//! BECOMING a service: for a program that links this library, what PEP 3143's `DaemonContext` is for Python.
//!
//! [`Daemon`] says what the service should be. [`Daemon::enter`] finds out who has started the program, does what is left
//! to do, and returns in the process that is the service from then on. [`Service`] is that service from inside: it tells
//! when it is ready, hands out the sockets that somebody else has bound, and has the signals to read.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use svcadapt::Daemon;
//! use svcadapt::daemon::Signal;
//!
//! fn main() -> ExitCode {
//!     Daemon::new().name("web").user("www-data").signals([Signal::TERM]).run(|service| {
//!         let listener = std::net::TcpListener::bind("127.0.0.1:8080")?;
//!         service.ready()?;
//!         # drop(listener);
//!         service.signals().iter().next();
//!         Ok::<(), Box<dyn std::error::Error>>(())
//!     })
//! }
//! ```
//!
//! Nothing is done here that `svcadapt run` does in another way: the same spec, the same detection, the same plan and the
//! same code for its steps, the same lock; so `svcadapt status` and `svcadapt stop` work on what was started so.
//!
//! # The same program everywhere
//!
//! | started by | mode | process | `ready()` tells |
//! | --- | --- | --- | --- |
//! | a shell, an init script, cron, ssh | classic | forked twice | the launcher, which leaves with status 0 |
//! | systemd, `Type=notify` or `notify-reload` | supervised | the one that was started | `READY=1` |
//! | systemd, `Type=forking` | classic | forked twice | the launcher |
//! | s6 | supervised | the one that was started | a newline, where the service directory has `notification-fd` |
//! | runit, daemontools, supervisord, launchd | supervised | the one that was started | nobody: [`Notified::Nobody`], and no error |
//! | `svcadapt run`, whichever way | supervised | the one that `run` has made | `READY=1`, where `run` waits for that |
//! | a container, as its process 1 | supervised | a child; process 1 reaps and passes signals on | whoever listens outside |
//!
//! # The steps, and why in this order
//!
//! [`Daemon::plan`] lists them without doing any.
//!
//! 1. *Look.* Threads are counted, values read, users found, paths and descriptors tried. All that is wrong is told at once,
//!    and nothing has been changed ([`Error::Refused`]).
//! 2. *Fork, new session, fork*: only where nobody supervises. The second process leads the session, so that the third one
//!    leads none and can never acquire a terminal. The first one waits for the truth. Where the program is executed again
//!    that comes here: as long as its file can be found and read as it was before, and before anything is half done.
//! 3. *Signals* that the starter ignores get their default action; *environment* becomes the service's own.
//! 4. *Lock*: before anything that could disturb an instance that runs.
//! 5. *Directories, streams, pid file*: by root, before the rights are gone.
//! 6. *OOM score, nice level, limits, umask*: they need rights, or none at all.
//! 7. *Descriptors* that came with the start are let go of (below).
//! 8. *Root directory, bounding set, group, groups, user, capabilities*: in the one order in which each still may, each read
//!    back, and that there is no way back proved. [`Daemon::keep_privileges`] leaves these for later.
//! 9. *Working directory*: as the user, who has to be able to.
//! 10. *Signal map*: the handlers first, then the mask, so that what has come meanwhile is told.
//!
//! Until [`Service::ready`], a standard error that is to be the null device is still the starter's: what is said before, an
//! error or a panic, is seen by whoever typed the command. So whatever is to outlive it is not to be started before.
//!
//! # Descriptors
//!
//! python-daemon closes every descriptor that it was not told to keep. A Rust program cannot have that done to it: what
//! an `OwnedFd` owns must be closed by nobody else, or a later `close` hits a stranger. So none is ever closed here. But
//! what a starter has left open must not stay either: `$(…)` and ssh wait for the end of a pipe, and a secret file is
//! still readable.
//!
//! What tells the two apart is the close-on-exec flag. A descriptor that came through the exec had it not, or it would
//! not have come; whatever std opens has it from birth. So each descriptor above 2 *without* the flag, which neither
//! [`Daemon::files_preserve`] names nor a manager has passed, is replaced by the null device. Its file is let go of, its
//! number is not: should anybody in the program own it after all (a C library that forgets the flag), their `close` closes
//! the null device, and reads find the end. Everything else stays open in this process, and is closed by an exec.
//!
//! Sockets that a manager has passed are handed out as copies, for the same reason: whether the program has taken
//! descriptor 3 for itself before it entered, nobody can know.
//!
//! # Threads, and what is deliberately absent
//!
//! A fork takes one thread along, and leaves the locks of the others held for ever; environment, mask and capabilities
//! cannot be changed soundly while others run. So [`Daemon::enter`] counts, and refuses ([`Error::Threads`]). An
//! asynchronous runtime is built after it. Two things are deliberately absent: a handler of signals that the program could
//! put code into ([`Signals`] says why), and anything unsafe to call.
//!
//! # Executed again
//!
//! A process that was forked may use Apple's frameworks only when it has executed something (fork(2), CAVEATS), and on every
//! system there are libraries that do not bear a fork. So on macOS, and elsewhere if [`Daemon::reexecute`] says so, the
//! program is executed again in the process that was forked off to be the service: with the same arguments, environment and
//! standard streams. `main` runs a second time, comes to [`Daemon::enter`] reexec, and that returns in it.
//!
//! * What `main` does before it enters is done twice, and has to bear that; [`is_reexec`] tells a program that it is
//!   the second time. A working directory, umask or variable that it has changed is as it left it.
//! * It has to ask for the same. If it asks for something else, ends, panics or never comes there, the launcher tells.
//! * It must close no descriptor that it has not opened, before it enters.
//! * What is executed is the file that runs, on Linux whatever has become of its name; macOS knows it by where it is now. If
//!   in that moment another version takes its place, the start fails or is that of the new one, and never a mixture.
//! * The second time is recognised by a descriptor, not by the environment: it counts for one process, below the one that has
//!   started it, once, and only if the kernel says that it was made by the same user. No child of the service has it.
//! * Until the service is ready, the process between the two forks stays as its parent, so that its end is known where only
//!   process 1 adopts orphans.
//!
//! Under launchd, under every other supervisor and in the foreground nothing is forked, and so nothing executed again.
//!
//! # What predecessors got wrong
//!
//! Each was observed, and has its test in `tests/it/daemon/` or `tests/it/daemon/under_supervisors.rs`.
//!
//! | what was seen | where | here |
//! | --- | --- | --- |
//! | the launcher returns 0 at once, also for a daemon that is dead | python-daemon, `daemonize` | it returns when [`Service::ready`] was called, else with the status, the signal and the reason |
//! | a raw wait status given to `exit()`, so that a failure is a success | `daemonize` | the status is decoded, once, in `sys` |
//! | the message of an early error goes to the null device | all | it is the starter's standard error until the service is ready |
//! | the starter's supplementary groups stay | python-daemon (by default), `daemonize`, `daemonizr` | they are the user's, or none, always |
//! | "no change" is written as uid -2, which is somebody | `daemonize` | no number means that; -1 and 65535 are refused |
//! | chroot without chdir: the working directory lies outside | `daemonize` | the root is entered at once, the working directory after the user |
//! | standard streams with close-on-exec: children have none | python-daemon | the flag is taken off, also where nothing had to be moved |
//! | standard output opened for reading only | `daemonize-me` | the null device, for both |
//! | one fork: a terminal can be acquired again | `daemonizr`, `daemonize-me`, nix `daemon()` | two |
//! | ignored and blocked signals are inherited | python-daemon, `daemonize` | reset, the real-time ones and the C library's two as well |
//! | a reset of *all* dispositions kills Rust's own | `fork` | SIGPIPE stays ignored and a stack overflow is told |
//! | being process 1 of a container is taken for being supervised by init | python-daemon | [`crate::detect`] looks at what is supervisor, and process 1 has its duties done |
//! | a pid file that exists stops every start for ever | python-daemon | a lock says who runs; a file is no lock |
//! | the pid file is written through a link, and chowned | `daemonize` | refused, like every place that others can write |
//! | a user is looked up, and memory is allocated, between fork and exec | `daemonize` | looked up before; and the fork needs a proof that there is one thread |
//! | core dumps are "prevented" where a helper program takes them | python-daemon | the limit that the kernel asks for helpers, and PR_SET_DUMPABLE |
//!
//! # Words
//!
//! *Launcher*: the process that was started, as long as it waits. *Supervisor*, *service manager*: who has started the
//! program as a service, and waits for its process. *Ready*: the service does what it is there for. *Foreign
//! descriptor*: one that came with the start and that nobody asked for.
//!
//! The pages [`from_python_daemon`] and [`from_daemonize`] say what becomes of a program that used those.

#![forbid(unsafe_code)]

mod builder;
mod credentials;
mod enter;
mod error;
mod handoff;
mod launcher;
mod listener;
mod prepare;
mod reexec;
mod runner;
mod service;
mod signal;
mod signals;
mod supervisor;
mod watchdog;

pub use builder::{Daemon, DetachProcess, Reexecute};
pub use credentials::Credentials;
pub use error::Error;
pub use listener::Listener;
pub use reexec::is_reexec;
pub use runner::Runner;
pub use service::{Notified, Service};
pub use signal::{Disposition, Signal};
pub use signals::{Iter, Signals};
pub use watchdog::Watchdog;

pub mod from_python_daemon {
    #![doc = include_str!("from_python_daemon.md")]
}

pub mod from_daemonize {
    #![doc = include_str!("from_daemonize.md")]
}

/// The exit status of what was asked wrongly.
const USAGE: u8 = 2;
