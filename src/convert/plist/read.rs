//! Reads a property list into a draft.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::{Field, NativeValue as Native, Origin, Restart, SpecDraft, SpecError, ValueError};

use super::keys::{KeySupport, ROWS};
use super::tree::{Entry, Integer, Node, PlistError, Value};
use super::{binary, keys, shape, xml};
use crate::MAX_FILE_BYTES;
use crate::divide::{keep_alive, starts_at_once};
use crate::lines::LineIndex;

/// The content of a property list.
#[derive(Debug, Clone)]
pub struct ParsedJob {
    /// The keys that a spec has fields for.
    pub draft: SpecDraft,
    /// The label of the job.
    pub label: Option<String>,
    /// The keys that launchd honours and svcadapt does not.
    pub unmapped: Vec<UnmappedKey>,
    /// The keys and values that launchd ignores, or that have a slightly different effect here.
    pub warnings: Vec<SpecError>,
}

/// A key that launchd honours and svcadapt does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedKey {
    /// The key.
    pub key: String,
    /// The value. `None` for a real, a date or data, which a spec cannot hold.
    pub value: Option<Native>,
    /// The file and line.
    pub origin: Origin,
}

/// Reads the XML or binary property list of a job. `path` is used in messages.
///
/// An invalid value of a key that svcadapt honours is an error, although launchd would ignore it; of another key it is
/// a warning.
pub fn read(bytes: &[u8], path: &Path) -> Result<ParsedJob, Vec<SpecError>> {
    if bytes.len() > MAX_FILE_BYTES {
        let origin = Some(Origin::in_file(path, None));
        let error = ValueError::from("larger than 1 MiB");
        return Err(vec![SpecError { field: None, value: None, origin, error }]);
    }
    let mut job = JobReader::new(LineIndex::new(path, bytes));
    match tree(bytes) {
        Ok(Node { value: Value::Dictionary(entries), offset }) => {
            job.sort(entries);
            job.fields(offset);
            let keys = job.reading.unmapped.iter();
            let keys = keys.filter_map(|unmapped| Some((unmapped.key.clone(), unmapped.value.clone()?)));
            let keys = keys.chain(std::mem::take(&mut job.inexact_keys)).collect();
            job.reading.draft.native(svcadapt_spec::Native { systemd: None, launchd: keys });
        }
        Ok(node) => {
            job.problem(node.offset, format!("expected a dictionary, found {}", node.value.kind()));
        }
        Err(PlistError { offset, error }) => job.problem(offset, error),
    }
    if job.problems.is_empty() { Ok(job.reading) } else { Err(job.problems) }
}

/// The value for the native part of a spec.
fn native(node: &Node) -> Option<Native> {
    Some(match &node.value {
        Value::String(text) => Native::String(text.clone()),
        Value::Integer(Integer { number, .. }) => Native::Integer(i64::try_from(*number).ok()?),
        Value::Boolean(truth) => Native::Boolean(*truth),
        Value::Array(nodes) => Native::Array(nodes.iter().map(native).collect::<Option<_>>()?),
        Value::Dictionary(entries) => {
            let pair = |entry: &Entry| Some((entry.key.clone(), native(&entry.node)?));
            Native::Dict(entries.iter().map(pair).collect::<Option<_>>()?)
        }
        Value::Real | Value::Date | Value::Data | Value::Uid => return None,
    })
}

impl Node {
    /// The restart policy of this value of `KeepAlive`.
    pub(super) fn restart(&self) -> Option<Restart> {
        keep_alive(&native(self)?)
    }

    /// Whether this value of `KeepAlive` starts the job at once.
    pub(super) fn starts_at_once(&self) -> bool {
        native(self).is_some_and(|value| starts_at_once(&value))
    }
}

pub(super) fn tree(bytes: &[u8]) -> Result<Node, PlistError> {
    if bytes.starts_with(binary::MAGIC) { binary::parse(bytes) } else { xml::parse(bytes) }
}

/// The state while a job is read.
pub(super) struct JobReader<'a> {
    lines: LineIndex<'a>,
    reading: ParsedJob,
    problems: Vec<SpecError>,
    /// The keys with fields, each with a value of the right type.
    values: BTreeMap<&'static str, Node>,
    /// Keys that a field represents too, but not exactly.
    inexact_keys: Vec<(String, Native)>,
}

