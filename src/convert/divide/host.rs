//! The hosts that a service can be divided for.

use svcadapt_spec::Scope;

use crate::directive::Version;

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
