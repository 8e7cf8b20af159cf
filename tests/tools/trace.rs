//! A program of a service that writes what it sees as one line into a file, and then does what its arguments say.
//!
//! ```text
//! trace LOG WORD ACTION...
//! ```
//!
//! The line has the word, the user and groups, the directory, the umask and all variables. Signals that arrive later have
//! a line each. `act` has all actions. It ends after 100 s, so that a failed test leaves no process.

#![deny(unsafe_code)]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction};
use nix::unistd::{Pid, alarm, pause, setsid};

type Done = Result<(), Box<dyn Error>>;

struct Trace {
    log: String,
    word: String,
}

fn main() -> Done {
    alarm::set(100);
    let mut words = env::args().skip(1);
    let log = words.next().ok_or("LOG is missing")?;
    let word = words.next().ok_or("WORD is missing")?;
    let trace = Trace { log, word };
    let mut blocked = SigSet::all();
    blocked.remove(Signal::SIGCONT);
    blocked.thread_block()?;
    if trace.is_main() {
        fs::write(trace.beside("pid"), process::id().to_string())?;
    }
    trace.say(&seen(&trace)?)?;
    let mut words = words.peekable();
    while let Some(action) = words.next() {
        trace.act(&action, &mut || words.next().unwrap_or_default())?;
    }
    Ok(())
}

/// What a program sees of its service: its identity, its place and its variables.
fn seen(trace: &Trace) -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| words_after(&status, name);
    // The real, effective, saved and file system one.
    let ids = |name: &str| {
        let mut all: Vec<String> = field(name).split(' ').map(str::to_owned).collect();
        all.dedup();
        all.join(",")
    };
    let groups: BTreeSet<u32> = field("Groups").split(' ').filter_map(|group| group.parse().ok()).collect();
    let main = fs::read_to_string(trace.beside("pid")).unwrap_or_default();
    let own = process::id().to_string();
    let mut variables = Vec::new();
    for (name, value) in env::vars_os() {
        let (name, value) = (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned());
        let value = match name.as_str() {
            "MAINPID" | "WATCHDOG_PID" | "LISTEN_PID" if value == main => "(main)".to_owned(),
            "MAINPID" | "WATCHDOG_PID" | "LISTEN_PID" if value == own => "(own)".to_owned(),
            "MAINPID" | "WATCHDOG_PID" | "LISTEN_PID" => "(other)".to_owned(),
            "NOTIFY_SOCKET" => "(path)".to_owned(),
            "INVOCATION_ID" => format!("({})", value.len()),
            _ => value,
        };
        variables.push(format!("{name}={value}"));
    }
    variables.sort();
    Ok(format!(
        "uid={} gid={} groups={:?} cwd={} umask={} {}",
        ids("Uid"),
        ids("Gid"),
        groups,
        env::current_dir()?.display(),
        field("Umask"),
        variables.join(" "),
    ))
}

