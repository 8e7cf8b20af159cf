//! What is decided: the vocabulary of modes and managers.

use svcadapt_spec::Scope;

use super::evidence::Evidence;

/// The mode that the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeOption {
    /// The evidence shall decide. The default.
    Auto,
    /// A classic daemon, whatever the evidence says.
    Classic,
    /// A supervised service, whatever the evidence says.
    Supervised,
    /// The same, and systemd started it. A generated unit says so: before 248 systemd tells its processes nothing that
    /// it does not tell all below them.
    Systemd,
    /// The same, and launchd started it. A generated property list says so.
    Launchd,
}

/// How to be a service here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody supervises us: fork twice and become a daemon (daemon(7)).
    Classic,
    /// Stay in the foreground: somebody waits for this process.
    Supervised,
}

/// Who started this process as a service, and so waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// systemd, and this is the process that it started for a unit.
    Systemd,
    /// launchd, and this is the process of one of its jobs.
    Launchd {
        /// The job's label, where the environment tells it.
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
    /// Nobody above, but we are process 1 of a container: when we end, it ends.
    Container,
    /// A small init such as tini, which ends with us.
    Init,
    /// `svcadapt run`, which has started this very program, and waits for it or has its lock held by it. Only a program
    /// that becomes a service itself asks ([`crate::daemon`]).
    Svcadapt,
    /// One that is not known by its name: the mode was asked for, and the variables by which a manager speaks to a service
    /// (sd_notify(3)) are there.
    Other,
    /// None, or none whose service we are.
    None,
}

/// What was found, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// How to be a service here.
    pub mode: Mode,
    /// Who waits for us. It follows from the evidence even where the mode was asked for, unless that names it.
    pub manager: Manager,
    /// Whose services these are.
    pub scope: Scope,
    /// Every fact and what it says. Exactly one is marked as the one that decided the mode.
    pub evidence: Vec<Evidence>,
}

impl ModeOption {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Classic, Self::Supervised, Self::Systemd, Self::Launchd];

    /// The choice of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|asked| asked.name() == name)
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
