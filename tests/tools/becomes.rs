//! A program that becomes a service itself with the library, and performs the deeds in its arguments.
//!
//! ```text
//! becomes [--log FILE] [--open FILE] [--thread] [--set OPTION=VALUE]... [--detach auto|yes|no] [--reexecute auto|always|never]
//!         [--keep-privileges] [--signal NAME=tell|ignore|default]... [--preserve FILE] [--runner] DEED...
//! ```
//!
//! `OPTION=VALUE` is any option of `svcadapt run`. Deeds are done in order, and the result of each is a line in the log;
//! `enter` is one of them, and deeds before it are done before the program becomes a service. `Program::act` has all deeds.
//! `\u{2400}` in a value or a deed means NUL, which an argument cannot contain. A word with the prefix `first:` or `second:`
//! counts only before, or only after, the program has executed itself again. The program ends after two minutes, so that a
//! failed test leaves no process.

#![forbid(unsafe_code)]

#[path = "../it/harness/proc.rs"]
mod proc;

use std::error::Error;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use svcadapt::Daemon;
use svcadapt::daemon::{DetachProcess, Disposition, Listener, Reexecute, Runner, Service, Signal, is_reexec};
use svcadapt_spec::FIELDS;

const TIMEOUT: Duration = Duration::from_secs(120);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut log = None;
    let (mut runner, mut deeds) = (false, Vec::new());
    let mut own = None;
    let mut preserved = None;
    let mut daemon = Daemon::new();
    let (which, other) = if is_reexec() { ("second:", "first:") } else { ("first:", "second:") };
    let mut words = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with(other))
        .map(|word| word.strip_prefix(which).unwrap_or(&word).replace('\u{2400}', "\0"));
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--log" => log = Some(OpenOptions::new().append(true).create(true).open(value()?)?),
            "--open" => own = Some(File::open(value()?)?),
            "--preserve" => preserved = Some(File::open(value()?)?),
            "--runner" => runner = true,
            "--thread" => drop(thread::spawn(|| thread::park_timeout(TIMEOUT))),
            "--joined" => thread::spawn(|| ()).join().map_err(|_| "a thread panicked")?,
            "--keep-privileges" => daemon = daemon.keep_privileges(),
            "--set" => {
                let value = value()?;
                let (option, value) = value.split_once('=').ok_or("--set OPTION=VALUE")?;
                let row = FIELDS.iter().find(|row| row.option == option).ok_or("no such option")?;
                daemon = daemon.set(row.field, value);
            }
            "--detach" => {
                daemon = daemon.detach_process(match value()?.as_str() {
                    "yes" => DetachProcess::Yes,
                    "no" => DetachProcess::No,
                    _ => DetachProcess::Auto,
                });
            }
            "--reexecute" => {
                daemon = daemon.reexecute(match value()?.as_str() {
                    "always" => Reexecute::Always,
                    "never" => Reexecute::Never,
                    _ => Reexecute::Auto,
                });
            }
            "--signal" => {
                let value = value()?;
                let (name, reaction) = value.split_once('=').ok_or("--signal NAME=REACTION")?;
                let reaction = match reaction {
                    "ignore" => Disposition::Ignore,
                    "default" => Disposition::Default,
                    _ => Disposition::Deliver,
                };
                daemon = daemon.signal_map([(signal(name)?, reaction)]);
            }
            _ => deeds.push(word),
        }
    }
    if let Some(file) = &preserved {
        daemon = daemon.files_preserve([file.as_fd()]);
    }
    if runner {
        let verb = deeds.remove(0);
        return Ok(Runner::new(daemon).run([verb], |service| {
            let mut program = Program {
                log,
                own,
                preserved: None,
                bomb: None,
                service: Some(service),
                threads: Vec::new(),
            };
            program.all(&deeds, None).unwrap_or(ExitCode::from(98))
        }));
    }
    let for_program = preserved.as_ref().map(File::try_clone).transpose()?;
    let mut program =
        Program { log, own, preserved: for_program, bomb: None, service: None, threads: Vec::new() };
    program.all(&deeds, Some(daemon))
}

fn signal(name: &str) -> Result<Signal, Box<dyn Error>> {
    let all = [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
        Signal::CHLD,
        Signal::PIPE,
        Signal::WINCH,
    ];
    let known = all.into_iter().chain((0..30).filter_map(Signal::real_time));
    known.into_iter().find(|signal| signal.to_string() == format!("SIG{name}")).ok_or_else(|| name.into())
}

