//! The result of the detection: modes and managers.

use svcadapt_spec::Scope;

use super::evidence::Evidence;

/// The value of `--mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The service manager that started this process and waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// systemd; this is the process that it started for a unit.
    Systemd,
    /// launchd; this is the process of a job.
    Launchd {
        /// The job's label. `None` if the environment does not have it.
        label: Option<String>,
    },
    /// s6-supervise.
    S6,
    /// runsv of runit, or of busybox.
    Runit,
    /// supervise of daemontools.
    Daemontools,
    /// supervise-daemon of `OpenRC`.
    OpenRc,
    /// supervisord.
    Supervisord,
    /// A container whose process 1 this is: it ends when this process ends.
    Container,
    /// A small init such as tini, which ends when this process ends.
    Init,
    /// `svcadapt run`, which has started this program, and waits for it or has passed the lock to it. Detected only by a
    /// program that becomes a service itself ([`crate::daemon`]).
    Svcadapt,
    /// An unknown manager: `--mode supervised` was given and the protocol variables of sd_notify(3) are set.
    Other,
    /// No manager, or none whose service this process is.
    None,
}

/// The detected mode and manager, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The mode of a service.
    pub mode: Mode,
    /// The manager. It follows from the evidence even if `--mode` was given, unless that names a manager.
    pub manager: Manager,
    /// The scope of the service.
    pub scope: Scope,
    /// Every fact with its meaning. Exactly one is marked as the one that decided the mode.
    pub evidence: Vec<Evidence>,
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

impl Manager {
    /// Its name, one lower-case word: `systemd`, `container`, `none`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd { .. } => "launchd",
            Self::S6 => "s6",
            Self::Runit => "runit",
            Self::Daemontools => "daemontools",
            Self::OpenRc => "openrc",
            Self::Supervisord => "supervisord",
            Self::Container => "container",
            Self::Init => "init",
            Self::Svcadapt => "svcadapt",
            Self::Other => "other",
            Self::None => "none",
        }
    }
}
