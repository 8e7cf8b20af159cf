//! The hosts that a service can be divided for.

use std::ffi::OsStr;
use std::fmt;

use crate::spec::Refusal;

/// Who starts the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// systemd.
    Systemd(Systemd),
    /// launchd.
    Launchd(Scope),
    /// Nobody: the adapter makes a daemon of the program.
    Classic,
}

/// Which systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Systemd {
    /// What it knows.
    pub version: Version,
    /// Whose services it runs.
    pub scope: Scope,
}

/// Whose services a manager runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The system's: systemd's system manager, launchd's system domain (`LaunchDaemons`).
    #[default]
    System,
    /// A user's: everything runs as this user, who need not be root (`systemctl --user`, `LaunchAgents`).
    User,
}

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
    pub fn parse(value: &OsStr) -> Result<Self, Refusal> {
        let (Self(oldest), Self(newest)) = (Self::OLDEST, Self::NEWEST);
        let number = value.to_str().and_then(|text| text.parse().ok());
        number.filter(|number| (oldest..=newest).contains(number)).map(Self).ok_or_else(|| {
            Refusal::hinted("not a version of systemd", format!("a number from {oldest} to {newest}"))
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

impl Target {
    /// Whose services it runs; the adapter's are nobody's but the starter's.
    pub fn scope(self) -> Scope {
        match self {
            Self::Systemd(systemd) => systemd.scope,
            Self::Launchd(scope) => scope,
            Self::Classic => Scope::System,
        }
    }
}
