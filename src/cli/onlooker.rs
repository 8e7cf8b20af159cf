//! What `run` shows a person at a terminal while a daemon starts, and when it runs. Without a terminal: nothing.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use svcadapt::control::{self, RunState, ServiceRef};
use svcadapt::internal::{LogSource, Outcome, escape_control};
use svcadapt_spec::{Probe, ServiceSpec};

/// A start takes longer than this before the line about it appears: most are ready at once.
const UNTIL_SHOWN: Duration = Duration::from_millis(500);

/// How often the line changes.
const INTERVAL: Duration = Duration::from_millis(250);

/// To the beginning of the line, which is erased (console_codes(4)).
const CLEAR_LINE: &str = "\r\x1b[K";

/// The bytes of the log that are shown at one time. A program that writes faster is shown with gaps.
const MAX_SHOWN: u64 = 16 * 1024;

/// A person at a terminal who waits for a start.
pub(crate) struct Onlooker {
    target: Option<ServiceRef>,
    name: String,
    started_at: Instant,
    /// Whether the spec says when it is ready, more than that it runs.
    has_probes: bool,
    place: LogSource,
    view: RefCell<View>,
}

/// What is on the screen.
struct View {
    looked_at: Instant,
    /// Whether the line of the progress is there.
    line: bool,
    log: Option<Log>,
}

/// The program's log file, from where it ended before the start.
struct Log {
    path: PathBuf,
    inode: u64,
    offset: u64,
    /// The beginning of a line that is not whole yet.
    rest: Vec<u8>,
}

impl Onlooker {
    /// Whether a person looks on.
    pub(crate) fn is_there() -> bool {
        io::stderr().is_terminal()
    }

    /// The person who waits for this daemon.
    pub(crate) fn of(spec: &ServiceSpec) -> Self {
        let place = LogSource::of(spec);
        let log = match &place {
            LogSource::File(path) => Some(Log::at_end(path)),
            _ => None,
        };
        let program = || spec.command.program.to_string_lossy().into_owned();
        Self {
            target: spec.name.clone().map(ServiceRef::Name),
            name: spec.name.as_ref().map_or_else(program, ToString::to_string),
            started_at: Instant::now(),
            has_probes: spec.ready.iter().any(|probe| !matches!(probe, Probe::Alive(_))),
            place,
            view: RefCell::new(View { looked_at: Instant::now(), line: false, log }),
        }
    }

    /// Shows new lines of the program, and that the start goes on, with what the program says of itself.
    pub(crate) fn progress(&self, status: Option<&str>) {
        let waited = self.started_at.elapsed();
        let mut view = self.view.borrow_mut();
        if waited < UNTIL_SHOWN || view.looked_at.elapsed() < INTERVAL {
            return;
        }
        view.looked_at = Instant::now();
        let mut text = view.lines();
        let said = status.map(str::to_owned).or_else(|| {
            let found = control::status(self.target.as_ref()?);
            found.monitor?.text
        });
        let said = said.map(|said| format!(": {}", cut(&escape_control(&said)))).unwrap_or_default();
        let _ = write!(text, "{CLEAR_LINE}{}: starting, {} s{said}", self.name, waited.as_secs());
        view.line = true;
        show(&text);
    }

    /// Removes the line of the progress, and says that the service runs.
    pub(crate) fn end(&self, outcome: &Outcome) {
        let mut view = self.view.borrow_mut();
        let mut text = String::new();
        let had_line = std::mem::take(&mut view.line);
        if had_line {
            text += CLEAR_LINE;
        }
        // The message of a failure has the last lines itself.
        if matches!(outcome, Outcome::Ready) {
            if had_line {
                text += &view.lines();
            }
            text += &self.ready();
        }
        show(&text);
    }

    /// Such as `web: running, pid 4711, ready after 0.8 s; logs: /var/log/svcadapt/web.log`.
    fn ready(&self) -> String {
        let after = format!("{:.1} s", self.started_at.elapsed().as_secs_f64());
        let pid = self.target.as_ref().and_then(|target| match control::status(target).state {
            RunState::Running(pid, _) => Some(pid),
            _ => None,
        });
        let state = match pid {
            Some(pid) if self.has_probes => format!("running, pid {pid}, ready after {after}"),
            Some(pid) => format!("running, pid {pid}"),
            None => format!("done after {after}"),
        };
        let logs = match &self.place {
            LogSource::File(path) => format!("; logs: {}", escape_control(&path.display().to_string())),
            LogSource::Journal(name) => format!("; logs: the journal, `svcadapt logs {name}`"),
            LogSource::Elsewhere(_) => String::new(),
        };
        format!("{}: {state}{logs}\n", self.name)
    }
}

impl View {
    /// The new whole lines of the log, for a terminal.
    fn lines(&mut self) -> String {
        let Some(log) = &mut self.log else { return String::new() };
        let mut text = String::new();
        for line in log.new_lines() {
            let clear = if self.line && text.is_empty() { CLEAR_LINE } else { "" };
            let _ = writeln!(text, "{clear}  {}", escape_control(&line.replace('\t', "        ")));
        }
        text
    }
}

impl Log {
    fn at_end(path: &Path) -> Self {
        let known = path.symlink_metadata().ok();
        let (inode, offset) = known.map_or((0, 0), |known| (known.ino(), known.len()));
        Self { path: path.to_owned(), inode, offset, rest: Vec::new() }
    }

    /// Nothing if the file cannot be read: the person has the log.
    fn new_lines(&mut self) -> Vec<String> {
        let Ok(Some(mut file)) = self.open() else { return Vec::new() };
        let mut new = Vec::new();
        let read =
            file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.take(MAX_SHOWN).read_to_end(&mut new));
        if read.is_err() {
            return Vec::new();
        }
        self.offset += new.len() as u64;
        self.rest.extend(new);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }

    /// Only a regular file, and not by a link: what lies in the service's reach may be anything.
    fn open(&mut self) -> io::Result<Option<File>> {
        let Some(file) = svcadapt::internal::untrusted::open(&self.path)? else { return Ok(None) };
        let known = file.metadata()?;
        if known.ino() != self.inode {
            (self.inode, self.offset) = (known.ino(), 0);
        }
        Ok(Some(file))
    }
}

/// The beginning of a text that fits into a line.
fn cut(text: &str) -> String {
    const MAX_CHARS: usize = 50;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Writes to the terminal. If it is gone, no person looks on.
fn show(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
