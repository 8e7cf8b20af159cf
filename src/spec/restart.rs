//! When a service is started again: `Restart=` of systemd.service(5).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// When a service is restarted. A requested stop never leads to a restart.
///
/// An exit is clean with status 0, or by SIGHUP, SIGINT, SIGTERM or SIGPIPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// After a clean exit.
    OnSuccess,
    /// After an unclean exit or a timeout.
    OnFailure,
    /// After an unclean signal or a timeout, not after an exit status.
    OnAbnormal,
    /// After a watchdog timeout only.
    OnWatchdog,
    /// After an unclean signal.
    OnAbort,
    /// After every exit.
    Always,
}

impl Restart {
    /// All of them, with systemd's names.
    #[doc(hidden)]
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
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(kind, _)| kind).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            ValueError::hinted("unknown restart condition", format!("use one of {names}"))
        })
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("no", |&(_, name)| name))
    }
}
