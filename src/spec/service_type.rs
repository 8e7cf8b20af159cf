//! How a program starts up: `Type=` of systemd.service(5).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::refusal::text;

/// When a service counts as started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceType {
    /// As soon as its process exists.
    Simple,
    /// When its program was executed.
    Exec,
    /// When it says so through sd_notify(3).
    Notify,
    /// The same, and a signal makes it read its configuration again, of which it tells begin and end.
    NotifyReload,
    /// When the process that was started has left and its child runs on.
    Forking,
    /// When the process that was started has left; nothing runs on.
    Oneshot,
}

impl ServiceType {
    /// All of them, with systemd's names.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Simple, "simple"),
        (Self::Exec, "exec"),
        (Self::Notify, "notify"),
        (Self::NotifyReload, "notify-reload"),
        (Self::Forking, "forking"),
        (Self::Oneshot, "oneshot"),
    ];

    /// Reads systemd's name.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(kind, _)| kind).ok_or_else(|| {
            ValueError::hinted(
                "no type of service",
                "simple, exec, notify, notify-reload, forking and oneshot are",
            )
        })
    }
}

impl ServiceType {
    /// Whether the program tells through sd_notify(3) when it is ready.
    pub fn notifies(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("exec", |&(_, name)| name))
    }
}
