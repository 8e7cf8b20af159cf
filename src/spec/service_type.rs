//! The start-up protocol of a program: `Type=` of systemd.service(5).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// When a service counts as started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceType {
    /// As soon as its process exists.
    Simple,
    /// When its program has been executed.
    Exec,
    /// When it sends `READY=1` (sd_notify(3)).
    Notify,
    /// Like `Notify`; on the reload signal it sends `RELOADING=1`, then `READY=1`.
    NotifyReload,
    /// When the started process has exited and its child runs on.
    Forking,
    /// When the started process has exited; no process stays.
    Oneshot,
}

impl ServiceType {
    /// All of them, with systemd's names.
    #[doc(hidden)]
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Simple, "simple"),
        (Self::Exec, "exec"),
        (Self::Notify, "notify"),
        (Self::NotifyReload, "notify-reload"),
        (Self::Forking, "forking"),
        (Self::Oneshot, "oneshot"),
    ];

    /// Reads systemd's name.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(kind, _)| kind).ok_or_else(|| {
            ValueError::hinted(
                "unknown service type",
                "use simple, exec, notify, notify-reload, forking or oneshot",
            )
        })
    }
}

impl ServiceType {
    /// Whether the program reports readiness through sd_notify(3).
    #[doc(hidden)]
    pub fn notifies(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("exec", |&(_, name)| name))
    }
}
