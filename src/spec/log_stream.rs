//! Output that goes to the journal, the system log or the kernel's log (systemd.exec(5), `StandardOutput=`).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::choice::{choose, name_of};
use super::value_error::text;

/// The log that an output goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTarget {
    /// The journal.
    Journal,
    /// The journal, and the console.
    JournalAndConsole,
    /// The journal: an old name.
    Syslog,
    /// The journal, and the console: an old name.
    SyslogAndConsole,
    /// The kernel's log, and the journal.
    Kmsg,
    /// The kernel's log, the journal and the console.
    KmsgAndConsole,
}

impl LogTarget {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Journal, "journal"),
        (Self::JournalAndConsole, "journal+console"),
        (Self::Syslog, "syslog"),
        (Self::SyslogAndConsole, "syslog+console"),
        (Self::Kmsg, "kmsg"),
        (Self::KmsgAndConsole, "kmsg+console"),
    ];

    /// Reads systemd's name.
    pub(super) fn parse(value: &OsStr) -> Result<Self, ValueError> {
        choose(value, &Self::ALL, "log")
    }

    /// The same by a name that systemd still knows.
    #[doc(hidden)]
    #[must_use]
    pub fn current(self) -> Self {
        match self {
            Self::Syslog => Self::Journal,
            Self::SyslogAndConsole => Self::JournalAndConsole,
            known => known,
        }
    }

    /// Whether the kernel's log has it too.
    #[doc(hidden)]
    pub fn has_kmsg(self) -> bool {
        matches!(self, Self::Kmsg | Self::KmsgAndConsole)
    }

    /// Whether the console has it too.
    #[doc(hidden)]
    pub fn has_console(self) -> bool {
        matches!(self, Self::JournalAndConsole | Self::SyslogAndConsole | Self::KmsgAndConsole)
    }
}

impl fmt::Display for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(self, &Self::ALL))
    }
}

/// How the lines of the output are named and ranked in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogStream {
    /// The name before each line. `None`: that of the program.
    pub identifier: Option<String>,
    /// The facility (syslog(3)), 0 to 23. `None`: daemon.
    pub facility: Option<u8>,
    /// The level of a line without a prefix, 0 to 7. `None`: info.
    pub level: Option<u8>,
    /// Whether a prefix `<N>` of a line is its level (sd-daemon(3)). `None`: it is.
    pub level_prefix: Option<bool>,
}

impl LogStream {
    /// Facility and level in one number, as syslog(3) has it.
    #[doc(hidden)]
    pub fn priority(&self) -> u8 {
        self.facility.unwrap_or(3) << 3 | self.level.unwrap_or(6)
    }
}

const FACILITIES: [(u8, &str); 20] = [
    (0, "kern"),
    (1, "user"),
    (2, "mail"),
    (3, "daemon"),
    (4, "auth"),
    (5, "syslog"),
    (6, "lpr"),
    (7, "news"),
    (8, "uucp"),
    (9, "cron"),
    (10, "authpriv"),
    (11, "ftp"),
    (16, "local0"),
    (17, "local1"),
    (18, "local2"),
    (19, "local3"),
    (20, "local4"),
    (21, "local5"),
    (22, "local6"),
    (23, "local7"),
];

const LEVELS: [(u8, &str); 8] = [
    (0, "emerg"),
    (1, "alert"),
    (2, "crit"),
    (3, "err"),
    (4, "warning"),
    (5, "notice"),
    (6, "info"),
    (7, "debug"),
];

pub(super) const FACILITY_NAMES: [&str; 20] = super::choice::names(&FACILITIES);
pub(super) const LEVEL_NAMES: [&str; 8] = super::choice::names(&LEVELS);

/// Reads a facility, by name or, as systemd does, by number.
pub(super) fn facility(value: &OsStr) -> Result<u8, ValueError> {
    by_number(value, &FACILITIES).map_or_else(|| choose(value, &FACILITIES, "facility"), Ok)
}

/// Reads a level, by name or, as systemd does, by number.
pub(super) fn level(value: &OsStr) -> Result<u8, ValueError> {
    by_number(value, &LEVELS).map_or_else(|| choose(value, &LEVELS, "level"), Ok)
}

fn by_number(value: &OsStr, all: &[(u8, &'static str)]) -> Option<u8> {
    let number = value.to_str()?.parse().ok()?;
    all.iter().any(|(known, _)| *known == number).then_some(number)
}

/// The name of a facility.
pub(super) fn facility_name(number: u8) -> &'static str {
    name_of(&number, &FACILITIES)
}

/// The name of a level.
pub(super) fn level_name(number: u8) -> &'static str {
    name_of(&number, &LEVELS)
}

/// Reads an identifier: one line of text.
pub(super) fn identifier(value: &OsStr) -> Result<String, ValueError> {
    let name = text(value)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err("not a single line of text".into());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities_and_levels_are_read_by_name_and_number() {
        let read = |value: &str| facility(value.as_ref()).map(facility_name);
        assert_eq!((read("local7"), read("3")), (Ok("local7"), Ok("daemon")));
        assert!(read("12").is_err() && read("x").is_err());
        assert_eq!(level("err".as_ref()), Ok(3));
        assert_eq!(level("7".as_ref()).map(level_name), Ok("debug"));
        assert!(level("8".as_ref()).is_err());
        assert_eq!(LogStream::default().priority(), 30);
    }
}
