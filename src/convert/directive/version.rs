//! The versions of systemd.

use std::ffi::OsStr;
use std::fmt;

use svcadapt_spec::ValueError;

/// A version of systemd, from 239 (2018, the oldest in a distribution that is still maintained) to 262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u16);

impl Version {
    /// The oldest version that units can be written for.
    pub const OLDEST: Self = Self(239);
    /// The version that units are written for by default. All newer versions know its directives, too. All distributions
    /// that are maintained in 2026 have at least this version, except the oldest ones.
    pub const DEFAULT: Self = Self(252);
    /// The newest known version.
    pub const NEWEST: Self = Self(262);

    /// Parses a version number. Fails outside of [`Self::OLDEST`] to [`Self::NEWEST`].
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let (Self(oldest), Self(newest)) = (Self::OLDEST, Self::NEWEST);
        let number = value.to_str().and_then(|text| text.parse().ok());
        number.filter(|number| (oldest..=newest).contains(number)).map(Self).ok_or_else(|| {
            ValueError::hinted("not a version of systemd", format!("use a number from {oldest} to {newest}"))
        })
    }

    /// The version number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Whether it is at least version `since`.
    pub fn has(self, since: u16) -> bool {
        self.0 >= since
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
