//! Time spans (systemd.time(7)).

use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use super::ValueError;
use super::value_error::text;

/// A time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timespan {
    /// A duration.
    Finite(Duration),
    /// No limit.
    Infinity,
}

/// The units in microseconds.
const UNITS: [(&str, u64); 31] = [
    ("us", 1),
    ("usec", 1),
    ("µs", 1),
    ("μs", 1),
    ("ms", 1_000),
    ("msec", 1_000),
    ("s", 1_000_000),
    ("sec", 1_000_000),
    ("second", 1_000_000),
    ("seconds", 1_000_000),
    ("", 1_000_000),
    ("m", 60_000_000),
    ("min", 60_000_000),
    ("minute", 60_000_000),
    ("minutes", 60_000_000),
    ("h", 3_600_000_000),
    ("hr", 3_600_000_000),
    ("hour", 3_600_000_000),
    ("hours", 3_600_000_000),
    ("d", 86_400_000_000),
    ("day", 86_400_000_000),
    ("days", 86_400_000_000),
    ("w", 604_800_000_000),
    ("week", 604_800_000_000),
    ("weeks", 604_800_000_000),
    ("M", 2_629_800_000_000),
    ("month", 2_629_800_000_000),
    ("months", 2_629_800_000_000),
    ("y", 31_557_600_000_000),
    ("year", 31_557_600_000_000),
    ("years", 31_557_600_000_000),
];

impl Timespan {
    /// Reads `90`, `1min 30s`, `500ms`, `1.5h`, `infinity`. A number without a unit is in seconds.
    ///
    /// # Errors
    ///
    /// The value is no time span, or too long.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let total = sum(text(value)?.trim(), micros)?;
        Ok(total.map_or(Self::Infinity, |total| Self::Finite(Duration::from_micros(total))))
    }

    /// Reads a time span in nanoseconds, `TimerSlackNSec=` (systemd.exec(5)): it has the units `ns` and `nsec` too, and
    /// a number without a unit is in nanoseconds.
    #[doc(hidden)]
    pub fn parse_nsec(value: &OsStr) -> Result<Self, ValueError> {
        let total = sum(text(value)?.trim(), |unit| match unit {
            "" | "ns" | "nsec" => Some(1),
            longer => micros(longer)?.checked_mul(1_000),
        })?;
        Ok(total.map_or(Self::Infinity, |total| Self::Finite(Duration::from_nanos(total))))
    }

    /// Reads a timeout: like [`Timespan::parse`], but 0 means no limit, as in all of systemd's timeouts
    /// (systemd.service(5), `TimeoutStartSec=`).
    #[doc(hidden)]
    pub fn parse_timeout(value: &OsStr) -> Result<Self, ValueError> {
        Self::parse(value)
            .map(|span| if span == Self::Finite(Duration::ZERO) { Self::Infinity } else { span })
    }

    /// The duration. `None`: no limit.
    pub fn finite(self) -> Option<Duration> {
        match self {
            Self::Finite(duration) => Some(duration),
            Self::Infinity => None,
        }
    }
}

/// The microseconds of a unit.
fn micros(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

/// The sum of the parts of a time span. `None` for `infinity`.
fn sum(value: &str, scale: impl Fn(&str) -> Option<u64>) -> Result<Option<u64>, ValueError> {
    if value == "infinity" {
        return Ok(None);
    }
    let wrong = || ValueError::hinted("not a time span", "write it as 90, 1min 30s, 500ms or infinity");
    let mut rest = value;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let part = scale(unit).and_then(|scale| scaled(number, scale)).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or("too large")?;
        rest = tail.trim_start();
    }
    if value.is_empty() { Err(wrong()) } else { Ok(Some(total)) }
}

/// `number` times `scale`. No floating point, so it is exact.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let mut part = 0;
    let mut weight = u128::from(scale);
    let mut divisor = 1_u128;
    for digit in fraction.bytes() {
        divisor *= 10;
        part += u128::from(digit.checked_sub(b'0').filter(|d| *d < 10)?) * (weight * 1_000_000_000 / divisor);
    }
    weight = part / 1_000_000_000;
    whole.checked_mul(scale)?.checked_add(u64::try_from(weight).ok()?)
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Infinity => f.write_str("infinity"),
            Self::Finite(duration) => match u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) {
                micros if micros.is_multiple_of(1_000_000) => write!(f, "{}s", micros / 1_000_000),
                micros if micros.is_multiple_of(1_000) => write!(f, "{}ms", micros / 1_000),
                micros => write!(f, "{micros}us"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(value: &str) -> Option<u128> {
        match Timespan::parse(OsStr::new(value)).ok()? {
            Timespan::Finite(duration) => Some(duration.as_micros()),
            Timespan::Infinity => Some(u128::MAX),
        }
    }

    #[test]
    fn time_spans_of_systemd_time_are_read() {
        for (value, expected) in [
            ("90", 90_000_000),
            ("1min 30s", 90_000_000),
            ("1min30s", 90_000_000),
            ("500ms", 500_000),
            ("1.5s", 1_500_000),
            (".5", 500_000),
            ("0", 0),
            ("2 h", 7_200_000_000),
            ("1M", 2_629_800_000_000),
            ("2months", 5_259_600_000_000),
            ("2 years 1year", 94_672_800_000_000),
            ("infinity", u128::MAX),
        ] {
            assert_eq!(micros(value), Some(expected), "{value}");
        }
    }

    /// What systemd 252 accepts for `TimerSlackNSec=` and refuses.
    #[test]
    fn nanoseconds_are_read_and_are_the_default_unit() {
        let nanos = |value: &str| match Timespan::parse_nsec(OsStr::new(value)).ok()? {
            Timespan::Finite(duration) => Some(duration.as_nanos()),
            Timespan::Infinity => Some(u128::MAX),
        };
        for (value, expected) in [
            ("5ns", Some(5)),
            ("5", Some(5)),
            ("7nsec", Some(7)),
            ("1.5us", Some(1_500)),
            ("1s 5ns", Some(1_000_000_005)),
            ("50µs", Some(50_000)),
            ("500y", Some(15_778_800_000_000_000_000)),
            ("infinity", Some(u128::MAX)),
            ("1000y", None),
            ("-1", None),
            ("5x", None),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(nanos(value), expected, "{value}");
        }
        assert_eq!(micros("5ns"), None, "only TimerSlackNSec= has nanoseconds");
    }

    #[test]
    fn invalid_time_span_is_refused() {
        for value in ["", "s", "-1", "1x", "1..2", "1.s.", "99999999999999999999", "1y99999999999999y"] {
            assert_eq!(micros(value), None, "{value}");
        }
    }

    #[test]
    fn printed_time_span_is_read_back() {
        for span in [0, 1, 999, 1_000, 1_500_000, 90_000_000, 86_400_000_001] {
            assert_eq!(micros(&Timespan::Finite(Duration::from_micros(span)).to_string()), Some(span.into()));
        }
    }
}
