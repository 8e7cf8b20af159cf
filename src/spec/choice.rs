//! Values that are one of a few names.

use std::ffi::OsStr;

use super::ValueError;
use super::value_error::text;

/// The names of all choices, for the schema.
pub(super) const fn names<T: Copy, const N: usize>(all: &[(T, &'static str); N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = all[at].1;
        at += 1;
    }
    names
}

/// Reads a name. `what` is a noun for the error.
pub(super) fn choose<T: Copy>(value: &OsStr, all: &[(T, &'static str)], what: &str) -> Result<T, ValueError> {
    let name = text(value)?;
    all.iter().find(|(_, known)| *known == name).map(|&(choice, _)| choice).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(_, name)| *name).collect();
        ValueError::hinted(format!("unknown {what}"), format!("use one of {}", names.join(", ")))
    })
}

/// The name of a choice.
pub(super) fn name_of<T: PartialEq>(choice: &T, all: &[(T, &'static str)]) -> &'static str {
    all.iter().find(|(known, _)| known == choice).map_or("", |&(_, name)| name)
}

/// Gives an enum its names: `ALL`, `NAMES`, `parse` and [`std::fmt::Display`].
macro_rules! choices {
    ($kind:ident, $count:literal, $what:literal, [$($choice:ident = $name:literal),+ $(,)?]) => {
        impl $kind {
            /// All of them, with systemd's names.
            #[doc(hidden)]
            pub const ALL: [(Self, &'static str); $count] = [$((Self::$choice, $name)),+];

            /// systemd's names.
            pub(crate) const NAMES: [&'static str; $count] = $crate::choice::names(&Self::ALL);

            /// Reads systemd's name.
            #[doc(hidden)]
            pub fn parse(value: &std::ffi::OsStr) -> Result<Self, $crate::ValueError> {
                $crate::choice::choose(value, &Self::ALL, $what)
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::choice::name_of(self, &Self::ALL))
            }
        }
    };
}

pub(super) use choices;
