//! A service as it was described: by a file, and by what was typed over it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::ArgMatches;
use clap::parser::ValueSource;
use svcadapt::StepError;
use svcadapt::internal::{error_text, untrusted};
use svcadapt_convert::LARGEST;
use svcadapt_convert::divide::Subject;
use svcadapt_convert::divide::internal::{is_idle, keep_alive};
use svcadapt_convert::json::read as read_json;
use svcadapt_convert::plist::{Kept, ON_DEMAND_ONLY, Original as OriginalJob, read as read_plist};
use svcadapt_convert::unit::Original;
use svcadapt_spec::{Directive, Native, NativeValue, Origin, Scope, SpecDraft, SpecError};

use super::report::report_all;
use super::unit_file::WithSockets;
use super::{args, unit_file, unit_path};

/// What a file says, and what of it is not to be had.
#[derive(Default)]
pub(crate) struct Loaded {
    /// What it says of the service.
    pub(crate) draft: SpecDraft,
    /// What the file's own host would pass over, or what is not quite the same anywhere else.
    pub(crate) warnings: Vec<StepError>,
    /// What svcadapt does not act on, with its place. The draft has it, too, in the words of the file's own host.
    pub(crate) kept: Vec<StepError>,
    /// Where the words of the file's own host stand that the draft has.
    pub(crate) places: Vec<(Subject, Origin)>,
    /// What belongs to it and stands in files that were not read. Their own host reads them, whatever is written here.
    pub(crate) elsewhere: Vec<StepError>,
    /// The file itself, where its own host can have it back in the words in which it was written.
    pub(crate) source: Option<Source>,
    /// What a reader may want to know, and nothing follows from.
    pub(crate) notes: Vec<StepError>,
}

/// A file as it lies there.
pub(crate) enum Source {
    /// A unit, and the drop-ins that were read with it.
    Unit(Box<Original>, Vec<PathBuf>),
    /// A property list.
    Plist(OriginalJob),
}

impl Loaded {
    /// Takes the lines that say what to start, where that is nothing that svcadapt starts: they are why there is no
    /// program to run. With them comes all else that is wrong.
    pub(crate) fn not_started(&mut self) -> Vec<StepError> {
        let command = |kept: &StepError| kept.stage.ends_with(": ExecStart=");
        if !self.kept.iter().any(command) {
            return Vec::new();
        }
        let Err(problems) = self.draft.clone().finish() else { return Vec::new() };
        let (missing, other): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.field.is_none() && problem.value.is_none());
        if missing.is_empty() {
            return Vec::new();
        }
        let (why, kept) = std::mem::take(&mut self.kept).into_iter().partition(command);
        self.kept = kept;
        [other.into_iter().map(of_spec).collect(), why].concat()
    }
}

/// The file that was named, if one was, with the options and the command laid over it.
pub(crate) fn given(matches: &ArgMatches) -> Result<Loaded, Vec<StepError>> {
    let mut loaded = match matches.get_one::<PathBuf>(args::SPEC) {
        Some(path) => load(&unit_path::find(path, scope(matches)).map_err(|error| vec![error])?)?,
        None => Loaded::default(),
    };
    report_all(std::mem::take(&mut loaded.notes));
    args::lay(&mut loaded.draft, matches);
    Ok(loaded)
}

/// Whose units are meant, where that can be said.
fn scope(matches: &ArgMatches) -> Option<Scope> {
    let said = matches.try_get_one::<String>("scope").ok().flatten()?;
    let typed = matches.value_source("scope") == Some(ValueSource::CommandLine);
    typed.then(|| if said == "user" { Scope::User } else { Scope::System })
}

/// Reads a file, as the kind that the end of its name says.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<StepError>> {
    let all = |problems: Vec<SpecError>| problems.into_iter().map(of_spec).collect::<Vec<_>>();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("service") => unit_file::load(path, WithSockets::WhereSaid),
        Some("socket") => unit_file::load_of_socket(path),
        Some("json") => {
            let bytes = content(path)?;
            let draft = read_json(&bytes, path).map_err(all)?;
            let kept = native(draft.native_part(), path);
            let places = places(draft.native_part(), path);
            Ok(Loaded { draft, kept, places, ..Loaded::default() })
        }
        Some("plist") => {
            let bytes = content(path)?;
            let reading = read_plist(&bytes, path).map_err(all)?;
            let in_order = |mut problems: Vec<SpecError>| {
                problems.sort_by_key(|problem| line_and_column(problem.origin.as_ref()));
                all(problems)
            };
            let place = |kept: &Kept| (Subject::Key(kept.key.clone()), kept.origin.clone());
            let places = reading.kept.iter().map(place).collect();
            let off = |kept: &Kept| kept.value.as_ref().is_some_and(is_off);
            let kept = reading.kept.into_iter().filter(|kept| !off(kept)).map(|kept| SpecError {
                field: None,
                value: Some(kept.key),
                origin: Some(kept.origin),
                refusal: NOT_ACTED_ON.into(),
            });
            // What is written for launchd again, or by hand started under systemd, is not started at once.
            let at_once = |problem: &SpecError| problem.refusal.cause == ON_DEMAND_ONLY;
            let (at_once, warnings): (Vec<_>, Vec<_>) = reading.warnings.into_iter().partition(at_once);
            let kept = in_order(kept.chain(at_once).collect());
            Ok(Loaded {
                draft: reading.draft,
                warnings: in_order(warnings),
                kept,
                places,
                source: OriginalJob::new(path, bytes).map(Source::Plist),
                ..Loaded::default()
            })
        }
        _ => {
            let error = StepError::new("spec", "no kind of file that describes a service");
            let hint =
                "its name ends in .service, .socket, .plist or .json; a program to run stands after '--'";
            Err(vec![error.of(path.display().to_string()).hint(hint)])
        }
    }
}

