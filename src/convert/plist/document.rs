//! The property list of a job with the place of every value, for the lint.

use std::path::Path;

use svcadapt_spec::{Origin, SpecError, ValueError};

use super::keys::{KeySupport, ROWS};
use super::read::tree;
use super::shape;
use super::shape::{MismatchKind, NodeMismatch};
use super::tree::{Entry, Node, Value};
use super::umask::umask;
use crate::MAX_FILE_BYTES;
use crate::lines::LineIndex;

/// The property list of a job.
pub struct Document<'a> {
    lines: LineIndex<'a>,
    root: Node,
}

/// A key or a value that launchd does not expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The kind of mismatch.
    pub kind: MismatchKind,
    /// The place.
    pub origin: Origin,
    /// The message, with a hint.
    pub error: ValueError,
}

impl<'a> Document<'a> {
    /// Parses an XML or binary property list. Its root must be a dictionary.
    pub fn parse(bytes: &'a [u8], path: &'a Path) -> Result<Self, SpecError> {
        let problem = |origin, error| SpecError { field: None, value: None, origin: Some(origin), error };
        if bytes.len() > MAX_FILE_BYTES {
            let origin = Origin::in_file(path, None);
            return Err(problem(origin, "larger than 1 MiB".into()));
        }
        let lines = LineIndex::new(path, bytes);
        match tree(bytes) {
            Ok(root @ Node { value: Value::Dictionary(_), .. }) => Ok(Self { lines, root }),
            Ok(root) => {
                let cause = format!("expected a dictionary, found {}", root.value.kind());
                Err(problem(lines.origin(root.offset), cause.into()))
            }
            Err(fault) => Err(problem(lines.origin(fault.offset), fault.error)),
        }
    }

    /// The entries of the root dictionary in order.
    pub fn entries(&self) -> &[Entry] {
        match &self.root.value {
            Value::Dictionary(entries) => entries,
            _ => &[],
        }
    }

    /// The place of a value.
    pub fn origin(&self, node: &Node) -> Origin {
        self.lines.origin(node.offset)
    }

    /// The place of the root dictionary.
    pub fn whole(&self) -> Origin {
        self.lines.origin(self.root.offset)
    }

    /// Every key that launchd does not know or ignores, and every value of a wrong type.
    pub fn mismatches(&self) -> Vec<Mismatch> {
        let mut found = Vec::new();
        for Entry { key, node } in self.entries() {
            let (mismatches, obsolete) = match ROWS.iter().find(|row| row.name == key) {
                Some(row) => {
                    (shape::mismatches(row.name, node, row.shapes), row.support == KeySupport::Obsolete)
                }
                None => (vec![shape::unknown(key, node, ROWS.iter().map(|row| row.name))], false),
            };
            found.extend(mismatches.into_iter().map(|NodeMismatch { kind, offset, error }| {
                let unknown = kind == MismatchKind::UnknownKey;
                let offset = if unknown { self.lines.before(offset, b"<key>") } else { offset };
                Mismatch { kind, origin: self.lines.origin(offset), error }
            }));
            if obsolete {
                let error = format!("launchd ignores {key}: the key is obsolete").into();
                found.push(Mismatch { kind: MismatchKind::Obsolete, origin: self.origin(node), error });
            }
        }
        found
    }

    /// The error in a value of `Umask`, or a warning if it is probably not the umask that was meant.
    pub fn umask_problem(node: &Node) -> Option<ValueError> {
        match umask(&node.value) {
            Ok(mask) => mask.doubt.map(ValueError::from),
            Err(error) => Some(error),
        }
    }
}

impl Node {
    /// The value, if it is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value, if it is an integer.
    pub fn number(&self) -> Option<i128> {
        match self.value {
            Value::Integer(integer) => Some(integer.number),
            _ => None,
        }
    }

    /// The value, if it is a boolean.
    pub fn truth(&self) -> Option<bool> {
        match self.value {
            Value::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    /// The values of an array. Another value counts as an array with one value.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// The entries of a dictionary; empty for another value.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Dictionary(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key, if this is a dictionary.
    pub fn entry(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }
}
