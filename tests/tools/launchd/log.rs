//! The event log for the tests: a file with one JSON object per line.
//!
//! Every event has `time` (microseconds since the start, monotonic clock), `event` and `label`. The events, with their other
//! keys:
//!
//! | event | meaning |
//! | --- | --- |
//! | `ignored` | a key is ignored: `key`, `why` |
//! | `loaded` | the job was loaded |
//! | `spawned` | a process was started: `pid`, `runs` |
//! | `failed` | a step before `exec` failed: `step`, `why`; the process ends with `status` |
//! | `trouble` | an optional step failed: `step`, `why` |
//! | `throttled` | the next start is delayed: `wait` (microseconds) |
//! | `sent` | a signal was sent to the job: `signal`, `pid` |
//! | `exited` | the process ended: `pid`, and `status` or `signal` |
//! | `kept` / `idle` | the job will be restarted / will not |
//! | `orphan` | a process that belongs to no job ended: `pid` |
//! | `removed` | the job was unloaded |

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

/// The event log. A job's process also writes to it until its `exec`; each event is one append.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    start: Instant,
}

impl Log {
    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, start: Instant::now() })
    }

    /// Adds an event. `more` is an object.
    pub(crate) fn say(&self, event: &str, label: &str, more: &Value) {
        let time = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut line = json!({ "time": time, "event": event, "label": label });
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        // Ignore errors: a test that waits for the event will fail.
        let _ = (&self.file).write_all(format!("{line}\n").as_bytes());
    }
}
