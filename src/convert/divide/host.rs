//! The hosts for which a spec can be divided.

use svcadapt_spec::Scope;

use crate::directive::Version;

/// The host that starts the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// systemd.
    Systemd(Systemd),
    /// launchd.
    Launchd(Scope),
    /// No service manager: the adapter makes the program a daemon.
    Classic,
}

/// A systemd of some version and scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Systemd {
    /// The version.
    pub version: Version,
    /// The system manager or a user manager.
    pub scope: Scope,
}

impl Target {
    /// The system or a user. [`Target::Classic`] counts as the system.
    pub fn scope(self) -> Scope {
        match self {
            Self::Systemd(systemd) => systemd.scope,
            Self::Launchd(scope) => scope,
            Self::Classic => Scope::System,
        }
    }
}
