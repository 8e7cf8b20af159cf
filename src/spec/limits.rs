//! Resource limits (setrlimit(2)).

use std::ffi::OsStr;
use std::fmt;

use super::value_error::text;
use super::{Timespan, ValueError};

/// A limited resource. The names are those of systemd's `Limit…=` directives.
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

/// The unit in which a limit is written.
enum LimitUnit {
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
    /// All resources, in the order of the enum.
    #[doc(hidden)]
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

    /// The name after `Limit` and `RLIMIT_`.
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

    fn unit(self) -> LimitUnit {
        match self {
            Self::Cpu => LimitUnit::Seconds,
            Self::Rttime => LimitUnit::Microseconds,
            Self::Nofile | Self::Nproc | Self::Locks | Self::Sigpending | Self::Nice | Self::Rtprio => {
                LimitUnit::Count
            }
            _ => LimitUnit::Bytes,
        }
    }
}

/// One value of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitValue {
    /// A value, in the unit of setrlimit(2).
    At(u64),
    /// No limit.
    Infinity,
}

/// A soft and a hard limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The limit in force; the process may raise it up to the hard limit.
    pub soft: LimitValue,
    /// The limit that an unprivileged process cannot raise.
    pub hard: LimitValue,
}

impl Limit {
    /// Reads `VALUE` for both limits, or `SOFT:HARD`.
    #[doc(hidden)]
    pub fn parse(resource: Resource, value: &OsStr) -> Result<Self, ValueError> {
        let value = text(value)?;
        let (soft, hard) = value.split_once(':').unwrap_or((value, value));
        let limit = Self { soft: limit_value(resource, soft)?, hard: limit_value(resource, hard)? };
        if limit.soft > limit.hard {
            return Err("the soft limit is above the hard limit".into());
        }
        Ok(limit)
    }

    /// Reads a number of bytes.
    #[doc(hidden)]
    pub fn parse_bytes(value: &str) -> Result<u64, ValueError> {
        bytes(value)
    }
}

fn limit_value(resource: Resource, value: &str) -> Result<LimitValue, ValueError> {
    if value == "infinity" {
        return Ok(LimitValue::Infinity);
    }
    let bare = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let span = |unit: u128| match Timespan::parse(OsStr::new(value))? {
        // Round up: half a second of CPU time must not become a limit of 0.
        Timespan::Finite(span) => {
            u64::try_from(span.as_micros().div_ceil(unit)).map_err(|_| ValueError::from("too large"))
        }
        Timespan::Infinity => Ok(u64::MAX),
    };
    let number = match resource.unit() {
        LimitUnit::Count if resource == Resource::Nice => nice(value)?,
        LimitUnit::Count => count(value)?,
        LimitUnit::Bytes => bytes(value)?,
        LimitUnit::Seconds => span(1_000_000)?,
        LimitUnit::Microseconds if bare => count(value)?,
        LimitUnit::Microseconds => span(1)?,
    };
    // The largest number is RLIM_INFINITY.
    if number == u64::MAX {
        Err("larger than the largest possible limit".into())
    } else {
        Ok(LimitValue::At(number))
    }
}

fn count(value: &str) -> Result<u64, ValueError> {
    let digits = value.strip_prefix('+').unwrap_or(value);
    let bare = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| bare).ok_or_else(|| {
        ValueError::hinted("not a limit", "write a number, SOFT:HARD, or infinity (not 'unlimited')")
    })
}

/// Reads `LimitNICE=`: with a sign a nice level, else 20 minus a nice level (systemd.exec(5), setrlimit(2)).
fn nice(value: &str) -> Result<u64, ValueError> {
    let number = count(value.strip_prefix('-').unwrap_or(value))?;
    let limit = match value.as_bytes().first() {
        Some(b'+') => 20_u64.checked_sub(number).filter(|limit| *limit > 0),
        Some(b'-') => (number <= 20).then(|| 20 + number),
        _ => (number <= 40).then_some(number),
    };
    limit.ok_or_else(|| {
        ValueError::hinted("not a limit", "write 0 to 40, or a nice level with its sign, -20 to +19")
    })
}

/// Reads a number of bytes as systemd does: parts with a unit, the larger unit first, as in `1.5G` or `1G 512M`.
fn bytes(value: &str) -> Result<u64, ValueError> {
    const UNITS: [(char, u32); 7] =
        [('E', 60), ('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10), ('B', 0)];
    let bad = || ValueError::hinted("not a number of bytes", "write bytes, or a number with K, M, G or T");
    let (mut rest, mut units, mut sum) = (value.trim_start(), &UNITS[..], 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let after = after.trim_start();
        let unit = units.iter().position(|(letter, _)| after.starts_with(*letter));
        let shift = unit.map_or(0, |at| units[at].1);
        if fraction.contains('.') || unit.is_none() && !after.is_empty() {
            return Err(bad());
        }
        let part = count(whole).map_err(|_| bad())?.checked_mul(1 << shift).ok_or_else(bad)?;
        // Digits after the 18th are less than a byte.
        let digits = &fraction[..fraction.len().min(18)];
        let share = match u32::try_from(digits.len()) {
            Ok(length) if length > 0 => {
                let parts = u128::from(digits.parse::<u64>().map_err(|_| bad())?) << shift;
                u64::try_from(parts / 10_u128.pow(length)).map_err(|_| bad())?
            }
            _ => 0,
        };
        sum = sum.checked_add(part).and_then(|sum| sum.checked_add(share)).ok_or_else(bad)?;
        units = unit.map_or(&[][..], |at| &units[at + 1..]);
        rest = unit.map_or("", |_| after[1..].trim_start());
    }
    if value.trim().is_empty() { Err(bad()) } else { Ok(sum) }
}

impl fmt::Display for LimitValue {
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
    fn limits_are_read_in_the_unit_of_their_resource() {
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
            (Resource::Nofile, "+5", "5"),
            (Resource::Nice, "+5:-5", "15:25"),
            (Resource::Nice, "40", "40"),
            (Resource::As, "1.5G", "1610612736"),
            (Resource::As, "1G 5 K 7", "1073746951"),
            (Resource::As, "0.0000000000000000001E", "0"),
        ] {
            assert_eq!(read(resource, value).as_deref(), Some(expected), "{} {value}", resource.name());
        }
    }

    #[test]
    fn invalid_limit_is_refused() {
        for value in
            ["", "unlimited", "4K", "-1", "10:5", "1:2:3", "infinity:5", "18446744073709551615", "9E99"]
        {
            assert_eq!(read(Resource::Nofile, value), None, "{value}");
        }
        for value in ["+20", "-21", "41", "--5", "+-5"] {
            assert_eq!(read(Resource::Nice, value), None, "{value}");
        }
        for value in ["512MB", "1M 1G", "1.5.5G", "1 2", "M", "-1", " ", "17E", "0x10"] {
            assert_eq!(read(Resource::As, value), None, "{value}");
        }
    }
}
