//! When a service is started again: `Restart=` of systemd.service(5).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::refusal::text;

/// After which ends a service is started again. A stop that was asked for is never one of them.
///
/// An end is clean with status 0, or by SIGHUP, SIGINT, SIGTERM or SIGPIPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// After none.
    No,
    /// After a clean one.
    OnSuccess,
    /// After every one that is not clean, and after a time-out.
    OnFailure,
    /// After a signal that is not clean, and after a time-out; not after a status.
    OnAbnormal,
    /// After a time-out of the watchdog alone.
    OnWatchdog,
    /// After a signal that is not clean.
    OnAbort,
    /// After every one.
    Always,
}

impl Restart {
    /// All of them, with systemd's names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::No, "no"),
        (Self::OnSuccess, "on-success"),
        (Self::OnFailure, "on-failure"),
        (Self::OnAbnormal, "on-abnormal"),
        (Self::OnWatchdog, "on-watchdog"),
        (Self::OnAbort, "on-abort"),
        (Self::Always, "always"),
    ];

    /// Reads systemd's name.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(kind, _)| kind).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            ValueError::hinted("not a time to restart", format!("one of {names}"))
        })
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("no", |&(_, name)| name))
    }
}
