//! Requests to the monitor of a service, over its control socket.

use std::io;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::registry;
use crate::registry::{Monitor, Record};
use crate::sys::process_handle::ProcessHandle;

/// The longest answer.
const MAX_ANSWER_BYTES: u64 = 1 << 16;

/// A living monitor, held by a handle.
#[derive(Debug)]
pub(super) struct HeldMonitor {
    monitor: Monitor,
    pub(super) held: ProcessHandle,
}

/// Why the monitor has not done what it was asked for.
#[derive(Debug)]
pub(super) enum AskError {
    /// It could not be reached.
    Io(io::Error),
    /// It has ended meanwhile.
    Gone,
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl HeldMonitor {
    /// The monitor of the service with this lock and this record. `None` if it has none, or that has ended.
    pub(super) fn of(lock: &Path, record: &Record) -> io::Result<Option<Self>> {
        let living = || match record.monitor {
            // Without /proc the lock tells.
            Some(monitor @ Monitor { start_time: None, pid }) => {
                Ok(registry::is_held_by(lock, pid)?.then_some(monitor))
            }
            Some(_) | None => Ok::<_, io::Error>(record.living_monitor()),
        };
        let Some(monitor) = living()? else { return Ok(None) };
        let Some(held) = ProcessHandle::open(monitor.pid)? else { return Ok(None) };
        // The pid may have been reused before the handle was opened.
        Ok(living()?.map(|monitor| Self { monitor, held }))
    }

    /// Sends a request, and returns the answer. `deadline`: when to give up.
    pub(super) fn ask(
        &self,
        lock: &Path,
        request: &str,
        deadline: Option<Instant>,
    ) -> Result<String, AskError> {
        let mut stream = UnixStream::connect(registry::control_socket(lock, self.monitor.pid))?;
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // A timeout of zero is an error.
        stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
        stream.write_all(format!("{request}\n").as_bytes())?;
        let mut answer = String::new();
        stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer)?;
        if answer.is_empty() { Err(AskError::Gone) } else { Ok(answer.trim_end().to_owned()) }
    }
}
