//! Integers within bounds: nice levels, OOM scores, descriptor numbers.

use std::ffi::OsStr;

use super::ValueError;
use super::value_error::text;

/// Reads a nice level: -20 (first) to 19 (last), setpriority(2).
pub(super) fn nice(value: &OsStr) -> Result<i32, ValueError> {
    between(value, -20, 19)
}

/// Reads an OOM score adjustment: -1000 (never killed) to 1000 (killed first), proc(5).
pub(super) fn oom_score_adjust(value: &OsStr) -> Result<i32, ValueError> {
    between(value, -1000, 1000)
}

/// Reads an I/O priority: 0 (first) to 7 (last), ioprio_set(2).
pub(super) fn io_priority(value: &OsStr) -> Result<u8, ValueError> {
    small(value, 7)
}

/// Reads a real-time priority: 1 (last) to 99 (first), and 0 for other policies; sched(7).
pub(super) fn cpu_priority(value: &OsStr) -> Result<u8, ValueError> {
    small(value, 99)
}

/// Reads a descriptor number above those of the standard streams.
pub(super) fn descriptor(value: &OsStr) -> Result<i32, ValueError> {
    match between(value, 0, 1_048_575)? {
        0..=2 => Err("descriptors 0 to 2 are the standard streams".into()),
        number => Ok(number),
    }
}

/// Reads descriptor numbers, separated by commas or blanks.
pub(super) fn descriptors(value: &OsStr) -> Result<Vec<i32>, ValueError> {
    text(value)?
        .split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| descriptor(OsStr::new(word)))
        .collect()
}

/// Reads a count, as systemd does: 0 to 4294967295.
pub(super) fn count(value: &OsStr) -> Result<u32, ValueError> {
    let digits = text(value)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| "not a whole number from 0 to 4294967295".into())
}

fn small(value: &OsStr, high: u8) -> Result<u8, ValueError> {
    let number = between(value, 0, high.into())?;
    u8::try_from(number).map_err(|_| "too large".into())
}

fn between(value: &OsStr, low: i32, high: i32) -> Result<i32, ValueError> {
    match text(value)?.parse() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!("not a whole number from {low} to {high}").into()),
    }
}
