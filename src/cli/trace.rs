//! `run --trace FILE`: draws a start, as a picture (`.svg`) or for a trace viewer (`.json`).
//!
//! The launcher looks at its processes in /proc whenever it wakes up, so a moment has the time of the look that has found it.

mod draw;
mod history;
mod sample;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, value_parser};
use svcadapt::detect::Mode;
use svcadapt::internal::{LogSource, Outcome};
use svcadapt::{StepError, USAGE};
use svcadapt_hosts::{OutputFile, deliver};
use svcadapt_spec::ServiceSpec;

use self::history::History;

const OPTION: &str = "trace";

/// The option of `run`.
pub(crate) fn option() -> Arg {
    Arg::new(OPTION)
        .long(OPTION)
        .value_name("FILE")
        .help("Draw the start of a daemon into this file: a picture (.svg), or for a trace viewer (.json)")
        .value_parser(value_parser!(PathBuf))
}

/// A start that is drawn.
pub(crate) struct Trace {
    directory: PathBuf,
    file: String,
    form: Form,
    history: RefCell<History>,
}

enum Form {
    Picture,
    /// The trace event format, which browsers and Perfetto read.
    Events,
}

impl Trace {
    /// The one that the options ask for.
    pub(crate) fn of(
        matches: &ArgMatches,
        spec: &ServiceSpec,
        mode: Mode,
    ) -> Result<Option<Self>, StepError> {
        let Some(path) = matches.get_one::<PathBuf>(OPTION) else { return Ok(None) };
        let refused = |cause: &str| StepError::new(OPTION, cause).of(path.to_string_lossy()).status(USAGE);
        if mode == Mode::Supervised {
            let hint = "use --mode classic: then a launcher waits, and can look";
            return Err(refused(
                "here svcadapt becomes the program, so no process is left that could draw its start",
            )
            .hint(hint));
        }
        if !sample::is_possible() {
            return Err(refused(
                "this system has no list of a process' children (/proc/PID/task/TID/children)",
            ));
        }
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => Form::Picture,
            Some("json") => Form::Events,
            _ => return Err(refused("unknown kind of file").hint("name it FILE.svg or FILE.json")),
        };
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(refused("not a name of a file"));
        };
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let log = match LogSource::of(spec) {
            LogSource::File(path) => Some(path),
            _ => None,
        };
        let name = spec.name.as_ref().map_or_else(String::new, ToString::to_string);
        let history = RefCell::new(History::begin(name, log));
        Ok(Some(Self { directory, file: file.to_owned(), form, history }))
    }

    /// Looks what has happened since the last look.
    pub(crate) fn look(&self) {
        self.history.borrow_mut().look();
    }

    /// Draws the start.
    pub(crate) fn end(&self, outcome: &Outcome) -> Result<(), StepError> {
        let mut history = self.history.borrow_mut();
        history.look();
        history.end(if matches!(outcome, Outcome::Ready) { "ready" } else { "failed" });
        let text = match self.form {
            Form::Picture => draw::picture(&history),
            Form::Events => draw::events(&history),
        };
        deliver(&self.directory, &[OutputFile::read_only(self.file.clone(), text.into_bytes())])
    }
}
