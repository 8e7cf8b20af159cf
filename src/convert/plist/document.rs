//! A job's property list as it stands, for who judges it: every value with its place.

use std::path::Path;

use svcadapt_spec::{Origin, SpecError, ValueError};

use super::keys::{Fate, ROWS};
use super::read::tree;
use super::shape;
use super::shape::Oddity;
use super::tree::{Entry, Node, Value};
use super::umask::umask;
use crate::LARGEST;
use crate::lines::Lines;

/// A property list of a job.
pub struct Document<'a> {
    lines: Lines<'a>,
    root: Node,
}

/// A key or a value that is not what launchd expects there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// How it is odd.
    pub oddity: Oddity,
    /// Where.
    pub origin: Origin,
    /// In words, and what was meant.
    pub refusal: ValueError,
}

impl<'a> Document<'a> {
    /// Reads an XML or binary property list, whose outermost value is a dictionary.
    pub fn parse(bytes: &'a [u8], path: &'a Path) -> Result<Self, SpecError> {
        let problem = |origin, refusal| SpecError { field: None, value: None, origin: Some(origin), refusal };
        if bytes.len() > LARGEST {
            let origin = Origin::in_file(path, None);
            return Err(problem(origin, "larger than 1 MiB".into()));
        }
        let lines = Lines::new(path, bytes);
        match tree(bytes) {
            Ok(root @ Node { value: Value::Dictionary(_), .. }) => Ok(Self { lines, root }),
            Ok(root) => {
                let cause = format!("a job is a dictionary, not {}", root.value.kind());
                Err(problem(lines.origin(root.offset), cause.into()))
            }
            Err(fault) => Err(problem(lines.origin(fault.offset), fault.refusal)),
        }
    }

    /// Its keys, in their order.
    pub fn entries(&self) -> &[Entry] {
        match &self.root.value {
            Value::Dictionary(entries) => entries,
            _ => &[],
        }
    }

    /// Where a value of it stands.
    pub fn origin(&self, node: &Node) -> Origin {
        self.lines.origin(node.offset)
    }

    /// Where all of it stands.
    pub fn whole(&self) -> Origin {
        self.lines.origin(self.root.offset)
    }

    /// Every key that launchd does not know or does nothing with, and every value of another type than its key takes.
    pub fn oddities(&self) -> Vec<Odd> {
        let mut odd = Vec::new();
        for Entry { key, node } in self.entries() {
            let (misfits, dead) = match ROWS.iter().find(|row| row.name == key) {
                Some(row) => (shape::misfits(row.name, node, row.shapes), row.fate == Fate::Dead),
                None => (vec![shape::unknown(key, node, ROWS.iter().map(|row| row.name))], false),
            };
            odd.extend(misfits.into_iter().map(|misfit| {
                let unknown = misfit.oddity == Oddity::Unknown;
                let offset = if unknown { self.lines.before(misfit.offset, b"<key>") } else { misfit.offset };
                Odd { oddity: misfit.oddity, origin: self.lines.origin(offset), refusal: misfit.refusal }
            }));
            if dead {
                let refusal = format!("launchd does nothing with {key} any more").into();
                odd.push(Odd { oddity: Oddity::Dead, origin: self.origin(node), refusal });
            }
        }
        odd
    }

    /// What is wrong with a value of `Umask`, or likely to be another one than was meant.
    pub fn doubt_of_umask(node: &Node) -> Option<ValueError> {
        match umask(&node.value) {
            Ok(mask) => mask.doubt.map(ValueError::from),
            Err(refusal) => Some(refusal),
        }
    }
}

impl Node {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<i128> {
        match self.value {
            Value::Integer(integer) => Some(integer.number),
            _ => None,
        }
    }

    /// The truth, if it is one.
    pub fn truth(&self) -> Option<bool> {
        match self.value {
            Value::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    /// The values of an array; a value alone is one.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// The entries of a dictionary; else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Dictionary(entries) => entries,
            _ => &[],
        }
    }

    /// The value under a key of a dictionary.
    pub fn entry(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }
}
