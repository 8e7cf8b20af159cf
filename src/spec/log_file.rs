//! How a log file is rotated, and what follows when it is moved away.

use std::ffi::OsStr;
use std::num::NonZeroU32;

use super::boolean::yes_or_no;
use super::draft::Pass;
use super::value_error::text;
use super::{Field, Limit, SignalName, Timespan, ValueError};

/// What becomes of the log file of a service. `None`: not set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFile {
    /// The length in bytes from which it is rotated.
    pub rotate_size: Option<u64>,
    /// The age from which it is rotated.
    pub rotate_age: Option<Timespan>,
    /// How many old files are kept.
    pub keep: Option<NonZeroU32>,
    /// Whether old files are compressed (gzip(1)).
    pub gzip: Option<bool>,
    /// Whether each line begins with the time (RFC 3339).
    pub timestamps: Option<bool>,
    /// The signal by which the program opens its log files again.
    pub reopen_signal: Option<SignalName>,
}

/// The smallest length of a log file that is rotated: one page.
const MIN_SIZE: u64 = 4096;

/// The names of the ways to compress an old file.
pub(super) const COMPRESSIONS: [&str; 2] = ["none", "gzip"];

impl LogFile {
    /// Whether the output goes through a pipe to the process that stays with the service, which writes the file.
    #[doc(hidden)]
    pub fn has_pipe(&self) -> bool {
        self.rotates() || self.timestamps == Some(true)
    }

    /// Whether the file is rotated.
    #[doc(hidden)]
    pub fn rotates(&self) -> bool {
        self.rotate_size.is_some() || self.rotate_age.is_some_and(|age| age.finite().is_some())
    }
}

impl Pass<'_> {
    /// Reads its fields.
    pub(super) fn log_file(&mut self) -> LogFile {
        LogFile {
            rotate_size: self.one(Field::LogRotateSize, size),
            rotate_age: self.one(Field::LogRotateAge, age),
            keep: self.one(Field::LogKeep, keep),
            gzip: self.one(Field::LogCompress, compress),
            timestamps: self.one(Field::LogTimestamps, yes_or_no),
            reopen_signal: self.one(Field::ReopenSignal, SignalName::parse),
        }
    }
}

/// Reads a length.
fn size(value: &OsStr) -> Result<u64, ValueError> {
    match Limit::parse_bytes(text(value)?) {
        Ok(bytes) if bytes >= MIN_SIZE && i64::try_from(bytes).is_ok() => Ok(bytes),
        _ => Err(ValueError::hinted("not a length from 4K on", "write bytes, or a number with K, M, G or T")),
    }
}

/// Reads an age.
fn age(value: &OsStr) -> Result<Timespan, ValueError> {
    match Timespan::parse(value)? {
        Timespan::Finite(age) if age.as_secs() == 0 => Err("it is at least one second".into()),
        age => Ok(age),
    }
}

/// Reads a number of files.
fn keep(value: &OsStr) -> Result<NonZeroU32, ValueError> {
    const MAX: u32 = 100_000;
    let number = text(value)?.parse().ok().and_then(NonZeroU32::new).filter(|number| number.get() <= MAX);
    number.ok_or_else(|| format!("not a whole number from 1 to {MAX}").into())
}

/// Reads how an old file is compressed.
fn compress(value: &OsStr) -> Result<bool, ValueError> {
    match text(value)? {
        "none" => Ok(false),
        "gzip" => Ok(true),
        _ => Err(ValueError::hinted("unknown compression", "use gzip or none")),
    }
}

/// The name of a way to compress.
pub(super) fn compression_name(gzip: bool) -> &'static str {
    COMPRESSIONS[usize::from(gzip)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_a_rotation_is_refused_if_it_would_rotate_all_the_time() {
        let of = OsStr::new;
        assert_eq!(size(of("10M")), Ok(10 << 20));
        assert_eq!(keep(of("7")).map(NonZeroU32::get), Ok(7));
        assert!(["", "0", "4095", "-1", "1.x", "99999999T"].iter().all(|word| size(of(word)).is_err()));
        assert!(["", "0", "999ms", "x"].iter().all(|word| age(of(word)).is_err()));
        assert!(["", "0", "-1", "100001"].iter().all(|word| keep(of(word)).is_err()));
        assert!(["", "bzip2", "yes"].iter().all(|word| compress(of(word)).is_err()));
    }
}
