//! A hostile launcher: puts itself into the worst state that a program can inherit, and then executes its argument.
//!
//! ```text
//! hostile [--only A,B,...] [--close-stdio] [--tty] PROGRAM [ARG...]
//! ```
//!
//! Each hostility is described at its function; the default is all of [`HOSTILITIES`]. `--close-stdio` closes 0 to 2.
//! `--tty` makes PROGRAM the leader of a session with a controlling terminal on 0 to 2, copies the terminal's output to
//! stdout, and ends as PROGRAM ends (128+N for a signal).

#![allow(unsafe_code, reason = "this state can only be reached by asking the kernel directly")]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "all hostilities have one signature, for their table")]
mod linux {
    use std::error::Error;
    use std::ffi::CString;
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
    use std::os::unix::ffi::OsStringExt;
    use std::process::ExitCode;
    use std::{env, fs, io};

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::pty::openpty;
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::sys::signal::{SigHandler, Signal, signal};
    use nix::sys::stat::{Mode, umask};
    use nix::sys::termios;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd;
    use nix::unistd::{ForkResult, Gid, Pid};

    type Outcome<T = ()> = Result<T, Box<dyn Error>>;

    /// The name for `--only`, and the function.
    type Hostility = (&'static str, fn() -> Outcome);

    /// In the order of execution: the limit of open files is lowered after descriptors above it are opened, and the
    /// working directory is changed when no relative path is needed any more.
    const HOSTILITIES: [Hostility; 11] = [
        ("fds", descriptors),
        ("nofile", open_files),
        ("core", core),
        ("nice", nice),
        ("oom", oom),
        ("groups", groups),
        ("ignored", ignored),
        ("blocked", blocked),
        ("umask", mask),
        ("cwd", directory),
        ("env", environment),
    ];

    pub(super) fn main() -> ExitCode {
        match run() {
            Ok(code) => code,
            Err(error) => {
                let _ = writeln!(io::stderr(), "hostile: {error}");
                ExitCode::from(99)
            }
        }
    }

    fn run() -> Outcome<ExitCode> {
        let mut arguments = env::args_os().skip(1).peekable();
        let (mut only, mut close_stdio, mut tty) = (None, false, false);
        while let Some(option) = arguments.next_if(|next| next.as_encoded_bytes().starts_with(b"--")) {
            match option.to_str() {
                Some("--only") => {
                    only =
                        Some(arguments.next().ok_or("--only needs a value")?.to_string_lossy().into_owned());
                }
                Some("--close-stdio") => close_stdio = true,
                Some("--tty") => tty = true,
                _ => return Err(format!("unknown option {}", option.display()).into()),
            }
        }
        // Undo Rust's runtime, which ignores SIGPIPE: only `ignored` shall decide what PROGRAM inherits.
        // SAFETY: the default action involves no handler.
        unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
        let program =
            arguments.map(|argument| CString::new(argument.into_vec())).collect::<Result<Vec<_>, _>>()?;
        if tty {
            on_a_terminal(|| worsen(&program, only.as_deref(), close_stdio))
        } else {
            Err(worsen(&program, only.as_deref(), close_stdio))
        }
    }

    /// Returns only on failure.
    fn worsen(program: &[CString], only: Option<&str>, close_stdio: bool) -> Box<dyn Error> {
        if let Some(unknown) = only
            .and_then(|only| only.split(',').find(|name| HOSTILITIES.iter().all(|known| known.0 != *name)))
        {
            return format!("unknown hostility {unknown}").into();
        }
        for (name, be_hostile) in HOSTILITIES {
            if only.is_none_or(|only| only.split(',').any(|chosen| chosen == name))
                && let Err(error) = be_hostile()
            {
                return format!("{name}: {error}").into();
            }
        }
        if close_stdio {
            for number in 0..=2 {
                let _ = unistd::close(number);
            }
        }
        let Some(path) = program.first() else { return "no program".into() };
        // Not `Command`: its `exec` resets SIGPIPE to the default.
        match unistd::execvp(path, program) {
            Err(error) => format!("{}: {error}", path.to_string_lossy()).into(),
        }
    }

    /// A private file, open on 7, 50 and 500 without close-on-exec.
    fn descriptors() -> Outcome {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(1024)), hard)?;
        let secret = File::open("/etc/shadow").or_else(|_| File::open("/etc/passwd"))?;
        for number in [7, 50, 500] {
            // SAFETY: both are plain numbers; nothing in this process owns `number`, and it is left open for PROGRAM.
            Errno::result(unsafe { libc::dup2(secret.as_raw_fd(), number) })?;
        }
        Ok(())
    }

    /// A soft limit of 256 descriptors, below an open one: a program that closes up to the limit misses it.
    fn open_files() -> Outcome {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(setrlimit(Resource::RLIMIT_NOFILE, 256, hard)?)
    }

    /// The maximal core dump size.
    fn core() -> Outcome {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
        Ok(setrlimit(Resource::RLIMIT_CORE, hard, hard)?)
    }

    /// Nice level + 5.
    fn nice() -> Outcome {
        // SAFETY: takes a number and returns one.
        let _ = unsafe { libc::nice(5) };
        Ok(())
    }

    /// A high OOM score adjustment.
    fn oom() -> Outcome {
        Ok(fs::write("/proc/self/oom_score_adj", "500")?)
    }

    /// The groups of an administrator (adm, cdrom, sudo on Debian), if permitted.
    fn groups() -> Outcome {
        match unistd::setgroups(&[4, 24, 27].map(Gid::from_raw)) {
            Ok(()) | Err(Errno::EPERM) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGCHLD, SIGRTMIN+3, and the two that the C library keeps for itself
    /// (32 and 33), ignored.
    fn ignored() -> Outcome {
        for chosen in [
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGPIPE,
            Signal::SIGUSR1,
            Signal::SIGCHLD,
        ] {
            // SAFETY: no handler of ours is involved.
            unsafe { signal(chosen, SigHandler::SigIgn) }?;
        }
        for number in [32, 33, libc::SIGRTMIN() + 3] {
            // The C library rejects 32 and 33, so call the kernel directly: its structure has at most four words on every
            // architecture, the handler first, and zero means no flags and no mask.
            let action = [libc::SIG_IGN, 0, 0, 0];
            // SAFETY: `action` is large enough, lives through the call, and the kernel only reads it; 8 is the size of
            // the kernel's signal set.
            Errno::result(unsafe {
                libc::syscall(
                    libc::SYS_rt_sigaction,
                    number,
                    action.as_ptr(),
                    std::ptr::null::<usize>(),
                    8_usize,
                )
            })?;
        }
        Ok(())
    }

    /// SIGTERM, SIGUSR2 and SIGRTMIN+5 blocked.
    fn blocked() -> Outcome {
        let mask = [libc::SIGTERM, libc::SIGUSR2, libc::SIGRTMIN() + 5]
            .into_iter()
            .fold(0_u64, |mask, number| mask | 1 << (number - 1));
        // SAFETY: the kernel reads the eight bytes of `mask`, which live through the call.
        Errno::result(unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_BLOCK,
                &raw const mask,
                std::ptr::null::<u64>(),
                8_usize,
            )
        })?;
        Ok(())
    }

    /// A restrictive umask.
    fn mask() -> Outcome {
        umask(Mode::from_bits_truncate(0o077));
        Ok(())
    }

    /// A working directory other than `/` and that of the test.
    fn directory() -> Outcome {
        Ok(env::set_current_dir("/usr/lib")?)
    }

    /// Variables that a service must not inherit, and variables that mislead the detection.
    fn environment() -> Outcome {
        for (name, value) in [
            ("SECRET_TOKEN", "hunter2"),
            ("LD_BOGUS", "/nowhere.so"),
            ("IFS", "x"),
            ("BASH_ENV", "/nowhere.sh"),
            ("INVOCATION_ID", "0123456789abcdef0123456789abcdef"),
        ] {
            // SAFETY: this process has one thread.
            #[expect(clippy::disallowed_methods, reason = "here our own environment is the point")]
            unsafe {
                env::set_var(name, value);
            }
        }
        Ok(())
    }

    /// Runs `become_program` as the leader of a session on a new terminal.
    fn on_a_terminal(become_program: impl FnOnce() -> Box<dyn Error>) -> Outcome<ExitCode> {
        let pty = openpty(None, None)?;
        // Output unchanged, without a carriage return before each newline.
        let mut settings = termios::tcgetattr(&pty.slave)?;
        settings.output_flags.remove(termios::OutputFlags::OPOST);
        termios::tcsetattr(&pty.slave, termios::SetArg::TCSANOW, &settings)?;
        // SAFETY: this process has one thread, so the child may call any function.
        match unsafe { unistd::fork() }? {
            ForkResult::Child => {
                drop(pty.master);
                unistd::setsid()?;
                // SAFETY: takes a descriptor that is open, and a number.
                Errno::result(unsafe { libc::ioctl(pty.slave.as_raw_fd(), libc::TIOCSCTTY, 0) })?;
                unistd::dup2_stdin(&pty.slave)?;
                unistd::dup2_stdout(&pty.slave)?;
                unistd::dup2_stderr(&pty.slave)?;
                if pty.slave.as_raw_fd() > 2 {
                    drop(pty.slave);
                } else {
                    let _ = pty.slave.into_raw_fd();
                }
                Err(become_program())
            }
            ForkResult::Parent { child } => {
                drop(pty.slave);
                pump(&pty.master, child)
            }
        }
    }

    /// Copies the terminal's output until `child` has ended and nothing is left to copy.
    fn pump(master: &OwnedFd, child: Pid) -> Outcome<ExitCode> {
        // SAFETY: takes two numbers.
        let pidfd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, child.as_raw(), 0) })?;
        // SAFETY: the kernel has just created this descriptor, and nothing else owns it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(i32::try_from(pidfd)?) };
        fcntl(master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut ended = false;
        loop {
            let mut buffer = [0; 4096];
            match unistd::read(master, &mut buffer) {
                Ok(length @ 1..) => io::stdout().write_all(&buffer[..length])?,
                // No output now; after the end of the child there will be none.
                Err(Errno::EAGAIN) if !ended => {
                    let mut wanted = [
                        PollFd::new(master.as_fd(), PollFlags::POLLIN),
                        PollFd::new(pidfd.as_fd(), PollFlags::POLLIN),
                    ];
                    poll(&mut wanted, PollTimeout::NONE)?;
                    ended = wanted[1].any().unwrap_or(false);
                }
                // EIO: no process has the terminal open any more.
                Ok(0) | Err(Errno::EAGAIN | Errno::EIO) => break,
                Err(error) => return Err(error.into()),
            }
        }
        io::stdout().flush()?;
        match waitpid(child, None)? {
            WaitStatus::Exited(_, status) => Ok(ExitCode::from(u8::try_from(status)?)),
            WaitStatus::Signaled(_, signal, _) => Ok(ExitCode::from(128 + u8::try_from(signal as i32)?)),
            other => Err(format!("unexpected {other:?}").into()),
        }
    }
}