/// What is told of a key of launchd's that is not for us.
const NOT_ACTED_ON: &str = "svcadapt does not act on it";

/// A key that is off asks for nothing.
fn is_off(value: &NativeValue) -> bool {
    *value == NativeValue::Boolean(false)
}

/// What a field says as well, of which the same is told.
fn is_restart(key: &str, value: &NativeValue) -> bool {
    key == "KeepAlive" && keep_alive(value).is_some()
}

/// What JSON says in the words of one host, as it is told of that host's own files.
fn native(said: &Native, path: &Path) -> Vec<StepError> {
    let place = path.display();
    let directive =
        |line: &Directive| StepError::new(format!("{place}: {}=", line.name()), "not honoured here");
    let key = |key: &str| StepError::new(place.to_string(), NOT_ACTED_ON).of(key);
    let lines = said.systemd.iter().flatten().filter(|line| !is_idle(line)).map(directive);
    let keys = said.launchd.iter().filter(|(name, value)| !is_off(value) && !is_restart(name, value));
    let keys = keys.map(|(name, _)| key(name));
    lines.chain(keys).collect()
}

/// The same of losses: JSON has no lines that would help a reader.
fn places(said: &Native, path: &Path) -> Vec<(Subject, Origin)> {
    let lines = said.systemd.iter().flatten().map(|line| Subject::Directive(line.clone()));
    let keys = said.launchd.iter().map(|(key, _)| Subject::Key(key.clone()));
    lines.chain(keys).map(|subject| (subject, Origin::in_file(path, None))).collect()
}

/// What stands in a property list or in JSON.
fn content(path: &Path) -> Result<Vec<u8>, Vec<StepError>> {
    read(path, LARGEST).map_err(|error| vec![unreadable(path, &error)])
}

/// A file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> StepError {
    StepError::new("spec", error_text(error)).of(path.display().to_string())
}

/// A file of at most so many bytes, or its first bytes and one more than that.
pub(super) fn read(path: &Path, largest: usize) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer, and opening a device may do something. So it is looked at before; and as
    // it may be exchanged in between, it is opened as if it were one, and looked at again.
    let most = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    match untrusted::read(&fs::canonicalize(path)?, most)? {
        Some(file) => Ok(file.content),
        None => Err(io::Error::other("not a regular file")),
    }
}

pub(super) fn of_spec(problem: SpecError) -> StepError {
    let SpecError { field, value, origin, refusal } = problem;
    let mut stage = origin.as_ref().map_or_else(|| "spec".to_owned(), place);
    if let (Some(field), Some(origin)) = (field, &origin) {
        stage = format!("{stage}: {}", origin.name(field));
    }
    let error = StepError { object: value, hint: refusal.hint, ..StepError::new(stage, refusal.cause) };
    match &origin {
        Some(origin) => with_line(error, origin),
        None => error,
    }
}

/// In the order in which a person reads the file.
fn line_and_column(origin: Option<&Origin>) -> Option<(usize, usize)> {
    match origin {
        Some(Origin::File { spot: Some(spot), .. }) => Some((spot.line, spot.column)),
        _ => None,
    }
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Option => "options".to_owned(),
        Origin::File { path, spot: None, .. } => path.display().to_string(),
        Origin::File { path, spot: Some(spot), .. } => {
            format!("{}:{}:{}", path.display(), spot.line, spot.column)
        }
    }
}

/// The same with the line that it is about, and a caret.
fn with_line(mut error: StepError, origin: &Origin) -> StepError {
    if let Origin::File { spot: Some(spot), .. } = origin {
        // Each line after the mark that stands before all that is quoted.
        let text = spot.to_string();
        error.output = text.lines().filter_map(|line| line.strip_prefix("  | ")).map(str::to_owned).collect();
    }
    error
}
