//! Times at the beginning of lines (RFC 3339), and in the names of old log files.

use std::time::{Duration, SystemTime};

/// How a time at the beginning of a line looks: `0` is any digit.
const IN_LINE: &[u8; 28] = b"0000-00-00T00:00:00.000000Z ";

/// How a time in the name of an old log file looks.
const IN_NAME: &[u8; 23] = b"00000000T000000.000000Z";

/// The length of a time at the beginning of a line, with the blank behind it.
pub(crate) const TIME_BYTES: usize = IN_LINE.len();

/// The time in UTC as written at the beginning of a line, with a blank: `2026-11-30T13:08:46.123456Z `.
pub(crate) fn of(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second, micros } = Civil::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z ")
}

/// The time at the beginning of a line.
pub(crate) fn read(line: &[u8]) -> Option<SystemTime> {
    time_in(line.get(..TIME_BYTES)?, IN_LINE)
}

/// The time in UTC as written in the name of an old log file: `20261130T130846.123456Z`.
pub(crate) fn in_name(time: SystemTime) -> String {
    let Civil { year, month, day, hour, minute, second, micros } = Civil::of(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{micros:06}Z")
}

/// The time in such a name.
pub(crate) fn of_name(name: &str) -> Option<SystemTime> {
    time_in(name.as_bytes(), IN_NAME)
}

/// Reads a time that looks like the form.
fn time_in(text: &[u8], form: &[u8]) -> Option<SystemTime> {
    let fits =
        |(byte, wanted): (&u8, &u8)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    if text.len() != form.len() || !text.iter().zip(form).all(fits) {
        return None;
    }
    let digits: String =
        text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    Civil::read(&digits).map(Civil::time)
}

/// A time of the calendar, in UTC.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    micros: u32,
}

impl Civil {
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Years begin in March here, so that a leap day is the last one.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: since.subsec_micros(),
        }
    }

    /// Reads 20 digits.
    fn read(digits: &str) -> Option<Self> {
        let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
        let all = Self {
            year: number(0, 4)?,
            month: number(4, 6)?,
            day: number(6, 8)?,
            hour: number(8, 10)?,
            minute: number(10, 12)?,
            second: number(12, 14)?,
            micros: u32::try_from(number(14, 20)?).ok()?,
        };
        let good = all.year >= 1970
            && (1..=12).contains(&all.month)
            && (1..=31).contains(&all.day)
            && all.hour < 24
            && all.minute < 60
            && all.second < 60;
        good.then_some(all)
    }

    fn time(self) -> SystemTime {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let (era, year_of_era) = (year / 400, year % 400);
        let from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        let days = era * 146_097 + of_era - 719_468;
        let seconds = days * 86_400 + self.hour * 3600 + self.minute * 60 + self.second;
        SystemTime::UNIX_EPOCH + Duration::new(seconds, self.micros * 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000)
    }

    #[test]
    fn time_is_written_as_date_writes_it_and_read_back() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_709_164_800, "2024-02-29T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (4_107_542_399, "2100-02-28T23:59:59"),
        ] {
            let time = at(seconds, 42);
            assert_eq!(of(time), format!("{written}.000042Z "));
            assert_eq!(read(of(time).as_bytes()), Some(time));
            assert_eq!(of_name(&in_name(time)), Some(time));
        }
        for days in 0..80_000 {
            let time = at(days * 86_400 + 3, 0);
            assert_eq!(of_name(&in_name(time)), Some(time));
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for bad in [
            "",
            "2026-13-01T00:00:00.000000Z ",
            "2026-11-30 13:08:46.123456Z ",
            "+026-11-30T13:08:46.123456Z x",
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(of_name("20261130T130846.123456"), None);
    }
}
