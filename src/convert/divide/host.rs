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
    /// OpenRC, 0.45 or later (openrc-run(8)).
    OpenRc,
    /// runit (runsv(8)).
    Runit,
    /// s6 2.11 or later (s6-supervise(8)).
    S6,
    /// An init script of System V (LSB 5.0, "Init Script Actions").
    SysV,
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
    /// The system or a user. Any host but systemd and launchd counts as the system.
    pub fn scope(self) -> Scope {
        match self {
            Self::Systemd(systemd) => systemd.scope,
            Self::Launchd(scope) => scope,
            Self::Classic | Self::OpenRc | Self::Runit | Self::S6 | Self::SysV => Scope::System,
        }
    }
}