/// The words of a line `NAME: WORD...`.
fn words_after(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or("?").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An attribute of this process, by a name: `stat:N` (proc(5)), `status:NAME`, `limit:NAME`, `!:COMMAND` for a command of
/// util-linux beside this program, `ignores:SIGNAL`, `securebits`, `numa`, `keyring`, or a file of /proc/self.
fn attribute(trace: &Trace, name: &str) -> Result<String, Box<dyn Error>> {
    let own = |file: &str| fs::read_to_string(Path::new("/proc/self").join(file));
    Ok(match name.split_once(':') {
        Some(("stat", number)) => {
            let text = own("stat")?;
            let words = text.rsplit(')').next().unwrap_or_default().split_whitespace();
            // The first one after the name of the program is the third.
            words.skip(number.parse::<usize>()? - 3).take(1).collect()
        }
        Some(("status", name)) => words_after(&own("status")?, name),
        Some(("limit", name)) => {
            let text = own("limits")?;
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("Max {name} ")));
            line.unwrap_or("?").split_whitespace().take(2).collect::<Vec<_>>().join(",")
        }
        Some(("!", program)) => {
            let own = process::id().to_string();
            let output =
                Command::new(env::current_exe()?.with_file_name(program)).args(["-p", &own]).output()?;
            String::from_utf8_lossy(&output.stdout).replace(&own, "").replace('\n', " ").trim().to_owned()
        }
        Some(("ignores", name)) => {
            let set = u64::from_str_radix(&words_after(&own("status")?, "SigIgn"), 16)?;
            (set >> (signal(name)? as i32 - 1) & 1 == 1).to_string()
        }
        None if name == "securebits" => secure_bits().to_string(),
        // The policy of a mapping is that of the process.
        None if name == "numa" => own("numa_maps")?.split_whitespace().nth(1).unwrap_or("?").to_owned(),
        // Whether the process that looked before has the same one.
        None if name == "keyring" => {
            let id = session_keyring().to_string();
            let before = fs::read_to_string(trace.beside("keyring")).unwrap_or_default();
            fs::write(trace.beside("keyring"), &id)?;
            if before.is_empty() { "the first" } else { ["another", "the same"][usize::from(before == id)] }
                .to_owned()
        }
        _ => own(name)?.trim().to_owned(),
    })
}

/// Sends a datagram to the notify socket, with these descriptors. One that the kernel refuses is lost.
#[cfg(target_os = "linux")]
fn send(bytes: &[u8], descriptors: &[i32]) -> Done {
    use std::os::unix::net::UnixDatagram;

    use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
    let path = variable("NOTIFY_SOCKET").ok_or("there is no socket")?;
    let address = match path.strip_prefix('@') {
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        None => UnixAddr::new(path.as_str())?,
    };
    let socket = UnixDatagram::unbound()?;
    let rights = [ControlMessage::ScmRights(descriptors)];
    let rights = if descriptors.is_empty() { &[][..] } else { &rights };
    let _ = sendmsg(
        socket.as_raw_fd(),
        &[std::io::IoSlice::new(bytes)],
        rights,
        MsgFlags::empty(),
        Some(&address),
    );
    Ok(())
}

/// A pidfd of a process (pidfd_open(2)).
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate has this call")]
fn pidfd(pid: u32) -> Result<fs::File, Box<dyn Error>> {
    use std::os::fd::FromRawFd;
    // SAFETY: the call takes two numbers.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: the kernel has just created this descriptor.
    Ok(unsafe { fs::File::from_raw_fd(number.try_into()?) })
}

#[cfg(not(target_os = "linux"))]
fn send(_: &[u8], _: &[i32]) -> Done {
    Err("only Linux has abstract addresses".into())
}

#[cfg(not(target_os = "linux"))]
fn pidfd(_: u32) -> Result<fs::File, Box<dyn Error>> {
    Err("there is none".into())
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate has this call")]
fn secure_bits() -> i32 {
    // SAFETY: the call has no argument but its number (prctl(2)).
    unsafe { libc::prctl(libc::PR_GET_SECUREBITS) }
}

/// The id of the keyring of the session.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate has this call")]
fn session_keyring() -> i64 {
    const KEYCTL_GET_KEYRING_ID: libc::c_long = 0;
    const KEY_SPEC_SESSION_KEYRING: libc::c_long = -3;
    // SAFETY: the call takes only numbers (keyctl(2)).
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) }
}

#[cfg(not(target_os = "linux"))]
fn secure_bits() -> i32 {
    0
}

#[cfg(not(target_os = "linux"))]
fn session_keyring() -> i64 {
    0
}

