//! BECOMING a service: for programs that link this library, what PEP 3143's `DaemonContext` is for Python.
//!
//! [`Daemon`] describes the service. [`Daemon::enter`] detects what started the program, performs the remaining set-up,
//! and returns in the process that is the service from then on. [`Service`] is the program's handle on its service: it
//! reports readiness, returns passed sockets, and delivers signals.
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
//! The library and `svcadapt run` share spec, detection, plan, set-up code and lock, so `svcadapt status` and `svcadapt
//! stop` work on services started by either.
//!
//! # The same program everywhere
//!
//! | started by | mode | process | `ready()` notifies |
//! | --- | --- | --- | --- |
//! | a shell, an init script, cron, ssh | classic | forked twice | the launcher, which exits with status 0 |
//! | systemd, `Type=notify` or `notify-reload` | supervised | the one that was started | systemd, by `READY=1` |
//! | systemd, `Type=forking` | classic | forked twice | the launcher |
//! | s6 | supervised | the one that was started | s6, by a newline, if the service directory has `notification-fd` |
//! | runit, daemontools, supervisord, launchd | supervised | the one that was started | no recipient: [`Notified::Nobody`], not an error |
//! | `svcadapt run`, in any mode | supervised | the one that `run` created | `run`, by `READY=1`, if it waits for that |
//! | a container, as its process 1 | supervised | a child; process 1 reaps orphans and forwards signals | the container's notify socket, if it has one |
//!
//! # The steps and their order
//!
//! [`Daemon::plan`] lists them without performing any.
//!
//! 1. *Check.* Threads are counted, values parsed, users looked up, paths and descriptors tried. All errors are
//!    reported at once, and nothing has been changed ([`Error::Refused`]).
//! 2. *Fork, new session, fork*, only without a supervisor. The second process leads the session, so the third does not
//!    and can never acquire a terminal (setsid(2)). The first one, the launcher, waits for the outcome. A re-exec
//!    happens here, while the program's file is still reachable and readable as before, and before anything is half
//!    done.
//! 3. *Signals* that the starter ignored get their default action; the *environment* of the service is set.
//! 4. *Lock*: before any step that could disturb a running instance.
//! 5. *Directories, streams, pid file*: as root, before privileges are dropped.
//! 6. *OOM score, nice level, limits, umask*: they need privileges, or none at all.
//! 7. *Inherited descriptors* are replaced (below).
//! 8. *Root directory, bounding set, group, groups, user, capabilities*: in the only order in which each change is
//!    still permitted; each is read back, and it is proved that root cannot be regained. [`Daemon::keep_privileges`]
//!    defers these.
//! 9. *Working directory*: as the user, who must be able to enter it.
//! 10. *Signal map*: first the handlers, then the mask, so that signals that arrived in the meantime are delivered.
//!
//! Until [`Service::ready`], a standard error that is to become `/dev/null` is still the starter's, so that early
//! errors and panics are visible. A child that outlives the start must therefore not be started before.
//!
//! # Descriptors
//!
//! python-daemon closes every descriptor that it was not asked to keep. In Rust that would be unsound: a descriptor
//! owned by an `OwnedFd` must not be closed by other code, or a later `close` hits another file. So this library closes
//! none. But a descriptor that a starter left open must not stay open either: `$(…)` and ssh wait for the end of a
//! pipe, and a secret file would remain readable.
//!
//! The close-on-exec flag distinguishes the two. An inherited descriptor came through the exec, so it did not have the
//! flag; everything that std opens has it. So each descriptor above 2 *without* the flag, unless it is listed in
//! [`Daemon::files_preserve`] or passed by a manager, is replaced by `/dev/null`. That releases the file and keeps the
//! number: if code in the program owns it after all (a C library that omits the flag), its `close` closes `/dev/null`,
//! and its reads return end of file. All other descriptors stay open in this process and are closed by an exec.
//!
//! Sockets passed by a manager are returned as duplicates, for the same reason: the program may already own descriptor
//! 3.
//!
//! # Threads, and deliberate omissions
//!
//! A fork copies only the calling thread and leaves locks of the others held; environment, signal mask and capabilities
//! cannot be changed soundly while other threads run. So [`Daemon::enter`] counts threads and fails if there is more
//! than one ([`Error::Threads`]). Build an asynchronous runtime after it. Two things are omitted on purpose: signal
//! handlers with code of the program ([`Signals`] explains why), and any function that is unsafe to call.
//!
//! # Re-execution
//!
//! A forked process may use Apple's frameworks only after an exec (fork(2), CAVEATS), and on every system there are
//! libraries that do not survive a fork. So on macOS, and elsewhere with [`Daemon::reexecute`], the process that was
//! forked off to be the service executes the program again: with the same arguments, environment and standard streams.
//! `main` runs a second time, reaches [`Daemon::enter`] again, and that call returns.
//!
//! * Everything that `main` does before it enters happens twice; [`is_reexec`] returns `true` the second time. A
//!   changed working directory, umask or variable is inherited.
//! * The second request must equal the first. The launcher reports if it differs, or if the program ends, panics or
//!   never reaches `enter`.
//! * The program must not close descriptors that it has not opened, before it enters.
//! * The executed file is the one that is running: on Linux whatever has happened to its name, on macOS found by its
//!   current path. If a new version replaces it at that moment, the start fails or is that of the new version, never a
//!   mixture.
//! * The second run is recognised by a descriptor, not by the environment. It is valid for one process, below the one
//!   that started it, once, and only if the kernel reports that the same user created it. Children of the service do
//!   not have it.
//! * Until the service is ready, the intermediate process between the two forks stays as its parent, so that its end is
//!   seen even where only process 1 adopts orphans.
//!
//! Under launchd, under any other supervisor and in the foreground there is no fork, so no re-execution.
//!
//! # Mistakes of predecessors
//!
//! Each was observed and has a test in `tests/it/daemon/` or `tests/it/daemon/under_supervisors.rs`.
//!
//! | observed | where | here |
//! | --- | --- | --- |
//! | the launcher returns 0 at once, even if the daemon is dead | python-daemon, `daemonize` | it returns after [`Service::ready`], else with the status, the signal and the reason |
//! | a raw wait status is passed to `exit()`, so a failure becomes a success | `daemonize` | the status is decoded in one place, in `sys` |
//! | an early error message goes to `/dev/null` | all | standard error is the starter's until the service is ready |
//! | the starter's supplementary groups stay | python-daemon (by default), `daemonize`, `daemonizr` | the user's groups, always |
//! | "no change" is encoded as uid -2, which is a valid user | `daemonize` | no such number; -1 and 65535 are rejected |
//! | chroot without chdir leaves the working directory outside | `daemonize` | the new root is entered at once, the working directory after the change of user |
//! | standard streams are close-on-exec, so children have none | python-daemon | the flag is cleared, even for a stream that was in place already |
//! | standard output is opened for reading only | `daemonize-me` | `/dev/null` is opened for reading and writing |
//! | one fork: the daemon can acquire a terminal | `daemonizr`, `daemonize-me`, nix `daemon()` | two forks |
//! | ignored and blocked signals are inherited | python-daemon, `daemonize` | reset, including real-time signals and the two that the C library reserves |
//! | a reset of *all* dispositions breaks Rust's own | `fork` | SIGPIPE stays ignored, and a stack overflow is still reported |
//! | process 1 of a container is mistaken for a process supervised by init | python-daemon | [`crate::detect`] identifies the supervisor, and the duties of process 1 are performed |
//! | an existing pid file blocks every start | python-daemon | a lock shows whether the service runs; the file alone does not |
//! | the pid file is written through a link, and chowned | `daemonize` | rejected, like every path that others can change |
//! | users are looked up, and memory is allocated, between fork and exec | `daemonize` | users are looked up before; the fork requires a single thread |
//! | core dumps are "prevented", but a helper program still gets them | python-daemon | the core limit that stops helpers, and PR_SET_DUMPABLE |
//!
//! # Terms
//!
//! *Launcher*: the process that was started, while it waits for the outcome. *Supervisor*, *service manager*: the
//! program that has started the service and watches its process. *Ready*: the service does its work. *Inherited
//! descriptor*: one that came with the start and was not requested.
//!
//! The pages [`from_python_daemon`] and [`from_daemonize`] show how to migrate a program.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

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
mod single_thread;
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
