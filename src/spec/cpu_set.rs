//! A set of processors, as in `0-3 5`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// A set of processors, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuSet(BTreeSet<u16>);

impl CpuSet {
    /// The largest number of a processor in systemd and in the kernel.
    const MAX: u16 = 8191;

    /// Reads numbers and ranges, separated by blanks or commas.
    pub(crate) fn parse_list(value: &OsStr) -> Result<Vec<u16>, ValueError> {
        let mut all = Vec::new();
        for word in text(value)?.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            let (first, last) = (processor(first)?, processor(last)?);
            if first > last {
                return Err(format!("the range {word} ends before it begins").into());
            }
            all.extend(first..=last);
        }
        if all.is_empty() { Err(wrong()) } else { Ok(all) }
    }

    /// Whether it has no processor.
    #[doc(hidden)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, in order.
    #[doc(hidden)]
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<u16> for CpuSet {
    fn from_iter<T: IntoIterator<Item = u16>>(numbers: T) -> Self {
        Self(numbers.into_iter().collect())
    }
}

fn processor(word: &str) -> Result<u16, ValueError> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| plain && *number <= CpuSet::MAX).ok_or_else(wrong)
}

fn wrong() -> ValueError {
    ValueError::hinted("not a list of processors from 0 to 8191", "write numbers and ranges, as 0-3 5")
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.iter().peekable();
        let mut gap = "";
        while let Some(first) = numbers.next() {
            let mut last = first;
            while let Some(next) = numbers.next_if(|next| *next == last + 1) {
                last = next;
            }
            match last - first {
                0 => write!(f, "{gap}{first}")?,
                _ => write!(f, "{gap}{first}-{last}")?,
            }
            gap = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_read_and_written_in_ranges() {
        let shown = |value: &str| {
            CpuSet::parse_list(value.as_ref()).map(|all| all.into_iter().collect::<CpuSet>().to_string())
        };
        assert_eq!(shown("5,0-2 3").unwrap(), "0-3 5");
        assert_eq!(shown("8191").unwrap(), "8191");
        for wrong in ["", ",", "a", "8192", "-1", "1-", "+1", "0x3", "numa"] {
            assert_eq!(shown(wrong).unwrap_err(), super::wrong(), "{wrong}");
        }
        assert_eq!(shown("3-1").unwrap_err().cause, "the range 3-1 ends before it begins");
    }
}
