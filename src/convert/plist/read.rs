//! A property list as a spec.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use svcadapt_spec::{Field, NativeValue as Native, Origin, Restart, SpecDraft, SpecError, ValueError};

use super::keys::{Fate, ROWS};
use super::tree::{Entry, Fault, Integer, Node, Value};
use super::{binary, keys, shape, xml};
use crate::LARGEST;
use crate::divide::{keep_alive, starts_at_once};
use crate::lines::Lines;

/// What a property list says.
#[derive(Debug, Clone)]
pub struct Reading {
    /// As much of it as a spec has fields for.
    pub draft: SpecDraft,
    /// What launchd calls the job.
    pub label: Option<String>,
    /// What launchd acts on and svcadapt does not.
    pub kept: Vec<Kept>,
    /// What launchd would pass over, or what is not quite the same here.
    pub warnings: Vec<SpecError>,
}

/// A key that launchd acts on and svcadapt does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The key.
    pub key: String,
    /// Its value; none where a spec cannot hold it: a real, a date, data.
    pub value: Option<Native>,
    /// Where it was written.
    pub origin: Origin,
}

/// Reads an XML or binary property list of a job; `path` is what it is called in messages.
///
/// What svcadapt acts on has to be right: a wrong value for such a key is a problem, though launchd would go on
/// without it. For all other keys it is a warning.
pub fn read(bytes: &[u8], path: &Path) -> Result<Reading, Vec<SpecError>> {
    if bytes.len() > LARGEST {
        let origin = Some(Origin::in_file(path, None));
        let refusal = ValueError::from("larger than 1 MiB");
        return Err(vec![SpecError { field: None, value: None, origin, refusal }]);
    }
    let mut job = Job::new(Lines::new(path, bytes));
    match tree(bytes) {
        Ok(Node { value: Value::Dictionary(entries), offset }) => {
            job.sort(entries);
            job.fields(offset);
            let keys = job.reading.kept.iter();
            let keys = keys.filter_map(|kept| Some((kept.key.clone(), kept.value.clone()?)));
            let keys = keys.chain(std::mem::take(&mut job.meant)).collect();
            job.reading.draft.native(svcadapt_spec::Native { systemd: None, launchd: keys });
        }
        Ok(node) => {
            job.problem(node.offset, format!("a job is a dictionary, not {}", node.value.kind()));
        }
        Err(fault) => job.problem(fault.offset, fault.refusal),
    }
    if job.problems.is_empty() { Ok(job.reading) } else { Err(job.problems) }
}

/// The value as a spec keeps it.
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
    /// The restart policy that it is as the value of `KeepAlive`.
    pub(super) fn restart(&self) -> Option<Restart> {
        keep_alive(&native(self)?)
    }

    /// Whether it starts the job at once as the value of `KeepAlive`.
    pub(super) fn starts_at_once(&self) -> bool {
        native(self).is_some_and(|value| starts_at_once(&value))
    }
}

pub(super) fn tree(bytes: &[u8]) -> Result<Node, Fault> {
    if bytes.starts_with(binary::MAGIC) { binary::parse(bytes) } else { xml::parse(bytes) }
}

/// One pass over a job.
pub(super) struct Job<'a> {
    lines: Lines<'a>,
    reading: Reading,
    problems: Vec<SpecError>,
    /// What a spec has fields for, each of a kind that its key takes.
    values: BTreeMap<&'static str, Node>,
    /// Keys that a field says too, as far as it has words for it.
    meant: Vec<(String, Native)>,
}

impl<'a> Job<'a> {
    fn new(lines: Lines<'a>) -> Self {
        let reading =
            Reading { draft: SpecDraft::new(), label: None, kept: Vec::new(), warnings: Vec::new() };
        Self { lines, reading, problems: Vec::new(), values: BTreeMap::new(), meant: Vec::new() }
    }

    /// What has been read so far.
    pub(super) fn draft(&self) -> &SpecDraft {
        &self.reading.draft
    }

    /// Looks at every key, and lays aside those that a spec has a field for.
    fn sort(&mut self, entries: Vec<Entry>) {
        for Entry { key, node } in entries {
            let Some(row) = ROWS.iter().find(|row| row.name == key) else {
                let misfit = shape::unknown(&key, &node, ROWS.iter().map(|row| row.name));
                self.warn(misfit.offset, misfit.refusal);
                continue;
            };
            let misfits = shape::misfits(row.name, &node, row.shapes);
            let fits = misfits.is_empty();
            for misfit in misfits {
                match row.fate {
                    Fate::Read => self.problem(misfit.offset, misfit.refusal),
                    Fate::Kept | Fate::Dead => self.warn(misfit.offset, misfit.refusal),
                }
            }
            match row.fate {
                _ if !fits => (),
                Fate::Read => {
                    self.values.insert(row.name, node);
                }
                Fate::Kept => self.keep(row.name, &node),
                Fate::Dead => {
                    self.warn(node.offset, format!("launchd does nothing with {} any more", row.name));
                }
            }
        }
    }

    /// Takes a value that was laid aside.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.values.remove(key)
    }

    /// Takes a string, with its place.
    pub(super) fn text(&mut self, key: &'static str) -> Option<(Option<usize>, String)> {
        match self.take(key)? {
            Node { value: Value::String(text), offset } => Some((offset, text)),
            _ => None,
        }
    }

    /// Takes an integer, with its place.
    pub(super) fn number(&mut self, key: &'static str) -> Option<(Option<usize>, i128)> {
        match self.take(key)? {
            Node { value: Value::Integer(Integer { number, .. }), offset } => Some((offset, number)),
            _ => None,
        }
    }

    /// Takes a boolean, with its place.
    pub(super) fn truth(&mut self, key: &'static str) -> Option<(Option<usize>, bool)> {
        match self.take(key)? {
            Node { value: Value::Boolean(truth), offset } => Some((offset, truth)),
            _ => None,
        }
    }

    pub(super) fn assign(&mut self, field: Field, value: impl Into<OsString>, offset: Option<usize>) {
        self.assign_as(keys::of(field), field, value, offset);
    }

    /// The same of a value that another key has said.
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
        self.reading.kept.push(Kept { key: key.to_owned(), value: native(node), origin });
    }

    /// Keeps a key beside the field that says nearly the same.
    pub(super) fn mean(&mut self, key: &str, node: &Node) {
        self.meant.extend(native(node).map(|value| (key.to_owned(), value)));
    }

    /// Whether a key is kept.
    pub(super) fn keeps(&self, key: &str) -> bool {
        self.reading.kept.iter().any(|kept| kept.key == key)
    }

    /// How much was warned of.
    pub(super) fn warnings(&self) -> usize {
        self.reading.warnings.len()
    }

    pub(super) fn problem(&mut self, offset: Option<usize>, refusal: impl Into<ValueError>) {
        let problem = self.about(offset, refusal.into());
        self.problems.push(problem);
    }

    pub(super) fn warn(&mut self, offset: Option<usize>, refusal: impl Into<ValueError>) {
        let warning = self.about(offset, refusal.into());
        self.reading.warnings.push(warning);
    }

    fn about(&self, offset: Option<usize>, refusal: ValueError) -> SpecError {
        SpecError { field: None, value: None, origin: Some(self.lines.origin(offset)), refusal }
    }
}