impl Trace {
    #[expect(clippy::too_many_lines, reason = "the list of all actions")]
    fn act(&self, action: &str, next: &mut dyn FnMut() -> String) -> Done {
        match action {
            "exit" => exit(next().parse()?),
            // By a signal that is not handled.
            "raise" => {
                SigSet::all().thread_unblock()?;
                raise(signal(&next())?)?;
            }
            // Fails until it was started this often.
            "fail-until" => {
                let count: usize = next().parse()?;
                if self.count(&format!("{} uid", self.word)) < count {
                    exit(1);
                }
            }
            "notify" => sd_notify::notify(&[sd_notify::NotifyState::Custom(&next())])?,
            // A datagram of this text, in which "\0" is a NUL, and so many bytes.
            "datagram" => {
                let (text, count) = (next().replace("\\0", "\0"), next().parse()?);
                send(&[text.into_bytes(), vec![b'x'; count]].concat(), &[])?;
            }
            // Names a process of its own as the main one: by its pidfd, by its identity, or by the one of another process.
            "name" => {
                let how = next();
                let log = self.beside("child");
                let child = Command::new(env::current_exe()?).args([&log, "child", "stay"]).spawn()?;
                fs::write(self.beside("named"), child.id().to_string())?;
                let named = pidfd(child.id())?;
                let other = pidfd(process::id())?;
                let id = |held: &fs::File| Ok::<_, std::io::Error>(held.metadata()?.ino());
                let text = match how.as_str() {
                    "descriptor" => return send(b"MAINPIDFD=1", &[named.as_raw_fd()]),
                    "identity" => id(&named)?.to_string(),
                    "another" => id(&other)?.to_string(),
                    text => text.to_owned(),
                };
                send(format!("MAINPID={}\nMAINPIDFDID={text}", child.id()).as_bytes(), &[])?;
            }
            // Runs a command of a shell.
            "shell" => {
                let ended = Command::new("/bin/sh").args(["-c", &next()]).status()?;
                self.say(&format!("ran it: {ended}"))?;
            }
            // Signals the main process, and waits for its line.
            "send" => {
                let (name, main) = (next(), variable("MAINPID").ok_or("there is no main process")?);
                let line = format!("main got {name}");
                let before = self.count(&line);
                kill(Pid::from_raw(main.parse()?), signal(&name)?)?;
                self.wait_for(&line, before)?;
            }
            // A process in a session of its own, which does this.
            "child" => {
                let log = self.beside("child");
                let child = Self { log, word: String::new() };
                let before = child.count("child left");
                Command::new(env::current_exe()?).args([&child.log, "child", "leave", &next()]).spawn()?;
                child.wait_for("child left", before)?;
            }
            "leave" => {
                setsid()?;
                self.say("left")?;
            }
            // The main process of a forking program, which does this.
            "fork" => {
                let mut daemon = Command::new(env::current_exe()?);
                let before = self.count("daemon ready");
                daemon.args([&self.log, "daemon", "pid", &next(), &next()]).spawn()?;
                self.wait_for("daemon ready", before)?;
                exit(0);
            }
            "pid" => {
                let path = next();
                if path != "-" {
                    fs::write(path, format!("{}\n", process::id()))?;
                }
                self.say("ready")?;
            }
            // Ends with the next signals, named in the order of their numbers.
            "gather" => {
                let count: usize = next().parse()?;
                let mut all = (0..count).map(|_| SigSet::all().wait()).collect::<Result<Vec<_>, _>>()?;
                all.sort_by_key(|signal| *signal as i32);
                self.say(&format!("got {all:?}"))?;
                exit(0);
            }
            // Ends with this signal, or SIGTERM.
            "stay" => {
                let name = next();
                self.stay(Some(if name.is_empty() { Signal::SIGTERM } else { signal(&name)? }))?;
            }
            "deaf" => self.stay(None)?,
            "pause" => pause_for(next().parse()?),
            // Creates a file, or reports that it is there.
            "touch" => {
                let made = OpenOptions::new().write(true).create_new(true).open(next()).is_ok();
                self.say(if made { "made it" } else { "found it" })?;
            }
            "write-pid" => fs::write(next(), format!("{}\n", next()))?,
            // On both streams.
            "print" => {
                std::io::stdout().write_all(format!("{} to output\n", self.word).as_bytes())?;
                std::io::stderr().write_all(format!("{} to errors\n", self.word).as_bytes())?;
            }
            // What is in a file.
            "copy" => {
                let text = fs::read_to_string(next())?;
                self.say(&format!("reads {:?}", text.lines().collect::<Vec<_>>()))?;
            }
            // Goes on after this signal.
            "stay-then" => self.stay(Some(signal(&next())?))?,
            // Has a handler for this signal.
            "handle" => {
                let signal = signal(&next())?;
                handle(signal)?;
                let mut handled = SigSet::empty();
                handled.add(signal);
                handled.thread_unblock()?;
            }
            // Goes on after the handled signal.
            "await-handled" => {
                while !HANDLED.load(Ordering::Relaxed) {
                    pause_for(2);
                }
                self.say("got it")?;
            }
            // Reports a reload (sd_notify(3)).
            "reload" => {
                let now = sd_notify::NotifyState::monotonic_usec_now()?;
                sd_notify::notify(&[sd_notify::NotifyState::Reloading, now])?;
                sd_notify::notify(&[sd_notify::NotifyState::Custom("READY=1")])?;
            }
            // Another process becomes the main one and does this.
            "fork-main" => {
                let mut daemon = Command::new(env::current_exe()?);
                let before = self.count("daemon ready");
                let daemon = daemon.args([&self.log, "daemon", "pid", "-", &next()]).spawn()?;
                self.wait_for("daemon ready", before)?;
                let message = format!("MAINPID={}\nREADY=1", daemon.id());
                sd_notify::notify(&[sd_notify::NotifyState::Custom(&message)])?;
                // Until it was read.
                pause_for(300);
                exit(0);
            }
            // The values of these attributes, which a comma separates.
            "look" => {
                for name in next().split(',') {
                    self.say(&format!("has {name}={}", attribute(self, name)?))?;
                }
            }
            // Signals have their default actions.
            "default" => {
                SigSet::all().thread_unblock()?;
                pause();
            }
            other => return Err(format!("unknown action {other}").into()),
        }
        Ok(())
    }

