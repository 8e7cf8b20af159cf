//! The times that a person types: those of systemd.time(7), "Parsing Timestamps", that are used with logs.

use std::ffi::OsStr;
use std::time::{Duration, SystemTime};

use svcadapt_spec::Timespan;

use super::timestamp;
use crate::sys::local_time::LocalTime;

/// Reads a time: `2026-11-30 13:00`, `13:00:05`, `today`, `yesterday`, `-1h`, `2min ago`, `now`, `@SECONDS`, or RFC 3339 in UTC.
pub fn log_time(word: &str) -> Option<SystemTime> {
    let now = SystemTime::now();
    let word = word.trim();
    let day = |days: i32| {
        let today = LocalTime::of(now)?;
        LocalTime { day: today.day + days, hour: 0, minute: 0, second: 0, ..today }.moment()
    };
    match word {
        "now" => return Some(now),
        "today" => return day(0),
        "yesterday" => return day(-1),
        "tomorrow" => return day(1),
        _ => {}
    }
    if let Some(seconds) = word.strip_prefix('@') {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
        return SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(digits(whole)?)).and_then(|time| {
            let micros = if part.is_empty() { 0 } else { digits(part.get(..6).unwrap_or(part))? };
            let scale = 10_u64.pow(6 - u32::try_from(part.len().min(6)).ok()?);
            time.checked_add(Duration::from_micros(micros * scale))
        });
    }
    let span = |text: &str| Timespan::parse(OsStr::new(text)).ok()?.finite().filter(|_| !text.is_empty());
    if let Some(before) = word.strip_prefix('-').or_else(|| word.strip_suffix(" ago")) {
        return now.checked_sub(span(before.trim())?);
    }
    if let Some(after) = word.strip_prefix('+') {
        return now.checked_add(span(after)?);
    }
    utc(word).or_else(|| local(word, now))
}

/// RFC 3339 in UTC, with or without parts of a second.
fn utc(word: &str) -> Option<SystemTime> {
    let whole = word.strip_suffix('Z')?;
    let (whole, part) = whole.split_once('.').unwrap_or((whole, ""));
    if part.len() > 6 {
        return None;
    }
    timestamp::read(format!("{whole}.{part:0<6}Z ").as_bytes())
}

fn local(word: &str, now: SystemTime) -> Option<SystemTime> {
    let (date, clock) = match word.split_once([' ', 'T']) {
        Some((date, clock)) => (Some(date), Some(clock)),
        None if word.contains(':') => (None, Some(word)),
        None => (Some(word), None),
    };
    let today = LocalTime::of(now)?;
    let number = |text: &str, low: i32, high: i32| {
        let number = i32::try_from(digits(text)?).ok()?;
        (low..=high).contains(&number).then_some(number)
    };
    let (year, month, day) = match date {
        None => (today.year, today.month, today.day),
        Some(date) => {
            let mut parts = date.splitn(3, '-');
            let mut next = |low, high| number(parts.next()?, low, high);
            (next(1970, 9999)?, next(1, 12)?, next(1, 31)?)
        }
    };
    let (hour, minute, second) = match clock {
        None => (0, 0, 0),
        Some(clock) => {
            let parts: Vec<&str> = clock.split(':').collect();
            match *parts.as_slice() {
                [hour, minute] => (number(hour, 0, 23)?, number(minute, 0, 59)?, 0),
                [hour, minute, second] => {
                    (number(hour, 0, 23)?, number(minute, 0, 59)?, number(second, 0, 59)?)
                }
                _ => return None,
            }
        }
    };
    LocalTime { year, month, day, hour, minute, second }.moment()
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_systemd_reads_them() {
        let at = |seconds: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(log_time("@1700000000"), at(1_700_000_000));
        assert_eq!(log_time("@1.25"), at(1).map(|time| time + Duration::from_millis(250)));
        assert_eq!(log_time("2023-11-14T22:13:20Z"), at(1_700_000_000));
        let local = LocalTime::of(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
        let LocalTime { year, month, day, hour, minute, second } = local;
        let written = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        assert_eq!(log_time(&written), at(1_700_000_000));
        let now = SystemTime::now();
        for (word, seconds) in [("-1h", 3600), ("2min ago", 120), ("now", 0), ("-1h 5s", 3605)] {
            let behind = now.duration_since(log_time(word).unwrap()).unwrap_or_default().as_secs();
            assert!(behind.abs_diff(seconds) < 60, "{word}: {behind}");
        }
        assert!(log_time("yesterday") < log_time("today") && log_time("today") < log_time("tomorrow"));
        assert!(log_time("today") <= log_time("00:00"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "x",
            "@",
            "@x",
            "-",
            "2026-13-01",
            "2026-1-1 24:00",
            "1:2:3:4",
            "ago",
            "- 5parsec",
            "2026-11",
        ] {
            assert_eq!(log_time(bad), None, "{bad}");
        }
    }
}
