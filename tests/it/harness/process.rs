//! Other processes: found, awaited and signalled without confusing a reused pid.

#![allow(unsafe_code, reason = "neither std nor nix has a door to pidfd_open(2) and memmem(3)")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use std::{fmt, fs, io, process, thread};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

/// The deadline of events that should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A process, held by a pidfd, so that a reused pid is noticed.
#[derive(Debug)]
pub(crate) struct Process {
    pid: i32,
    fd: OwnedFd,
    what: String,
}

impl Process {
    /// The process with this pid, if there is one.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        Ok(Self::held(pid, pidfd(pid)?))
    }

    fn held(pid: i32, fd: OwnedFd) -> Self {
        let argv = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let what = String::from_utf8_lossy(&argv).replace('\0', " ").trim_end().to_owned();
        Self { pid, fd, what }
    }

    /// All processes of this program, which is in a test's own directory.
    pub(crate) fn of_program(program: &Path) -> Vec<Self> {
        find(|dir| fs::read_link(dir.join("exe")).is_ok_and(|exe| exe == program))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// The pidfd; it is readable once the process has ended.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Sends a signal, if it is still there.
    pub(crate) fn signal(&self, signal: Signal) {
        // SAFETY: takes a descriptor that we own, two numbers, and no structure.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.fd.as_raw_fd(),
                signal as i32,
                std::ptr::null::<u8>(),
                0,
            );
        }
    }

    /// Stops it (SIGSTOP), and waits until it is stopped: kill(2) returns before that.
    pub(crate) fn suspend(&self) {
        self.signal(Signal::SIGSTOP);
        let stat = format!("/proc/{}/stat", self.pid);
        wait_until(&format!("{self} is stopped"), || {
            let text = fs::read_to_string(&stat).ok()?;
            text.rsplit_once(") ")?.1.starts_with('T').then_some(())
        });
    }

    /// Waits until it has ended (a zombie has), or fails.
    pub(crate) fn wait_gone(&self) {
        assert!(readable(&self.fd, Instant::now() + PATIENCE), "{self} does not end");
    }

    /// Whether it still runs; a zombie does not.
    pub(crate) fn is_alive(&self) -> bool {
        !readable(&self.fd, Instant::now())
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pid, self.what)
    }
}

/// Polls until there is an answer, and fails at the deadline.
///
/// For changes that give no event: a file that appears, the state of a process in /proc.
pub(crate) fn wait_until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, ask)
}

/// The same, with another deadline.
pub(crate) fn wait_within<T>(timeout: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {timeout:?} in vain: {what}");
        #[expect(
            clippy::disallowed_methods,
            reason = "/proc cannot be waited for, and neither can most files"
        )]
        thread::sleep(Duration::from_millis(2));
    }
}

/// Does this with all of them at the same time, each in a thread: for tests that wait most of their time.
pub(crate) fn all_at_once<T: Send>(all: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        let threads: Vec<_> = all.into_iter().map(|one| scope.spawn(move || test(one))).collect();
        // The panic of a thread names what has failed.
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// Sets close-on-exec on descriptors that the tests have inherited, so that no program of a test gets them.
pub(super) fn inherit_nothing() {
    // SAFETY: changes a flag of descriptors that no code here has opened without it; takes three numbers.
    let marked = Errno::result(unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    });
    assert!(matches!(marked, Ok(_) | Err(Errno::ENOSYS)), "close_range: {marked:?}");
}

/// All other processes that refer to this path of a test. None of them is older than the tests.
pub(crate) fn mentioning(path: &Path) -> Vec<Process> {
    static TESTS_STARTED: LazyLock<u64> = LazyLock::new(|| started(Path::new("/proc/self")).unwrap());
    let needle = path.as_os_str().as_bytes();
    // A child that another thread is starting looks like ourselves until its `exec`.
    let own = fs::read_link("/proc/self/exe").ok();
    find(|dir| {
        let is_older = started(dir).is_none_or(|started| started < *TESTS_STARTED);
        if is_older || process_of(dir) == Some(process::id().cast_signed()) {
            return false;
        }
        let program = fs::read_link(dir.join("exe"));
        if program.is_ok() && program.as_ref().ok() == own.as_ref() {
            return false;
        }
        // Kernel threads and processes at their end have no program, and with it no arguments and no environment.
        let texts: &[&str] = match &program {
            Err(error) if error.kind() == io::ErrorKind::NotFound => &[],
            Ok(_) | Err(_) => &["cmdline", "environ"],
        };
        let links = ["cwd", "root"].map(|name| dir.join(name));
        let fds = fs::read_dir(dir.join("fd")).into_iter().flatten().flatten().map(|entry| entry.path());
        program
            .into_iter()
            .chain(links.into_iter().chain(fds).filter_map(|link| fs::read_link(link).ok()))
            .any(|target| contains(target.as_os_str().as_bytes(), needle))
            || texts
                .iter()
                .filter_map(|name| fs::read(dir.join(name)).ok())
                .any(|text| contains(&text, needle))
    })
}

/// All other processes that have this open: the text of a link in /proc/PID/fd, such as `pipe:[1234]`.
pub(crate) fn holding(target: &str) -> Vec<Process> {
    find(|dir| {
        process_of(dir) != Some(process::id().cast_signed())
            && fs::read_dir(dir.join("fd"))
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == Path::new(target)))
    })
}

/// All processes whose directory in /proc passes. The pidfd is opened first, so that the checked process is the held
/// one.
pub(super) fn find(mut passes: impl FnMut(&Path) -> bool) -> Vec<Process> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let dir = entry.ok()?.path();
            let pid = process_of(&dir)?;
            let fd = pidfd(pid).ok()?;
            passes(&dir).then(|| Process::held(pid, fd))
        })
        .collect()
}

/// When a process started, in ticks since the boot (proc(5)). `None` if it is gone.
fn started(dir: &Path) -> Option<u64> {
    let stat = fs::read(dir.join("stat")).ok()?;
    // The name of the program can be any bytes.
    String::from_utf8_lossy(&stat).rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// pidfd_open(2).
fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given us this descriptor, and no other code knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn process_of(dir: &Path) -> Option<i32> {
    dir.file_name()?.to_str()?.parse().ok()
}

/// The path itself, or something in it: `/a/1` is not in `/a/10`.
fn contains(text: &[u8], path: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = position(rest, path) {
        rest = &rest[at + path.len()..];
        if !rest.first().is_some_and(u8::is_ascii_digit) {
            return true;
        }
    }
    false
}

/// Where the bytes are first (memmem(3): every process of the machine is searched many times a second, and these tests
/// are not optimised).
fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    // SAFETY: both are valid for reads of their lengths, and nothing is written.
    let found = unsafe { libc::memmem(text.as_ptr().cast(), text.len(), part.as_ptr().cast(), part.len()) };
    (!found.is_null()).then(|| found.addr() - text.as_ptr().addr())
}

/// Whether the descriptor becomes readable by then. A pidfd does when its process ends.
pub(super) fn readable(fd: &OwnedFd, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut wanted = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(0) if Instant::now() >= deadline => return false,
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return true,
            Err(error) => panic!("poll: {error}"),
        }
    }
}