    fn stay(&self, last: Option<Signal>) -> Done {
        loop {
            let signal = SigSet::all().wait()?;
            if signal == Signal::SIGALRM {
                exit(99);
            }
            if signal == Signal::SIGCHLD {
                continue;
            }
            self.say(&format!("got {}", signal.as_str().trim_start_matches("SIG")))?;
            if Some(signal) == last {
                return Ok(());
            }
        }
    }

    fn say(&self, text: &str) -> Done {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.log)?;
        file.write_all(format!("{} {text}\n", self.word).as_bytes())?;
        Ok(())
    }

    fn is_main(&self) -> bool {
        matches!(self.word.as_str(), "main" | "daemon")
    }

    /// A file beside the log.
    fn beside(&self, what: &str) -> String {
        format!("{}.{what}", self.log)
    }

    fn count(&self, beginning: &str) -> usize {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter(|line| line.starts_with(beginning)).count()
    }

    /// Waits for one more line with this beginning.
    fn wait_for(&self, beginning: &str, before: usize) -> Done {
        // A file that grows gives no event.
        for _ in 0..10_000 {
            if self.count(beginning) > before {
                return Ok(());
            }
            pause_for(2);
        }
        Err(format!("waited in vain for {beginning}").into())
    }
}

/// Whether the handler was called.
static HANDLED: AtomicBool = AtomicBool::new(false);

extern "C" fn handler(_: i32) {
    HANDLED.store(true, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "sigaction(2) is unsafe")]
fn handle(signal: Signal) -> Done {
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler only stores an atomic (signal-safety(7)).
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[expect(clippy::disallowed_methods, reason = "this is what the program is to do")]
fn pause_for(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn signal(name: &str) -> Result<Signal, Box<dyn Error>> {
    Ok(format!("SIG{name}").parse()?)
}
