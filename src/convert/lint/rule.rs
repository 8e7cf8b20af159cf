//! A rule: one thing that goes wrong, with its code, its reason and its cure.

use std::fmt;

/// One thing that can be wrong with a spec.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is called, for ever: `SVC` and three digits. The first digit tells the family.
    pub code: &'static str,
    /// How bad it is, unless a finding says otherwise.
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub what: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do about it.
    pub cure: &'static str,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may be meant; whoever wrote it knows.
    Note,
    /// The service runs, and not as it is written; or a trap lies there.
    Warning,
    /// The host refuses it, or the service does not start.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A table of rules: a constant for each, documented by its own words, and all of them as a list.
macro_rules! rules {
    ($all:ident; $($name:ident $code:literal $severity:ident $what:literal why $why:literal cure $cure:literal;)*) => {
        $(
            #[doc = concat!("**", $code, "**: ", $what, ".\n\n", $why, ".\n\nCure: ", $cure, ".")]
            pub(crate) static $name: $crate::lint::Rule = $crate::lint::Rule {
                code: $code,
                severity: $crate::lint::Severity::$severity,
                what: $what,
                why: $why,
                cure: $cure,
            };
        )*
        pub(super) static $all: &[&$crate::lint::Rule] = &[$(&$name),*];
    };
}

pub(super) use rules;
