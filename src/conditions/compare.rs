//! Comparisons: an operator and a value, as in `>=6.1` (systemd.unit(5), `ConditionKernelVersion=`).

use std::cmp::Ordering;
use std::ffi::OsStr;

use super::version;
use crate::sys::pattern;
use crate::sys::pattern::Case;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `$=`: the value is a pattern.
    Matches,
    /// `!$=`
    MatchesNot,
    /// `=`: the same text, or the same number.
    Is,
    /// `!=`
    IsNot,
    /// `==`: the same version, or the same number.
    Equal,
    /// `<>`
    Unequal,
    AtMost,
    Below,
    AtLeast,
    Above,
}

impl Operator {
    /// Longer ones come first.
    const ALL: [(&'static str, Self); 10] = [
        ("!$=", Self::MatchesNot),
        ("$=", Self::Matches),
        ("<>", Self::Unequal),
        ("<=", Self::AtMost),
        ("<", Self::Below),
        (">=", Self::AtLeast),
        (">", Self::Above),
        ("==", Self::Equal),
        ("=", Self::Is),
        ("!=", Self::IsNot),
    ];

    /// The operator at the start of a text, and the rest.
    pub(super) fn split(text: &str) -> Option<(Self, &str)> {
        Self::ALL.iter().find_map(|&(sign, operator)| Some((operator, text.strip_prefix(sign)?)))
    }

    /// Whether it holds between two texts, which may be versions.
    pub(super) fn holds(self, found: &str, wanted: &str) -> bool {
        let matches = || pattern::matches(OsStr::new(wanted), OsStr::new(found), Case::Sensitive);
        match self {
            Self::Matches => matches(),
            Self::MatchesNot => !matches(),
            Self::Is => found == wanted,
            Self::IsNot => found != wanted,
            ordering => ordering.allows(version::compare(found, wanted)),
        }
    }

    /// Whether it holds between two numbers. `None`: it does not compare numbers.
    pub(super) fn holds_for(self, found: u64, wanted: u64) -> Option<bool> {
        match self {
            Self::Matches | Self::MatchesNot => None,
            ordering => Some(ordering.allows(found.cmp(&wanted))),
        }
    }

    fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal | Self::Is | Self::Matches => ordering.is_eq(),
            Self::Unequal | Self::IsNot | Self::MatchesNot => ordering.is_ne(),
            Self::AtMost => ordering.is_le(),
            Self::Below => ordering.is_lt(),
            Self::AtLeast => ordering.is_ge(),
            Self::Above => ordering.is_gt(),
        }
    }
}

/// Whether a number is as the text says. Without an operator the text is the least.
pub(super) fn number(found: u64, text: &str, read: impl Fn(&str) -> Option<u64>) -> Option<bool> {
    let text = text.trim();
    let (operator, value) = Operator::split(text).unwrap_or((Operator::AtLeast, text));
    operator.holds_for(found, read(value.trim())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_at_the_start_is_split_off() {
        for (text, expected) in [
            (">= 6", Some((Operator::AtLeast, " 6"))),
            ("<>6", Some((Operator::Unequal, "6"))),
            ("==6", Some((Operator::Equal, "6"))),
            ("=6", Some((Operator::Is, "6"))),
            ("!$=6*", Some((Operator::MatchesNot, "6*"))),
            ("6", None),
            ("!6", None),
        ] {
            assert_eq!(Operator::split(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_with_the_least_by_default() {
        let compare = |text| number(4, text, |value| value.parse().ok());
        for (text, expected) in [
            ("4", Some(true)),
            ("5", Some(false)),
            ("< 5", Some(true)),
            ("!=4", Some(false)),
            ("<>4", Some(false)),
            ("= 4", Some(true)),
            ("$=4", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(compare(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_compared_as_versions_or_letter_by_letter() {
        for (operator, found, wanted, expected) in [
            (Operator::Is, "6.18", "6.018", false),
            (Operator::Equal, "6.18", "6.018", true),
            (Operator::Above, "6.18", "6.9", true),
            (Operator::Matches, "6.18", "6.*", true),
            (Operator::MatchesNot, "6.18", "6.*", false),
            (Operator::Unequal, "a", "b", true),
        ] {
            assert_eq!(operator.holds(found, wanted), expected, "{operator:?} {found} {wanted}");
        }
    }
}
