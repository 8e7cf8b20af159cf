//! What a service may use of the machine together with all its processes (systemd.resource-control(5)).

use std::ffi::OsStr;
use std::fmt;

use super::value_error::text;
use super::{CpuSet, Limit, ValueError};

/// The limits and shares of the control group of a service. `None`: not limited, the kernel's share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceControl {
    /// The most tasks: processes and threads (`TasksMax=`).
    pub tasks_max: Option<Amount>,
    /// Memory that is never reclaimed (`MemoryMin=`).
    pub memory_min: Option<Amount>,
    /// Memory that is reclaimed last (`MemoryLow=`).
    pub memory_low: Option<Amount>,
    /// Memory above which it is slowed down (`MemoryHigh=`).
    pub memory_high: Option<Amount>,
    /// Memory above which the kernel kills (`MemoryMax=`).
    pub memory_max: Option<Amount>,
    /// The most swap (`MemorySwapMax=`).
    pub memory_swap_max: Option<Amount>,
    /// The share of the processors where they are short (`CPUWeight=`).
    pub cpu_weight: Option<CpuWeight>,
    /// The most time on processors, in hundredths of a percent of one (`CPUQuota=`).
    pub cpu_quota: Option<u32>,
    /// The processors that it may run on (`AllowedCPUs=`). Empty: all.
    pub allowed_cpus: CpuSet,
    /// The memory nodes that it may use (`AllowedMemoryNodes=`). Empty: all.
    pub allowed_memory_nodes: CpuSet,
    /// The share of disks where they are busy, 1 to 10000 (`IOWeight=`).
    pub io_weight: Option<u16>,
}

/// An amount of memory or tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Bytes or tasks.
    At(u64),
    /// Hundredths of a percent of what the machine has.
    Share(u32),
    /// No limit.
    Infinity,
}

/// A share of the processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuWeight {
    /// Only what no other group wants.
    Idle,
    /// 1 to 10000; the kernel's is 100.
    At(u16),
}

/// One percent.
const PERCENT: u32 = 100;

/// The whole.
const WHOLE: u32 = 100 * PERCENT;

impl Amount {
    /// Reads a number of tasks.
    pub(crate) fn tasks(value: &OsStr) -> Result<Self, ValueError> {
        let count = |word: &str| plain(word).filter(|number| *number > 0);
        let hint = "write a number, a percentage such as 50%, or infinity";
        Self::read(value, count).ok_or_else(|| ValueError::hinted("not a number of tasks", hint))
    }

    /// Reads an amount of memory that may be 0.
    pub(crate) fn memory(value: &OsStr) -> Result<Self, ValueError> {
        let bytes = |word: &str| Limit::parse_bytes(word).ok();
        let hint = "write bytes, a number with K, M, G or T, a percentage, or infinity";
        Self::read(value, bytes).ok_or_else(|| ValueError::hinted("not an amount of memory", hint))
    }

    /// Reads an amount of memory above 0.
    pub(crate) fn some_memory(value: &OsStr) -> Result<Self, ValueError> {
        match Self::memory(value)? {
            Self::At(0) | Self::Share(0) => Err("it is at least one byte".into()),
            amount => Ok(amount),
        }
    }

    /// The largest number is `infinity` in the kernel, and systemd refuses it.
    fn read(value: &OsStr, number: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        let word = text(value).ok()?;
        if word == "infinity" {
            return Some(Self::Infinity);
        }
        let share = || hundredths(word).filter(|share| *share <= WHOLE).map(Self::Share);
        share().or_else(|| number(word).filter(|number| *number < u64::MAX).map(Self::At))
    }

    /// The amount of a machine that has `whole`. `None`: no limit.
    pub fn of(self, whole: u64) -> Option<u64> {
        match self {
            Self::At(number) => Some(number),
            Self::Share(share) => {
                let part = u128::from(whole) * u128::from(share) / u128::from(WHOLE);
                Some(u64::try_from(part).unwrap_or(u64::MAX))
            }
            Self::Infinity => None,
        }
    }
}

/// Bytes are written with the largest unit that is exact.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 4] = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
        match *self {
            Self::At(number) => {
                let exact = |shift: &u32| number > 0 && number % (1 << shift) == 0;
                match UNITS.iter().find(|(shift, _)| exact(shift)) {
                    Some((shift, unit)) => write!(f, "{}{unit}", number >> shift),
                    None => number.fmt(f),
                }
            }
            Self::Share(share) => f.write_str(&percentage(share)),
            Self::Infinity => f.write_str("infinity"),
        }
    }
}

impl CpuWeight {
    pub(crate) fn read(value: &OsStr) -> Result<Self, ValueError> {
        if value == "idle" { Ok(Self::Idle) } else { weight(value).map(Self::At) }
    }
}

