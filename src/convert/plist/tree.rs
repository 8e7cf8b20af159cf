//! A parsed property list: values with their places.

use svcadapt_spec::ValueError;

/// A value and the offset where it begins; `None` in a binary property list.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub(super) offset: Option<usize>,
    /// The value.
    pub value: Value,
}

/// A value of a property list. Types that no key of launchd has are known by type only.
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
    /// A reference of an archive; only binary property lists have it.
    Uid,
    /// `<array>`
    Array(Vec<Node>),
    /// The entries in order; the keys are unique.
    Dictionary(Vec<Entry>),
}

/// A number, and whether it was written like an octal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    /// From `i64::MIN` to `u64::MAX`.
    pub number: i128,
    /// Whether it has a leading zero, which is without effect.
    pub padded: bool,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub node: Node,
}

/// The error for a text that is not a property list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlistError {
    pub(super) offset: Option<usize>,
    pub(super) error: ValueError,
}

/// The maximum nesting depth. launchd's keys need five levels.
pub(super) const MAX_DEPTH: usize = 64;

impl Value {
    /// The type with an article, for messages.
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
    /// The first duplicate key.
    pub(super) fn repeated(entries: &[Self]) -> Option<&Self> {
        let mut seen = std::collections::BTreeSet::new();
        entries.iter().find(|entry| !seen.insert(entry.key.as_str()))
    }
}
