//! Differences between a spec and what a host does.

use std::fmt;

use svcadapt_spec::{Directive, Field};

/// A setting that the host does not do, or not exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The setting.
    pub subject: Subject,
    /// What happens to it.
    pub kind: LossKind,
}

/// A setting: a field of the spec, or a native setting of another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A field of the spec.
    Field(Field),
    /// A line of a unit.
    Directive(Directive),
    /// A key of a property list.
    Key(String),
}

/// How much of a setting is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LossKind {
    /// The host does something similar. The text is the difference.
    Approximated(String),
    /// It is lost. The text is the reason.
    Lost(String),
    /// It is lost, and the service has more rights than the spec allows. The text is the reason.
    Weakened(String),
}

impl Loss {
    /// A loss of a field.
    pub(super) fn of(field: Field, kind: LossKind) -> Self {
        Self { subject: Subject::Field(field), kind }
    }

    /// Whether the service has more or other rights than the spec allows.
    pub fn weakens_security(&self) -> bool {
        matches!(self.kind, LossKind::Weakened(_))
    }
}

impl LossKind {
    /// `approximated` or `lost`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approximated(_) => "approximated",
            Self::Lost(_) | Self::Weakened(_) => "lost",
        }
    }

    /// The difference or the reason.
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