impl<'a> JobReader<'a> {
    fn new(lines: LineIndex<'a>) -> Self {
        let reading =
            ParsedJob { draft: SpecDraft::new(), label: None, unmapped: Vec::new(), warnings: Vec::new() };
        Self { lines, reading, problems: Vec::new(), values: BTreeMap::new(), inexact_keys: Vec::new() }
    }

    /// The fields that have been assigned so far.
    pub(super) fn draft(&self) -> &SpecDraft {
        &self.reading.draft
    }

    /// Checks every key, and collects those that a spec has a field for.
    fn sort(&mut self, entries: Vec<Entry>) {
        for Entry { key, node } in entries {
            let Some(row) = ROWS.iter().find(|row| row.name == key) else {
                let mismatch = shape::unknown(&key, &node, ROWS.iter().map(|row| row.name));
                self.warn(mismatch.offset, mismatch.error);
                continue;
            };
            let mismatches = shape::mismatches(row.name, &node, row.shapes);
            let valid = mismatches.is_empty();
            for mismatch in mismatches {
                match row.support {
                    KeySupport::Field => self.problem(mismatch.offset, mismatch.error),
                    KeySupport::LaunchdOnly | KeySupport::Obsolete => {
                        self.warn(mismatch.offset, mismatch.error);
                    }
                }
            }
            match row.support {
                _ if !valid => (),
                KeySupport::Field => {
                    self.values.insert(row.name, node);
                }
                KeySupport::LaunchdOnly => self.keep(row.name, &node),
                KeySupport::Obsolete => {
                    self.warn(node.offset, format!("launchd ignores {}: the key is obsolete", row.name));
                }
            }
        }
    }

    /// Takes a collected value.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.values.remove(key)
    }

    /// Takes a string with its offset.
    pub(super) fn text(&mut self, key: &'static str) -> Option<(Option<usize>, String)> {
        match self.take(key)? {
            Node { value: Value::String(text), offset } => Some((offset, text)),
            _ => None,
        }
    }

    /// Takes an integer with its offset.
    pub(super) fn number(&mut self, key: &'static str) -> Option<(Option<usize>, i128)> {
        match self.take(key)? {
            Node { value: Value::Integer(Integer { number, .. }), offset } => Some((offset, number)),
            _ => None,
        }
    }

    /// Takes a boolean with its offset.
    pub(super) fn truth(&mut self, key: &'static str) -> Option<(Option<usize>, bool)> {
        match self.take(key)? {
            Node { value: Value::Boolean(truth), offset } => Some((offset, truth)),
            _ => None,
        }
    }

    pub(super) fn assign(&mut self, field: Field, value: impl Into<OsString>, offset: Option<usize>) {
        self.assign_as(keys::of(field), field, value, offset);
    }

    /// Assigns a value of a key that is not the field's usual one.
    pub(super) fn assign_as(
        &mut self,
        key: &str,
        field: Field,
        value: impl Into<OsString>,
        offset: Option<usize>,
    ) {
        let origin = self.lines.origin_of(Some(key), offset);
        self.reading.draft.assign(field, value, origin);
    }

    pub(super) fn command(&mut self, words: Vec<OsString>) {
        self.reading.draft.command(words);
    }

    pub(super) fn label(&mut self, label: String) {
        self.reading.label = Some(label);
    }

    pub(super) fn keep(&mut self, key: &str, node: &Node) {
        let origin = self.lines.origin(node.offset);
        self.reading.unmapped.push(UnmappedKey { key: key.to_owned(), value: native(node), origin });
    }

    /// Keeps a key in addition to its field, which represents it only approximately.
    pub(super) fn keep_with_field(&mut self, key: &str, node: &Node) {
        self.inexact_keys.extend(native(node).map(|value| (key.to_owned(), value)));
    }

    /// The number of warnings so far.
    pub(super) fn warnings(&self) -> usize {
        self.reading.warnings.len()
    }

    pub(super) fn problem(&mut self, offset: Option<usize>, error: impl Into<ValueError>) {
        let problem = self.about(offset, error.into());
        self.problems.push(problem);
    }

    pub(super) fn warn(&mut self, offset: Option<usize>, error: impl Into<ValueError>) {
        let warning = self.about(offset, error.into());
        self.reading.warnings.push(warning);
    }

    fn about(&self, offset: Option<usize>, error: ValueError) -> SpecError {
        SpecError { field: None, value: None, origin: Some(self.lines.origin(offset)), error }
    }
}
