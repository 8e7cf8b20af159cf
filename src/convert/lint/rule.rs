//! A rule: one kind of mistake, with its code, its reason and its hint.

use std::fmt;

/// One kind of mistake that a spec can contain.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable name: `SVC` and three digits. The first digit is the family.
    pub code: &'static str,
    /// The severity, unless a finding overrides it.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub summary: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to correct it.
    pub hint: &'static str,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may be intended.
    Note,
    /// The service runs, but not as written, or it can fail under a common condition.
    Warning,
    /// The host refuses the spec, or the service does not start.
    Error,
}

impl Severity {
    /// The word that is printed: `note`, `warning` or `error`.
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

/// A table of rules: a documented constant for each, and a list of all.
macro_rules! rules {
    ($all:ident; $($name:ident $code:literal $severity:ident $summary:literal why $why:literal hint $hint:literal;)*) => {
        $(
            #[doc = concat!("**", $code, "**: ", $summary, ".\n\n", $why, ".\n\nHint: ", $hint, ".")]
            pub(crate) static $name: $crate::lint::Rule = $crate::lint::Rule {
                code: $code,
                severity: $crate::lint::Severity::$severity,
                summary: $summary,
                why: $why,
                hint: $hint,
            };
        )*
        pub(super) static $all: &[&$crate::lint::Rule] = &[$(&$name),*];
    };
}

pub(super) use rules;
