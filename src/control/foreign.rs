//! A daemon that svcadapt has not started, by the pid file that it, or its starter, has written.
//!
//! The number in a file proves nothing: the process may have ended, and another one may have its pid. It is proved here by
//! the program that the caller names, by its start, which is not later than the file, and by the owner of the file. A handle
//! is opened first, so that what was proved is what is signalled.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::StepError;
use crate::sys::path_trust::is_trusted_place;
use crate::sys::process_handle::ProcessHandle;
use crate::sys::procfs::{FileId, Link};
use crate::sys::{error_text, identity, procfs, signal, untrusted};

/// A larger file is no pid file.
const MAX_BYTES: u64 = 64;

/// How much later than the file its process may seem to have started: clocks of different precision.
const CLOCKS: Duration = Duration::from_secs(2);

/// How long a process may take to end after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Exit statuses (LSB): refused or failed; the rights do not suffice.
const REFUSED: u8 = 1;
const DENIED: u8 = 4;

/// The live process that a pid file names.
#[derive(Debug)]
pub struct ForeignProcess {
    held: ProcessHandle,
    file: PathBuf,
    id: FileId,
    program: PathBuf,
    age: Duration,
}

impl ForeignProcess {
    /// The process that a file names. `None`: there is no file, or its process has ended.
    ///
    /// # Errors
    ///
    /// Other users than root and the caller can change the file, it has no pid, or the process is younger than the file or
    /// cannot be looked at.
    pub fn named_in(path: &Path) -> Result<Option<Self>, StepError> {
        let refused =
            |cause: String| StepError::new("pid file", cause).of(path.display().to_string()).status(REFUSED);
        let unreadable = |error: io::Error| refused(error_text(&error));
        let file = match untrusted::read(path, MAX_BYTES) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(refused("not a regular file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let own = identity::effective_user();
        if ![0, own].contains(&file.uid) || file.mode & 0o022 != 0 || !is_trusted_place(path) {
            let whose = if own == 0 { "root" } else { "root and you" };
            let hint =
                format!("a process is signalled only if {whose} alone can change the file and its directory");
            return Err(refused(format!("other users than {whose} can change it")).hint(hint));
        }
        let text = String::from_utf8_lossy(&file.content).into_owned();
        let pid = text.split_ascii_whitespace().next().and_then(|word| word.parse::<i32>().ok());
        let Some(pid) = pid.filter(|pid| *pid > 1 && *pid != std::process::id().cast_signed()) else {
            return Err(refused("it names no process".to_owned()));
        };
        let Some(held) = ProcessHandle::open(pid).map_err(unreadable)? else { return Ok(None) };
        let looked = procfs::link(pid, Link::Program).map_err(|_| ());
        let started = procfs::stat(pid)
            .and_then(|stat| Ok(procfs::uptime()?.saturating_sub(procfs::ticks(stat.start_time))));
        if held.has_ended().map_err(unreadable)? {
            return Ok(None);
        }
        let (Ok(program), Ok(age)) = (looked, started) else {
            return Err(refused(format!("the program of process {pid} cannot be seen"))
                .hint("run this as root")
                .status(DENIED));
        };
        let written = fs::metadata(path).and_then(|found| found.modified()).map_err(unreadable)?;
        if age + CLOCKS < written.elapsed().unwrap_or_default() {
            let cause =
                format!("process {pid} is younger than the file, which was written for an earlier one");
            return Err(refused(cause));
        }
        Ok(Some(Self { held, file: path.to_owned(), id: program.id, program: program.path, age }))
    }

    /// Its pid.
    pub fn pid(&self) -> i32 {
        self.held.pid()
    }

    /// The program that it runs, as the kernel names it.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// How long it has been running.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Proves that it runs this program: the same file, by device and inode.
    ///
    /// # Errors
    ///
    /// It runs another one, or there is no such file.
    pub fn prove(&self, program: &Path) -> Result<(), StepError> {
        let refused =
            |cause: String| StepError::new("--exec", cause).of(program.display().to_string()).status(REFUSED);
        let found = fs::metadata(program).map_err(|error| refused(error_text(&error)))?;
        if self.id == (FileId { device: found.dev(), inode: found.ino() }) {
            return Ok(());
        }
        let cause =
            format!("process {} of {} runs {}", self.pid(), self.file.display(), self.program.display());
        let hint = if self.program.to_string_lossy().ends_with(" (deleted)") {
            "its program was replaced since it has started; end it by its own command".to_owned()
        } else {
            format!("name {} if that is the daemon; a script runs as its interpreter", self.program.display())
        };
        Err(refused(cause).hint(hint))
    }

    /// Ends it: SIGTERM, and SIGKILL after the timeout (`None`: never). Returns the last signal, and how long it took.
    ///
    /// # Errors
    ///
    /// It may not be signalled, or does not end.
    pub fn end(&self, timeout: Option<Duration>) -> Result<(i32, Duration), StepError> {
        let begun = Instant::now();
        let failed = |error: io::Error| {
            let denied = error.kind() == io::ErrorKind::PermissionDenied;
            let error = StepError::new("stop", format!("process {}: {}", self.pid(), error_text(&error)));
            error.of(self.file.display().to_string()).status(if denied { DENIED } else { REFUSED })
        };
        let mut last = signal::SIGTERM;
        self.held.send(last).map_err(failed)?;
        let deadline = timeout.and_then(|timeout| begun.checked_add(timeout));
        if !self.held.ends_until(deadline).map_err(failed)? {
            last = signal::SIGKILL;
            self.held.send(last).map_err(failed)?;
            if !self.held.ends_until(Instant::now().checked_add(KILL_TIMEOUT)).map_err(failed)? {
                let cause = format!(
                    "process {} has not ended {} s after SIGKILL",
                    self.pid(),
                    KILL_TIMEOUT.as_secs()
                );
                return Err(StepError::new("stop", cause)
                    .of(self.file.display().to_string())
                    .status(REFUSED));
            }
        }
        Ok((last, begun.elapsed()))
    }
}
