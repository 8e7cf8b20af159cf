//! Runs the real binary, with a deadline and exact expectations.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User};

use super::dir::{Dir, list, state};
use super::expect;
use super::process::{Process, holding};

/// The default deadline of a command.
const DEADLINE: Duration = Duration::from_secs(20);

/// A run of svcadapt. By default it expects empty stdout and stderr, and status 0.
///
/// It starts in its directory, with an empty stdin, in a process group of its own, and with only `PATH` and `LANG` in
/// its environment.
#[derive(Debug)]
#[must_use = "nothing runs before `run`, `output` or `spawn`"]
pub(crate) struct Svc<'a> {
    dir: &'a Dir,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: String,
    hostile: Option<Vec<String>>,
    user: Option<User>,
    deadline: Duration,
    stdout: String,
    stderr: String,
    exit: Exit,
    names: Vec<(String, String)>,
}

impl<'a> Svc<'a> {
    /// svcadapt without arguments.
    pub(crate) fn new(dir: &'a Dir) -> Self {
        Self {
            dir,
            program: dir.program("svcadapt"),
            args: Vec::new(),
            env: Vec::new(),
            stdin: String::new(),
            hostile: None,
            user: None,
            deadline: DEADLINE,
            stdout: String::new(),
            stderr: String::new(),
            exit: Exit::Status(0),
            names: vec![
                ("[DIR]".to_owned(), dir.path().display().to_string()),
                ("[VERSION]".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ],
        }
    }

    /// Runs another program instead; see [`Dir::program`] for the names.
    pub(crate) fn program(mut self, program: &str) -> Self {
        self.program = self.dir.program(program);
        self
    }

    /// More arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// One more variable in the environment.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Its stdin (at most what a pipe holds).
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        assert!(text.len() <= 65536, "more than a pipe holds");
        text.clone_into(&mut self.stdin);
        self
    }

    /// Starts it from the hostile launcher (tests/tools/hostile.rs), with these options.
    pub(crate) fn via_hostile(mut self, options: &[&str]) -> Self {
        self.hostile = Some(options.iter().map(|option| (*option).to_owned()).collect());
        self
    }

    /// Starts it as this user, with the user's own group and no other. Only root can.
    pub(crate) fn by(mut self, name: &str) -> Self {
        self.user = Some(User::from_name(name).unwrap().unwrap_or_else(|| panic!("no user {name}")));
        self
    }

    /// Its deadline, instead of 20 seconds.
    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The expected stdout. `[DIR]` is the directory, `[VERSION]` our version, `[PID]` any number, and `[ANY]` any text
    /// up to the end of the line or the text that follows it.
    pub(crate) fn stdout(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdout);
        self
    }

    /// The expected stderr, with the same placeholders.
    pub(crate) fn stderr(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stderr);
        self
    }

    /// One more placeholder.
    pub(crate) fn name(mut self, placeholder: &str, value: impl fmt::Display) -> Self {
        self.names.push((placeholder.to_owned(), value.to_string()));
        self
    }

    /// The expected exit status.
    pub(crate) fn status(mut self, status: i32) -> Self {
        self.exit = Exit::Status(status);
        self
    }

    /// The expected fatal signal.
    pub(crate) fn signal(mut self, signal: Signal) -> Self {
        self.exit = Exit::Signal(signal as i32);
        self
    }

    /// Runs it to its end, and fails unless everything is as expected.
    pub(crate) fn run(self) {
        let expected = Output { stdout: self.stdout.clone(), stderr: self.stderr.clone(), exit: self.exit };
        let names = self.names.clone();
        let line = self.to_string();
        let got = self.output();
        if let Some(difference) = expect::difference(&expected, &got, &names) {
            panic!("{line}\n{difference}");
        }
    }

    /// Runs it to its end, and returns the result unchecked.
    pub(crate) fn output(self) -> Output {
        self.spawn().finish()
    }

    /// Starts it, for tests that act while it runs.
    pub(crate) fn spawn(self) -> Running {
        let line = self.to_string();
        let mut command = match &self.hostile {
            Some(options) => {
                let mut command = Command::new(self.dir.program("hostile"));
                command.args(options).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.user.is_some() || !nix::unistd::geteuid().is_root() {
            // Log files of users go with the run. (A test may set another place.)
            if !self.env.iter().any(|(name, _)| name == "XDG_STATE_HOME") {
                command.env("XDG_STATE_HOME", state());
            }
        }
        if let Some(user) = &self.user {
            // With a uid and without groups, std drops all supplementary groups.
            command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        }
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        let process = Process::open(child.id().cast_signed()).unwrap();
        // The write fails if the program does not read its stdin, which is allowed.
        let _ = child.stdin.take().unwrap().write_all(self.stdin.as_bytes());
        let stdout = Stream::new(child.stdout.take().unwrap().into());
        let stderr = Stream::new(child.stderr.take().unwrap().into());
        Running { child, process, stdout, stderr, line, deadline: Instant::now() + self.deadline }
    }
}

impl fmt::Display for Svc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(options) = &self.hostile {
            write!(f, "hostile {} ", options.join(" "))?;
        }
        write!(f, "{}", self.program.file_name().unwrap_or_default().display())?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}

