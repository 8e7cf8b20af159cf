//! Service managers.

/// The service manager that started this process and waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

impl Manager {
    /// All of them; launchd without a label.
    pub(crate) const ALL: [Self; 12] = [
        Self::Systemd,
        Self::Launchd { label: None },
        Self::S6,
        Self::Runit,
        Self::Daemontools,
        Self::OpenRc,
        Self::Supervisord,
        Self::Container,
        Self::Init,
        Self::Svcadapt,
        Self::Other,
        Self::None,
    ];

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
