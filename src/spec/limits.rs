//! Resource limits: all that setrlimit(2) knows.

use std::ffi::OsStr;
use std::fmt;

use super::Refusal;
use super::Timespan;
use super::refusal::text;

/// What is limited. The names are those of systemd's `Limit…=` directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "setrlimit(2) explains each under this very name")]
pub enum Resource {
    Cpu,
    Fsize,
    Data,
    Stack,
    Core,
    Rss,
    Nofile,
    As,
    Nproc,
    Memlock,
    Locks,
    Sigpending,
    Msgqueue,
    Nice,
    Rtprio,
    Rttime,
}

/// How the number of a limit is written.
enum Unit {
    /// A plain count.
    Count,
    /// Bytes, with `K`, `M`, `G`, `T`, `P` or `E` in powers of 1024.
    Bytes,
    /// Whole seconds, as a time span.
    Seconds,
    /// Microseconds, as a time span; a bare number is in microseconds.
    Microseconds,
}

impl Resource {
    /// All of them, in the order of `Resource`.
    pub const ALL: [Self; 16] = [
        Self::Cpu,
        Self::Fsize,
        Self::Data,
        Self::Stack,
        Self::Core,
        Self::Rss,
        Self::Nofile,
        Self::As,
        Self::Nproc,
        Self::Memlock,
        Self::Locks,
        Self::Sigpending,
        Self::Msgqueue,
        Self::Nice,
        Self::Rtprio,
        Self::Rttime,
    ];

    /// The name that follows `Limit` and `RLIMIT_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Fsize => "FSIZE",
            Self::Data => "DATA",
            Self::Stack => "STACK",
            Self::Core => "CORE",
            Self::Rss => "RSS",
            Self::Nofile => "NOFILE",
            Self::As => "AS",
            Self::Nproc => "NPROC",
            Self::Memlock => "MEMLOCK",
            Self::Locks => "LOCKS",
            Self::Sigpending => "SIGPENDING",
            Self::Msgqueue => "MSGQUEUE",
            Self::Nice => "NICE",
            Self::Rtprio => "RTPRIO",
            Self::Rttime => "RTTIME",
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Cpu => Unit::Seconds,
            Self::Rttime => Unit::Microseconds,
            Self::Nofile | Self::Nproc | Self::Locks | Self::Sigpending | Self::Nice | Self::Rtprio => {
                Unit::Count
            }
            _ => Unit::Bytes,
        }
    }
}

/// One value of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ceiling {
    /// This much, in the unit of setrlimit(2).
    At(u64),
    /// No limit.
    Infinity,
}

/// A soft and a hard limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What holds now; the process may move it up to the hard one.
    pub soft: Ceiling,
    /// What an unprivileged process can never exceed.
    pub hard: Ceiling,
}

impl Limit {
    /// Reads `VALUE` for both limits, or `SOFT:HARD`.
    pub fn parse(resource: Resource, value: &OsStr) -> Result<Self, Refusal> {
        let value = text(value)?;
        let (soft, hard) = value.split_once(':').unwrap_or((value, value));
        let limit = Self { soft: ceiling(resource, soft)?, hard: ceiling(resource, hard)? };
        if limit.soft > limit.hard {
            return Err("the soft limit is above the hard one".into());
        }
        Ok(limit)
    }
}

fn ceiling(resource: Resource, value: &str) -> Result<Ceiling, Refusal> {
    if value == "infinity" {
        return Ok(Ceiling::Infinity);
    }
    let bare = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let span = |unit: u128| match Timespan::parse(OsStr::new(value))? {
        // Rounded up: a limit of half a second of CPU time must not become none at all.
        Timespan::Finite(span) => u64::try_from(span.as_micros().div_ceil(unit))
            .map_err(|_| Refusal::from("longer than can be counted")),
        Timespan::Infinity => Ok(u64::MAX),
    };
    let number = match resource.unit() {
        Unit::Count => count(value)?,
        Unit::Bytes => size(value)?,
        Unit::Seconds => span(1_000_000)?,
        Unit::Microseconds if bare => count(value)?,
        Unit::Microseconds => span(1)?,
    };
    // The largest number is how the kernel spells infinity.
    if number == u64::MAX { Err("larger than a limit can be".into()) } else { Ok(Ceiling::At(number)) }
}

fn count(value: &str) -> Result<u64, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| {
        Refusal::hinted("not a limit", "write a number, SOFT:HARD, or infinity (not 'unlimited')")
    })
}

fn size(value: &str) -> Result<u64, Refusal> {
    const LETTERS: &str = "KMGTPE";
    let letter = value.chars().last().and_then(|last| LETTERS.find(last));
    match letter {
        Some(power) => {
            let scale = 1_u64 << (10 * (power + 1));
            count(&value[..value.len() - 1])?
                .checked_mul(scale)
                .ok_or_else(|| "larger than a limit can be".into())
        }
        None => count(value.strip_suffix('B').unwrap_or(value)),
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(number) => number.fmt(f),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.soft == self.hard { self.soft.fmt(f) } else { write!(f, "{}:{}", self.soft, self.hard) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(resource: Resource, value: &str) -> Option<String> {
        Limit::parse(resource, OsStr::new(value)).ok().map(|limit| limit.to_string())
    }

    #[test]
    fn limits_are_read_in_their_own_units() {
        for (resource, value, expected) in [
            (Resource::Nofile, "1024:524288", "1024:524288"),
            (Resource::Nofile, "0", "0"),
            (Resource::Core, "infinity", "infinity"),
            (Resource::Core, "0:infinity", "0:infinity"),
            (Resource::Stack, "8M", "8388608"),
            (Resource::As, "1G:2G", "1073741824:2147483648"),
            (Resource::Cpu, "1min", "60"),
            (Resource::Cpu, "500ms", "1"),
            (Resource::Rttime, "5000", "5000"),
            (Resource::Rttime, "5ms", "5000"),
        ] {
            assert_eq!(read(resource, value).as_deref(), Some(expected), "{} {value}", resource.name());
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for value in
            ["", "unlimited", "4K", "-1", "10:5", "1:2:3", "infinity:5", "18446744073709551615", "9E99"]
        {
            assert_eq!(read(Resource::Nofile, value), None, "{value}");
        }
    }
}