/// A command that has been started. If it is dropped before it has ended, it is killed with its process group.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    process: Process,
    stdout: Stream,
    stderr: Stream,
    line: String,
    deadline: Instant,
}

impl Running {
    /// The pid of the started process.
    pub(crate) fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Whether it still runs.
    pub(crate) fn runs(&self) -> bool {
        self.process.is_alive()
    }

    /// Waits for this text on stdout or stderr.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.stdout.text().contains(text) && !self.stderr.text().contains(text) {
            assert!(
                self.stdout.open || self.stderr.open,
                "{}",
                self.complain(&format!("never said {text:?}"))
            );
            self.turn();
        }
    }

    /// Waits for its end, and for the end of its output. A descriptor that stays open fails the test, because a caller
    /// that reads the output (`$(…)`, ssh) would hang.
    pub(crate) fn finish(mut self) -> Output {
        while self.stdout.open || self.stderr.open || self.process.is_alive() {
            self.turn();
        }
        let exit = self.child.wait().unwrap().into();
        Output { stdout: self.stdout.text(), stderr: self.stderr.text(), exit }
    }

    /// Waits for one event, or fails at the deadline.
    fn turn(&mut self) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let what = if self.process.is_alive() {
                "does not end".to_owned()
            } else {
                format!("has ended, but its output is held open by\n{}", list(&self.holders()))
            };
            panic!("{}", self.complain(&what));
        }
        let mut wanted = Vec::new();
        for stream in [&self.stdout, &self.stderr] {
            if stream.open {
                wanted.push(PollFd::new(stream.fd.as_fd(), PollFlags::POLLIN));
            }
        }
        if self.process.is_alive() {
            wanted.push(PollFd::new(self.process.fd(), PollFlags::POLLIN));
        }
        // It may have ended before the wait; then no event would come.
        if wanted.is_empty() {
            return;
        }
        match poll(&mut wanted, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
        self.stdout.read();
        self.stderr.read();
    }

    fn holders(&self) -> Vec<Process> {
        [&self.stdout, &self.stderr].into_iter().flat_map(|stream| holding(&stream.name())).collect()
    }

    fn complain(&self, what: &str) -> String {
        format!(
            "{} {what}\nstdout so far: {:?}\nstderr so far: {:?}",
            self.line,
            self.stdout.text(),
            self.stderr.text()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not yet reaped, so the pid and the process group are still its own.
        if let Ok(None) = self.child.try_wait() {
            let _ = killpg(Pid::from_raw(self.process.pid()), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// Its stdout.
    pub(crate) stdout: String,
    /// Its stderr.
    pub(crate) stderr: String,
    /// Its end.
    pub(crate) exit: Exit,
}

/// The way a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It exited with this status.
    Status(i32),
    /// It was killed by this signal (a number, as real-time signals have no name).
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Our end of an output pipe, and the bytes read so far.
#[derive(Debug)]
struct Stream {
    fd: OwnedFd,
    bytes: Vec<u8>,
    open: bool,
}

impl Stream {
    fn new(fd: OwnedFd) -> Self {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        Self { fd, bytes: Vec::new(), open: true }
    }

    fn read(&mut self) {
        let mut buffer = [0; 4096];
        while self.open {
            match nix::unistd::read(&self.fd, &mut buffer) {
                Ok(0) => self.open = false,
                Ok(length) => self.bytes.extend_from_slice(&buffer[..length]),
                Err(Errno::EAGAIN) => return,
                Err(error) => panic!("an output pipe cannot be read: {}", io::Error::from(error)),
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The name of the pipe in /proc, at both of its ends.
    fn name(&self) -> String {
        fs::read_link(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))
            .map(|link| link.display().to_string())
            .unwrap_or_default()
    }
}
