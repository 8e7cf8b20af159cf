//! Probes that a child performs: the command of `exec:` exits with 0, the request of `http://` is answered.

use std::ffi::CString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use svcadapt_spec::HttpUrl;

use super::http;
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

/// What the child does.
#[derive(Debug)]
enum Task {
    /// Executes these words. `None`: the command has a NUL.
    Shell(Option<[CString; 3]>),
    Get(SocketAddr, HttpUrl),
}

/// A task that is repeated until it succeeds.
#[derive(Debug)]
pub(super) struct ChildProbe {
    task: Task,
    identity: RunAs,
    environment: Vec<CString>,
    running: Option<RunningChild>,
    /// When to run it next, as elapsed time.
    next: Duration,
}

/// How long a server may take to answer a request.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A child that runs, or whose end has not been seen yet.
#[derive(Debug)]
struct RunningChild {
    pid: i32,
    /// The pidfd of the child, for the readiness helper, which gets no SIGCHLD. `None` if unsupported.
    end: Option<ProcessHandle>,
}

impl ChildProbe {
    pub(super) fn shell(command: &str, identity: RunAs, environment: Vec<CString>) -> Self {
        let words = CString::new(command).ok().map(|command| [c"/bin/sh".into(), c"-c".into(), command]);
        Self { task: Task::Shell(words), identity, environment, running: None, next: Duration::ZERO }
    }

    pub(super) fn get(address: SocketAddr, url: HttpUrl, identity: RunAs) -> Self {
        let task = Task::Get(address, url);
        Self { task, identity, environment: Vec::new(), running: None, next: Duration::ZERO }
    }

    /// Whether the child shall be started now.
    pub(super) fn is_due(&self, elapsed: Duration) -> bool {
        self.running.is_none() && elapsed >= self.next
    }

    /// Starts the child when it is due. `child_ended` reports its success.
    pub(super) fn look(&mut self, elapsed: Duration) -> io::Result<bool> {
        if self.is_due(elapsed) {
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

    /// The child that runs.
    pub(super) fn pid(&self) -> Option<i32> {
        self.running.as_ref().map(|running| running.pid)
    }

    /// Kills the child that runs, with what it has started. One without a handle is left to the end of the service.
    pub(super) fn kill(&self) {
        if let Some(RunningChild { end: Some(held), pid }) = &self.running {
            // While it lives no other group has its number; it may not lead one yet.
            if held.has_ended().is_ok_and(|ended| !ended) {
                let _ = signal::send_to_group(*pid, signal::SIGKILL);
            }
            let _ = held.send(signal::SIGKILL);
        }
    }

    pub(super) fn pause(&self, elapsed: Duration) -> Option<Duration> {
        match &self.running {
            None => Some(self.next.saturating_sub(elapsed)),
            Some(running) => running.end.as_ref().and_then(ProcessHandle::pause),
        }
    }

    /// The descriptor that becomes readable when the child ends.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.running.as_ref()?.end.as_ref()?.descriptor()
    }

    fn start(&self) -> io::Result<RunningChild> {
        if let Task::Shell(None) = self.task {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match process::fork()? {
            Side::Parent(pid) => Ok(RunningChild { pid, end: ProcessHandle::open(pid).unwrap_or(None) }),
            Side::Child => {
                let done = self.perform();
                process::exit_now(if done.is_ok() { 0 } else { 203 })
            }
        }
    }

    /// Performs the task in the child.
    fn perform(&self) -> io::Result<()> {
        signal::reset_dispositions();
        process::new_session()?;
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
        match &self.task {
            Task::Shell(Some(words)) => {
                Err(process::execute(std::ffi::OsStr::new("/bin/sh"), words, &self.environment))
            }
            Task::Shell(None) => Err(io::ErrorKind::InvalidInput.into()),
            Task::Get(address, url) => http::get(*address, url, Instant::now() + ANSWER_TIMEOUT),
        }
    }
}