struct Program {
    log: Option<File>,
    own: Option<File>,
    preserved: Option<File>,
    // Dropped before the service.
    bomb: Option<Bomb>,
    service: Option<Service>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Program {
    fn all(&mut self, deeds: &[String], mut daemon: Option<Daemon<'_>>) -> Result<ExitCode, Box<dyn Error>> {
        for deed in deeds {
            let (what, value) = deed.split_once('=').unwrap_or((deed, ""));
            if what == "enter" {
                match daemon.take().unwrap_or_default().enter() {
                    Ok(service) => {
                        self.say("enter", "done");
                        self.service = Some(service);
                    }
                    Err(error) => {
                        self.say("enter", format!("{error:?}"));
                        writeln!(io::stderr(), "{error}")?;
                        return Ok(ExitCode::from(error.status()));
                    }
                }
            } else if let Some(status) = self.act(what, value)? {
                return Ok(status);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn service(&self) -> Result<&Service, Box<dyn Error>> {
        self.service.as_ref().ok_or_else(|| "not entered".into())
    }

    /// Performs one deed. Returns an exit status if it is the last one.
    fn act(&mut self, what: &str, value: &str) -> Result<Option<ExitCode>, Box<dyn Error>> {
        match what {
            // Enters a second time, which must fail.
            "again" => {
                let again = Daemon::new().enter().map(drop).map_err(|error| error.to_string());
                self.say("again", again);
            }
            // Fails without side effects, so that a later `enter` succeeds.
            "refused" => {
                let refused =
                    Daemon::new().user("nosuchuser").enter().map(drop).map_err(|error| error.stage());
                self.say("refused", refused);
            }
            "ready" => self.say("ready", self.service()?.ready()),
            "must-ready" => drop(self.service()?.ready()?),
            "status" => self.say("status", self.service()?.status(value)),
            "extend" => {
                let by = Duration::from_millis(value.parse()?);
                self.say("extend", self.service()?.extend_timeout(by));
            }
            "pause" => thread::park_timeout(Duration::from_millis(value.parse()?)),
            "reloading" => self.say("reloading", self.service()?.reloading()),
            "stopping" => self.say("stopping", self.service()?.stopping()),
            "drop-privileges" => self.say("drop-privileges", self.service()?.drop_privileges()),
            "asked" => self.say("asked", self.service()?.readiness_expected()),
            "mode" => self.say("mode", (self.service()?.mode().name(), self.service()?.manager().name())),
            // Reports why it cannot run, and ends with the status of the error.
            "fail" => return Ok(Some(self.service()?.fail(value))),
            "error" => return Err(value.into()),
            "exit" => return Ok(Some(ExitCode::from(value.parse::<u8>()?))),
            "panic" => panic!("{value}"),
            // A second panic during the unwinding of the first aborts, as every panic does with `panic = "abort"`.
            "panic-twice" => {
                let _bomb = Bomb;
                panic!("{value}")
            }
            // A value of the program panics when it is dropped at the end.
            "bomb" => self.bomb = Some(Bomb),
            "panic-elsewhere" => {
                let value = value.to_owned();
                let ended = thread::spawn(move || panic!("{value}")).join();
                self.say("panic-elsewhere", ended.is_err());
            }
            "abort" => std::process::abort(),
            // As programs do that close all inherited descriptors.
            "close-all" => {
                std::mem::forget(self.log.take());
                for number in 3..256 {
                    let _ = nix::unistd::close(number);
                }
            }
            // The file of a running program can be removed or replaced.
            "unexecutable" => fs::set_permissions(std::env::current_exe()?, Permissions::from_mode(0o644))?,
            "replace" => {
                let own = std::env::current_exe()?;
                let other = own.with_extension("other");
                fs::copy(value, &other)?;
                fs::rename(other, own)?;
            }
            "rename" => fs::rename(std::env::current_exe()?, value)?,
            "become" => {
                let words: Vec<&str> = value.split(' ').collect();
                return Err(Command::new(std::env::current_exe()?).args(words).exec().into());
            }
            "overflow" => self.say("overflow", endless(1)),
            // Drops the value; the process continues.
            "let-go" => self.service = None,
            "forget" => self.service.take().map_or((), std::mem::forget),
            "stay" => thread::park_timeout(TIMEOUT),
            "wait" => wait_for(Path::new(value))?,
            "print" => writeln!(io::stdout(), "{value}")?,
            "complain" => writeln!(io::stderr(), "{value}")?,
            "thread" => self.threads.push(thread::spawn(|| thread::park_timeout(TIMEOUT))),
            "report" => report(Path::new(value))?,
            "sh" => {
                let output = Command::new("/bin/sh").args(["-c", value]).output()?;
                self.say("sh", String::from_utf8_lossy(&output.stdout));
            }
            // Logs the number and the content of the file that was opened before.
            "own" => {
                let read = self.own.as_mut().map(read_line).transpose()?;
                self.say("own", read);
            }
            "preserved" => {
                let read = self.preserved.as_mut().map(read_line).transpose()?;
                self.say("preserved", read);
            }
            "signals" => {
                for signal in self.service.as_ref().ok_or("not entered")?.signals() {
                    let line = format!("{signal}");
                    if let Some(log) = &mut self.log {
                        writeln!(log, "signal: {line}")?;
                    }
                    if signal == Signal::TERM {
                        break;
                    }
                }
            }
            // Waits for one signal.
            "next" => {
                let signal = self.service()?.signals().iter().next();
                self.say("next", signal.map(|signal| signal.to_string()));
            }
            _ => self.given(what, value)?,
        }
        Ok(None)
    }

    /// A deed that uses the sockets or variables of the supervisor.
    fn given(&mut self, what: &str, value: &str) -> Result<(), Box<dyn Error>> {
        match what {
            "listeners" => {
                let all = self.service.as_mut().ok_or("not entered")?.listeners();
                let names: Vec<_> = all.iter().map(|one| one.name().to_owned()).collect();
                self.say("listeners", names.join(","));
                if let Some(first) = all.into_iter().next() {
                    echo(&TcpListener::from(first.into_fd()))?;
                }
            }
            // The same by name, as under launchd; a second call finds none.
            "named" => {
                let service = self.service.as_mut().ok_or("not entered")?;
                let all = service.listeners_named(value);
                let again = service.listeners_named(value).len();
                self.say("named", (all.len(), again));
                if let Some(first) = all.into_iter().next() {
                    echo(&TcpListener::from(first.into_fd()))?;
                }
            }
            // Accepts one connection on each socket (with this name), and logs the name and the kind of the socket.
            "answer" => {
                let service = self.service.as_mut().ok_or("not entered")?;
                let all = if value.is_empty() { service.listeners() } else { service.listeners_named(value) };
                let named =
                    |one: Listener| Ok(format!("{}:{}", one.name().to_owned(), answer(one.into_fd())?));
                let answered: Vec<_> = all.into_iter().map(named).collect::<io::Result<_>>()?;
                self.say("answer", answered.join(" "));
            }
            "credential" => {
                let read = self.service()?.credentials().map(|all| all.read(value)).transpose()?;
                self.say("credential", read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
            }
            "watchdog" => {
                let told = self.service()?.watchdog().map(|dog| (dog.limit(), dog.ping()));
                self.say("watchdog", told);
            }
            "bind" => {
                let bound = TcpListener::bind(value);
                self.say("bind", bound.as_ref().map(|_| ()).map_err(ToString::to_string));
                std::mem::forget(bound);
            }
            _ => return Err(format!("no such deed: {what}").into()),
        }
        Ok(())
    }

    fn say(&self, what: &str, outcome: impl std::fmt::Debug) {
        if let Some(mut log) = self.log.as_ref() {
            let _ = log.write_all(format!("{what}: {outcome:?}\n").as_bytes());
        }
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("once more");
    }
}

#[allow(unconditional_recursion, reason = "to run out of stack is the point")]
fn endless(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 512]);
    endless(depth + 1) + page[usize::try_from(depth % 512).unwrap_or(0)]
}

fn wait_for(path: &Path) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    while !path.exists() {
        if begun.elapsed() > TIMEOUT {
            return Err("waited in vain".into());
        }
        thread::park_timeout(Duration::from_millis(2));
    }
    Ok(())
}

/// Writes a file atomically.
fn report(path: &Path) -> Result<(), Box<dyn Error>> {
    let facts = proc::facts("self")?;
    let mut part = PathBuf::from(path);
    part.set_extension("part");
    fs::write(&part, facts.to_string())?;
    Ok(fs::rename(&part, path)?)
}

fn read_line(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text).map(|_| format!("{} {}", file.as_raw_fd(), text.trim_end()))
}

/// The same for a socket of either family; also returns the family.
fn answer(socket: OwnedFd) -> io::Result<&'static str> {
    let unix = UnixListener::from(socket);
    // This type cannot represent the address of another family.
    if unix.local_addr().is_err() {
        return echo(&TcpListener::from(OwnedFd::from(unix))).map(|()| "tcp");
    }
    let (mut connection, _) = unix.accept()?;
    let mut buffer = [0; 256];
    let length = connection.read(&mut buffer)?;
    connection.write_all(&buffer[..length]).map(|()| "unix")
}

/// Echoes the data of one connection.
fn echo(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(false)?;
    let (mut connection, _) = listener.accept()?;
    let mut buffer = [0; 256];
    let length = connection.read(&mut buffer)?;
    connection.write_all(&buffer[..length])
}
