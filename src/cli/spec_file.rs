//! Loads the description of a service: a file, overridden by options.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::ArgMatches;
use clap::parser::ValueSource;
use svcadapt::StepError;
use svcadapt::internal::{error_text, untrusted};
use svcadapt_convert::MAX_FILE_BYTES;
use svcadapt_convert::divide::Subject;
use svcadapt_convert::divide::internal::{has_no_effect, keep_alive};
use svcadapt_convert::json::read as read_json;
use svcadapt_convert::plist::{ON_DEMAND_ONLY, OriginalJob, UnmappedKey, read as read_plist};
use svcadapt_convert::unit::OriginalUnit;
use svcadapt_spec::{Directive, Native, NativeValue, Origin, Scope, SpecDraft, SpecError};

use super::report::report_all;
use super::unit_file::WithSockets;
use super::{args, unit_file, unit_path};

/// A loaded file, with messages about it.
#[derive(Default)]
pub(crate) struct Loaded {
    /// The settings.
    pub(crate) draft: SpecDraft,
    /// Settings that the file's own host ignores, or that mean something slightly different on other hosts.
    pub(crate) warnings: Vec<StepError>,
    /// Settings that svcadapt does not act on, with their places. The draft keeps them as native lines or keys.
    pub(crate) unsupported: Vec<StepError>,
    /// The places of the draft's native lines and keys.
    pub(crate) places: Vec<(Subject, Origin)>,
    /// Settings in files that were not read; the file's own host reads them in any case.
    pub(crate) elsewhere: Vec<StepError>,
    /// The source text, if it can be rewritten for its own host.
    pub(crate) source: Option<Source>,
    /// Remarks without consequences.
    pub(crate) notes: Vec<StepError>,
}

/// The source text of a file.
pub(crate) enum Source {
    /// A unit, and the drop-ins that were read with it.
    Unit(Box<OriginalUnit>, Vec<PathBuf>),
    /// A property list.
    Plist(OriginalJob),
}

impl Loaded {
    /// The errors of a file whose only commands are `ExecStart=` lines that svcadapt cannot start. They replace the
    /// error that there is no program, are removed from `unsupported`, and come with all other errors of the draft.
    pub(crate) fn unsupported_commands(&mut self) -> Vec<StepError> {
        let is_command = |setting: &StepError| setting.stage.ends_with(": ExecStart=");
        if !self.unsupported.iter().any(is_command) {
            return Vec::new();
        }
        let Err(problems) = self.draft.clone().finish() else { return Vec::new() };
        let (missing, other): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.field.is_none() && problem.value.is_none());
        if missing.is_empty() {
            return Vec::new();
        }
        let (commands, unsupported) = std::mem::take(&mut self.unsupported).into_iter().partition(is_command);
        self.unsupported = unsupported;
        [other.into_iter().map(of_spec).collect(), commands].concat()
    }
}

/// Loads the file, if one is named, and applies the options and the command. Prints the notes.
pub(crate) fn load_with_options(matches: &ArgMatches) -> Result<Loaded, Vec<StepError>> {
    let mut loaded = match matches.get_one::<PathBuf>(args::SPEC) {
        Some(path) => load(&unit_path::find(path, scope(matches)).map_err(|error| vec![error])?)?,
        None => Loaded::default(),
    };
    report_all(std::mem::take(&mut loaded.notes));
    args::apply(&mut loaded.draft, matches);
    Ok(loaded)
}

/// The value of `--scope`, if the command has this option and it is set.
fn scope(matches: &ArgMatches) -> Option<Scope> {
    let scope = matches.try_get_one::<String>("scope").ok().flatten()?;
    let is_set = matches.value_source("scope") == Some(ValueSource::CommandLine);
    is_set.then(|| if scope == "user" { Scope::User } else { Scope::System })
}

