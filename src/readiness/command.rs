//! The `exec:` probe: a command exits with status 0.

use std::ffi::CString;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::sys::process::{Ended, Side};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::{fd, file, identity, process, signal};

/// The user that a probe's command runs as: the service's, since root could connect where the service cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunAs {
    /// The user of this process.
    Own,
    /// Another user, with these groups.
    Other {
        /// The user ID.
        uid: u32,
        /// The primary group ID.
        gid: u32,
        /// The supplementary groups.
        groups: Vec<u32>,
        /// The user whose group list in the account database equals `groups`.
        member: Option<String>,
    },
}

impl RunAs {
    /// Runs `look`, with the service's rights if `glance` fails with EACCES: root may be denied on NFS with root_squash, on
    /// FUSE, or without `CAP_DAC_OVERRIDE`.
    pub(super) fn as_service_if_denied<T>(
        &self,
        glance: impl FnOnce() -> io::Result<()>,
        look: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        match (self, glance()) {
            (Self::Other { uid, gid, groups, member }, Err(error))
                if error.kind() == io::ErrorKind::PermissionDenied =>
            {
                identity::with_rights_of(*uid, *gid, groups, member.as_deref(), look)
            }
            _ => look(),
        }
    }
}

/// A command that is repeated until it succeeds.
#[derive(Debug)]
pub(super) struct ExecProbe {
    words: Option<[CString; 3]>,
    identity: RunAs,
    environment: Vec<CString>,
    running: Option<RunningCommand>,
    /// When to run it next, as elapsed time.
    next: Duration,
}

/// A command that runs, or whose end has not been seen yet.
#[derive(Debug)]
struct RunningCommand {
    pid: i32,
    /// The pidfd of the command, for the readiness helper, which gets no SIGCHLD. `None` if unsupported.
    end: Option<ProcessHandle>,
}

impl ExecProbe {
    pub(super) fn new(command: &str, identity: RunAs, environment: Vec<CString>) -> Self {
        let words = CString::new(command).ok().map(|command| [c"/bin/sh".into(), c"-c".into(), command]);
        Self { words, identity, environment, running: None, next: Duration::ZERO }
    }

    /// Runs the command when it is due. `child_ended` reports its success.
    pub(super) fn look(&mut self, elapsed: Duration) -> io::Result<bool> {
        if self.running.is_none() && elapsed >= self.next {
            self.running = Some(self.start()?);
        }
        Ok(false)
    }

    pub(super) fn child_ended(&mut self, pid: i32, ended: Ended, elapsed: Duration) -> bool {
        if self.running.as_ref().is_none_or(|running| running.pid != pid) {
            return false;
        }
        self.running = None;
        self.next = elapsed + (elapsed / 10).clamp(Duration::from_millis(50), Duration::from_secs(1));
        ended == Ended::Exited(0)
    }

    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        match &self.running {
            None => Some(self.next.saturating_sub(elapsed)),
            Some(running) => running.end.as_ref().and_then(ProcessHandle::pause),
        }
    }

    /// The descriptor that becomes readable when the command ends.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.running.as_ref()?.end.as_ref()?.descriptor()
    }

    fn start(&self) -> io::Result<RunningCommand> {
        let Some(words) = &self.words else { return Err(io::ErrorKind::InvalidInput.into()) };
        match process::fork()? {
            Side::Parent(pid) => Ok(RunningCommand { pid, end: ProcessHandle::open(pid).unwrap_or(None) }),
            Side::Child => {
                let _ = self.become_command(words);
                process::exit_now(203)
            }
        }
    }

    fn become_command(&self, words: &[CString; 3]) -> io::Result<()> {
        signal::reset_dispositions();
        let null = file::open_null()?;
        for number in 0..3 {
            fd::duplicate_to(&null, number)?;
        }
        fd::keep_only(&[])?;
        file::change_directory(std::path::Path::new("/"))?;
        file::set_umask(0o022);
        if let RunAs::Other { uid, gid, groups, member } = &self.identity {
            identity::set_group(*gid)?;
            identity::set_groups(groups, member.as_deref())?;
            identity::set_user(*uid, Some(groups))?;
        }
        signal::unblock_all()?;
        Err(process::execute(std::ffi::OsStr::new("/bin/sh"), words, &self.environment))
    }
}
