//! Signals by name: signal(7).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// A signal by name; signal numbers differ between systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalName {
    /// A named signal, without `SIG`.
    Named(&'static str),
    /// A real-time signal, as offset from `SIGRTMIN`.
    RealTime(u8),
}

/// The named signals of Linux, from number 1 on, with the numbers of most architectures (signal(7)).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The real-time signals that a program may use: the C library reserves the first two.
const REAL_TIME: std::ops::RangeInclusive<u8> = 34..=64;

impl SignalName {
    /// The default stop signal.
    pub const TERM: Self = Self::Named("TERM");
    /// The default reload signal.
    pub const HUP: Self = Self::Named("HUP");
    /// The signal of the terminal's interrupt key.
    pub const INT: Self = Self::Named("INT");

    /// Reads `TERM`, `SIGTERM`, `RTMIN+3`, `RTMAX-1`, or a number of Linux.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let text = text(value)?;
        let wrong = || ValueError::hinted("not a signal", "write it as SIGTERM, SIGRTMIN+3 or 15");
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().and_then(Self::from_number).ok_or_else(wrong);
        }
        let name = text.strip_prefix("SIG").unwrap_or(text);
        if let Some(known) = NAMES.iter().find(|known| **known == name) {
            return Ok(Self::Named(known));
        }
        let (first, last) = REAL_TIME.into_inner();
        let count = |digits: &str| -> Option<u8> {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain)
        };
        let above = match (name, name.strip_prefix("RTMIN+"), name.strip_prefix("RTMAX-")) {
            ("RTMIN", ..) => Some(0),
            ("RTMAX", ..) => Some(last - first),
            (_, Some(digits), _) => count(digits),
            (_, _, Some(digits)) => count(digits).and_then(|below| (last - first).checked_sub(below)),
            _ => None,
        };
        above.filter(|above| *above <= last - first).map(Self::RealTime).ok_or_else(wrong)
    }

    fn from_number(number: u8) -> Option<Self> {
        let named = || NAMES.get(usize::from(number).checked_sub(1)?).map(|name| Self::Named(name));
        named().or_else(|| REAL_TIME.contains(&number).then(|| Self::RealTime(number - REAL_TIME.start())))
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "SIG{name}"),
            Self::RealTime(0) => f.write_str("SIGRTMIN"),
            Self::RealTime(above) => write!(f, "SIGRTMIN+{above}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        SignalName::parse(OsStr::new(value)).ok().map(|signal| signal.to_string())
    }

    #[test]
    fn every_notation_of_a_signal_gives_its_name() {
        for (value, name) in [
            ("TERM", "SIGTERM"),
            ("SIGHUP", "SIGHUP"),
            ("15", "SIGTERM"),
            ("RTMIN", "SIGRTMIN"),
            ("SIGRTMIN+3", "SIGRTMIN+3"),
            ("37", "SIGRTMIN+3"),
            ("RTMAX", "SIGRTMIN+30"),
            ("SIGRTMAX-30", "SIGRTMIN"),
        ] {
            assert_eq!(read(value).as_deref(), Some(name), "{value}");
            assert_eq!(read(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn invalid_signal_is_refused() {
        for value in
            ["", "term", "0", "32", "65", "300", "RTMIN+31", "RTMIN+", "RTMIN++1", "RTMAX-31", "SIG15"]
        {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