/// Reads a file; the end of its name decides its kind.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<StepError>> {
    let all = |problems: Vec<SpecError>| problems.into_iter().map(of_spec).collect::<Vec<_>>();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("service") => unit_file::load(path, WithSockets::IfReferenced),
        Some("socket") => unit_file::load_of_socket(path),
        Some("json") => {
            let bytes = content(path)?;
            let draft = read_json(&bytes, path).map_err(all)?;
            let unsupported = native(draft.native_part(), path);
            let places = places(draft.native_part(), path);
            Ok(Loaded { draft, unsupported, places, ..Loaded::default() })
        }
        Some("plist") => {
            let bytes = content(path)?;
            let reading = read_plist(&bytes, path).map_err(all)?;
            let in_order = |mut problems: Vec<SpecError>| {
                problems.sort_by_key(|problem| line_and_column(problem.origin.as_ref()));
                all(problems)
            };
            let place =
                |unmapped: &UnmappedKey| (Subject::Key(unmapped.key.clone()), unmapped.origin.clone());
            let places = reading.unmapped.iter().map(place).collect();
            let is_on = |unmapped: &UnmappedKey| !unmapped.value.as_ref().is_some_and(is_off);
            let unsupported = reading.unmapped.into_iter().filter(is_on).map(|unmapped| SpecError {
                field: None,
                value: Some(unmapped.key),
                origin: Some(unmapped.origin),
                error: NOT_ACTED_ON.into(),
            });
            // Only `run` starts an on-demand job at once; a generated file keeps the start on demand.
            let is_on_demand = |problem: &SpecError| problem.error.cause == ON_DEMAND_ONLY;
            let (on_demand, warnings): (Vec<_>, Vec<_>) =
                reading.warnings.into_iter().partition(is_on_demand);
            let unsupported = in_order(unsupported.chain(on_demand).collect());
            Ok(Loaded {
                draft: reading.draft,
                warnings: in_order(warnings),
                unsupported,
                places,
                source: OriginalJob::new(path, bytes).map(Source::Plist),
                ..Loaded::default()
            })
        }
        _ => {
            let error = StepError::new("spec", "unknown kind of file");
            let hint =
                "the name must end in .service, .socket, .plist or .json; a program to run goes after '--'";
            Err(vec![error.of(path.display().to_string()).hint(hint)])
        }
    }
}

/// The cause of a message about an unsupported launchd key.
const NOT_ACTED_ON: &str = "svcadapt does not act on it";

/// Whether the key is `false`, and so has no effect.
fn is_off(value: &NativeValue) -> bool {
    *value == NativeValue::Boolean(false)
}

/// Whether the key is expressed by the field `restart` too, which has its own message.
fn is_restart(key: &str, value: &NativeValue) -> bool {
    key == "KeepAlive" && keep_alive(value).is_some()
}

/// Messages about the native lines and keys in JSON, worded as those about the host's own files.
fn native(native: &Native, path: &Path) -> Vec<StepError> {
    let place = path.display();
    let directive =
        |line: &Directive| StepError::new(format!("{place}: {}=", line.name()), "not honoured here");
    let key = |key: &str| StepError::new(place.to_string(), NOT_ACTED_ON).of(key);
    let lines = native.systemd.iter().flatten().filter(|line| !has_no_effect(line)).map(directive);
    let keys = native.launchd.iter().filter(|(name, value)| !is_off(value) && !is_restart(name, value));
    let keys = keys.map(|(name, _)| key(name));
    lines.chain(keys).collect()
}

/// The places of the native lines and keys in JSON: only the file, without line numbers.
fn places(native: &Native, path: &Path) -> Vec<(Subject, Origin)> {
    let lines = native.systemd.iter().flatten().map(|line| Subject::Directive(line.clone()));
    let keys = native.launchd.iter().map(|(key, _)| Subject::Key(key.clone()));
    lines.chain(keys).map(|subject| (subject, Origin::in_file(path, None))).collect()
}

/// The content of a property list or a JSON file.
fn content(path: &Path) -> Result<Vec<u8>, Vec<StepError>> {
    read(path, MAX_FILE_BYTES).map_err(|error| vec![unreadable(path, &error)])
}

/// The error for a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> StepError {
    StepError::new("spec", error_text(error)).of(path.display().to_string())
}

/// Reads a regular file, at most `max_bytes` + 1 bytes of it, so that the caller can detect a longer one.
pub(super) fn read(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    // Opening a pipe would block until there is a writer, and opening a device may have effects. So the file is checked
    // before; and because it may be replaced in between, it is opened without blocking and checked again.
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    match untrusted::read(&fs::canonicalize(path)?, limit)? {
        Some(file) => Ok(file.content),
        None => Err(io::Error::other("not a regular file")),
    }
}

/// The message for an error in a spec, with its place and the source line.
pub(super) fn of_spec(problem: SpecError) -> StepError {
    let SpecError { field, value, origin, error } = problem;
    let mut stage = origin.as_ref().map_or_else(|| "spec".to_owned(), place);
    if let (Some(field), Some(origin)) = (field, &origin) {
        stage = format!("{stage}: {}", origin.name(field));
    }
    let error = StepError { object: value, hint: error.hint, ..StepError::new(stage, error.cause) };
    match &origin {
        Some(origin) => with_line(error, origin),
        None => error,
    }
}

/// The sort key for messages about one file.
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

/// Adds the source line, and a caret below the place.
fn with_line(mut error: StepError, origin: &Origin) -> StepError {
    if let Origin::File { spot: Some(spot), .. } = origin {
        // Strip the prefix of quoted lines.
        let text = spot.to_string();
        error.output = text.lines().filter_map(|line| line.strip_prefix("  | ")).map(str::to_owned).collect();
    }
    error
}
