//! The versions of systemd.

use std::ffi::OsStr;
use std::fmt;

use svcadapt_spec::ValueError;

/// A version of systemd, from 239 (2018, the oldest in a distribution that is still maintained) to 262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u16);

impl Version {
    /// The oldest that units are written for.
    pub const OLDEST: Self = Self(239);
    /// What units are written for unless another version is said. What it knows all newer ones know, too; all
    /// distributions that are maintained in 2026 have it, except the oldest ones.
    pub const DEFAULT: Self = Self(252);
    /// The newest that is known.
    pub const NEWEST: Self = Self(262);

    /// Reads a number.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let (Self(oldest), Self(newest)) = (Self::OLDEST, Self::NEWEST);
        let number = value.to_str().and_then(|text| text.parse().ok());
        number.filter(|number| (oldest..=newest).contains(number)).map(Self).ok_or_else(|| {
            ValueError::hinted("not a version of systemd", format!("a number from {oldest} to {newest}"))
        })
    }

    /// The number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Whether it knows what came with another version.
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
