//! What is different from what was asked for.

use std::fmt;

use svcadapt_spec::{Directive, Field};

/// Something that was asked for and will not be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What was asked for.
    pub subject: Subject,
    /// What becomes of it.
    pub kind: LossKind,
}

/// What was asked for: by a field, or in the words of another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A field of the spec.
    Field(Field),
    /// A line of a unit.
    Directive(Directive),
    /// A key of a property list.
    Key(String),
}

/// How much of it is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LossKind {
    /// The host does something near to it: what.
    Approximated(String),
    /// All: why.
    Lost(String),
    /// All, and with it the service gets more rights than it should have: why.
    Weakened(String),
}

impl Loss {
    /// A loss of a field.
    pub(super) fn of(field: Field, kind: LossKind) -> Self {
        Self { subject: Subject::Field(field), kind }
    }

    /// Whether the service would run with more rights than was asked for, or with rights of another kind.
    pub fn weakens_security(&self) -> bool {
        matches!(self.kind, LossKind::Weakened(_))
    }
}

impl LossKind {
    /// In a word: `approximated` or `lost`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approximated(_) => "approximated",
            Self::Lost(_) | Self::Weakened(_) => "lost",
        }
    }

    /// How, or why.
    pub fn words(&self) -> &str {
        match self {
            Self::Approximated(words) | Self::Lost(words) | Self::Weakened(words) => words,
        }
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weakens = if matches!(self, Self::Weakened(_)) { ", weakens security" } else { "" };
        write!(f, "{}{weakens}: {}", self.name(), self.words())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "--{}", field.option()),
            Self::Directive(line) => write!(f, "{}=", line.name()),
            Self::Key(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.kind)
    }
}
