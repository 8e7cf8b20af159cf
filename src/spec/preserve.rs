//! When runtime directories stay: `RuntimeDirectoryPreserve=` of systemd.exec(5).

use std::ffi::OsStr;
use std::fmt;

use super::{ValueError, boolean, choice};

/// Whether the runtime directories of a service stay when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preserve {
    /// They are removed.
    No,
    /// They stay.
    Yes,
    /// They stay when the service is restarted.
    Restart,
}

impl Preserve {
    /// All of them, with systemd's names.
    #[doc(hidden)]
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::No, "no"), (Self::Yes, "yes"), (Self::Restart, "restart")];

    /// systemd's names.
    pub(crate) const NAMES: [&'static str; 3] = choice::names(&Self::ALL);

    /// Reads systemd's name, or a boolean.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        match value.to_str().and_then(boolean) {
            Some(true) => Ok(Self::Yes),
            Some(false) => Ok(Self::No),
            None => choice::choose(value, &Self::ALL, "choice"),
        }
    }
}

impl fmt::Display for Preserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(choice::name_of(self, &Self::ALL))
    }
}