impl fmt::Display for CpuWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::At(weight) => weight.fmt(f),
        }
    }
}

/// Reads a weight.
pub(super) fn weight(value: &OsStr) -> Result<u16, ValueError> {
    let number = plain(text(value)?).and_then(|number| u16::try_from(number).ok());
    number
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| "not a whole number from 1 to 10000".into())
}

/// Reads a quota of processor time.
pub(super) fn quota(value: &OsStr) -> Result<u32, ValueError> {
    hundredths(text(value)?).filter(|quota| *quota > 0).ok_or_else(|| {
        ValueError::hinted(
            "not a share of a processor",
            "write a percentage of one processor, as 50% or 200%",
        )
    })
}

/// Reads a percentage with at most two decimals, or in thousandths or ten-thousandths as systemd does.
fn hundredths(word: &str) -> Option<u32> {
    let units = [('%', 2_u32), ('\u{2030}', 1), ('\u{2031}', 0)];
    let (number, decimals) =
        units.into_iter().find_map(|(sign, decimals)| Some((word.strip_suffix(sign)?, decimals)))?;
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(a, b)| (a, Some(b)));
    let room = usize::try_from(decimals).ok()?;
    let fraction = match fraction {
        None => "",
        Some(digits) if (1..=room).contains(&digits.len()) => digits,
        Some(_) => return None,
    };
    let all = format!("{whole}{fraction:0<room$}");
    let is_number = !whole.is_empty() && all.bytes().all(|byte| byte.is_ascii_digit());
    all.parse().ok().filter(|_| is_number)
}

/// A percentage as it is written.
pub(super) fn percentage(hundredths: u32) -> String {
    let (whole, rest) = (hundredths / PERCENT, hundredths % PERCENT);
    match (rest, rest % 10) {
        (0, _) => format!("{whole}%"),
        (_, 0) => format!("{whole}.{}%", rest / 10),
        _ => format!("{whole}.{rest:02}%"),
    }
}

fn plain(word: &str) -> Option<u64> {
    let digits = word.strip_prefix('+').unwrap_or(word);
    let bare = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What systemd 252 accepts and refuses (`systemd-analyze verify`).
    #[test]
    fn amounts_are_read_as_systemd_reads_them() {
        let shown = |read: fn(&OsStr) -> Result<Amount, ValueError>, value: &str| {
            read(value.as_ref()).ok().map(|amount| amount.to_string())
        };
        for (value, expected) in [
            ("1.5G", "1536M"),
            ("1G512M", "1536M"),
            ("5 M", "5M"),
            ("1.5", "1"),
            ("50%", "50%"),
            ("12.5%", "12.5%"),
            ("12.05%", "12.05%"),
            ("5\u{2030}", "0.5%"),
            ("infinity", "infinity"),
            ("18446744073709551614", "18446744073709551614"),
        ] {
            assert_eq!(shown(Amount::some_memory, value).as_deref(), Some(expected), "{value}");
        }
        for value in ["0", "0%", "512M 1G", "5 MB", "5k", "16E", "18446744073709551615", "200%", "", "lots"] {
            assert_eq!(shown(Amount::some_memory, value), None, "{value}");
        }
        assert_eq!(shown(Amount::memory, "0").as_deref(), Some("0"));
        assert_eq!(shown(Amount::tasks, "0%").as_deref(), Some("0%"));
        assert_eq!(shown(Amount::tasks, "5").as_deref(), Some("5"));
        for value in ["0", "101%", "1.555%", "1K", ""] {
            assert_eq!(shown(Amount::tasks, value), None, "{value}");
        }
    }

    #[test]
    fn share_is_of_the_whole() {
        assert_eq!(Amount::Share(1250).of(800), Some(100));
        assert_eq!(Amount::Share(10_000).of(u64::MAX), Some(u64::MAX));
        assert_eq!((Amount::At(7).of(1), Amount::Infinity.of(1)), (Some(7), None));
    }

    #[test]
    fn quota_and_weights_have_their_ranges() {
        let quota = |value: &str| quota(value.as_ref()).ok().map(percentage);
        assert_eq!(quota("250%").as_deref(), Some("250%"));
        assert_eq!(quota("0.01%").as_deref(), Some("0.01%"));
        for wrong in ["0%", "20", "infinity", "%", ".5%", "-1%", "1.%"] {
            assert_eq!(quota(wrong), None, "{wrong}");
        }
        let weight = |value: &str| CpuWeight::read(value.as_ref()).ok();
        assert_eq!(weight("idle"), Some(CpuWeight::Idle));
        assert_eq!(weight("10000"), Some(CpuWeight::At(10_000)));
        assert_eq!((weight("0"), weight("10001"), weight("")), (None, None, None));
    }
}
