//! What happened, for the tests: a file with one object of JSON in each line.
//!
//! Every event has `time` (microseconds since the start, on a clock that only goes forward), `event` and `label`. The
//! events, with what else they say:
//!
//! | event | means |
//! | --- | --- |
//! | `ignored` | a key does not count: `key`, `why` |
//! | `loaded` | the job is known |
//! | `spawned` | a process was made: `pid`, `runs` |
//! | `failed` | a step before `exec` did not succeed: `step`, `why`; the process ends with `status` |
//! | `trouble` | something did not succeed and does not matter: `step`, `why` |
//! | `throttled` | the next start is put off: `wait` (microseconds) |
//! | `sent` | a signal went to the job: `signal`, `pid` |
//! | `exited` | the process ended: `pid`, and `status` or `signal` |
//! | `kept` / `idle` | and is to be started again / is not |
//! | `orphan` | a process that no job knows ended: `pid` |
//! | `removed` | the job is no longer known |

use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

/// The event log. A job's process has it too until its `exec`, and each event is one write to the file's end.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    start: Instant,
}

impl Log {
    /// Makes the file, or goes on with it.
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
        // Who waits for the event finds out that it could not be written.
        let _ = (&self.file).write_all(format!("{line}\n").as_bytes());
    }
}
