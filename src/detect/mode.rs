//! Modes of a service.

use super::manager::Manager;

/// The value of `--mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModeOption {
    /// The evidence decides (the default).
    Auto,
    /// A classic daemon, whatever the evidence says.
    Classic,
    /// A supervised service, whatever the evidence says.
    Supervised,
    /// A supervised service of systemd. Generated units set it: before version 248 systemd sets no variable for the service
    /// process alone.
    Systemd,
    /// A supervised service of launchd. Generated property lists set it.
    Launchd,
}

/// The mode of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No supervisor: fork twice and become a daemon (daemon(7)).
    Classic,
    /// Stay in the foreground: a supervisor waits for this process.
    Supervised,
}

impl ModeOption {
    /// All values.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Classic, Self::Supervised, Self::Systemd, Self::Launchd];

    /// The value of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.name() == name)
    }

    /// Its name: `auto`, `classic`, `supervised`, `systemd` or `launchd`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classic => Mode::Classic.name(),
            Self::Supervised => Mode::Supervised.name(),
            Self::Systemd => Manager::Systemd.name(),
            Self::Launchd => Manager::Launchd { label: None }.name(),
        }
    }
}

impl Mode {
    /// Its name: `classic` or `supervised`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Supervised => "supervised",
        }
    }
}
