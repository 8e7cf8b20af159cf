//! A property list as it was written: values, each with its place.

use svcadapt_spec::ValueError;

/// A value, and the byte at which it begins; in a binary property list, whose bytes tell people nothing, none.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub(super) offset: Option<usize>,
    /// What it is.
    pub value: Value,
}

/// What a property list can hold. Of what launchd has no key for, only the kind is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `<string>`
    String(String),
    /// `<integer>`
    Integer(Integer),
    /// `<real>`
    Real,
    /// `<true/>` or `<false/>`
    Boolean(bool),
    /// `<date>`
    Date,
    /// `<data>`
    Data,
    /// A number of an archive; only binary property lists have such.
    Uid,
    /// `<array>`
    Array(Vec<Node>),
    /// In the order in which it was written; no key is there twice.
    Dictionary(Vec<Entry>),
}

/// A number, and whether it was written as people write octal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    /// From `i64::MIN` to `u64::MAX`.
    pub number: i128,
    /// Whether it has a zero in front that changes nothing.
    pub padded: bool,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value, which has a place; the key stands before it.
    pub node: Node,
}

/// Why a text is no property list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: Option<usize>,
    pub(super) refusal: ValueError,
}

/// How deep values can stand in each other. launchd's own keys need five.
pub(super) const DEEPEST: usize = 64;

impl Value {
    /// The kind, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Real => "a real",
            Self::Boolean(_) => "a boolean",
            Self::Date => "a date",
            Self::Data => "data",
            Self::Uid => "a uid",
            Self::Array(_) => "an array",
            Self::Dictionary(_) => "a dictionary",
        }
    }
}

impl Entry {
    /// The first key that is there twice.
    pub(super) fn repeated(entries: &[Self]) -> Option<&Self> {
        let mut seen = std::collections::BTreeSet::new();
        entries.iter().find(|entry| !seen.insert(entry.key.as_str()))
    }
}
