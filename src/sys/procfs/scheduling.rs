//! Limits and priorities: `/proc/PID/limits`, `oom_score_adj`, and the nice value.

use std::fs::File;
use std::io::Read;
use std::{fmt, fs};

use crate::sys::procfs;
use crate::sys::procfs::Unreadable;

/// A resource limit, see getrlimit(2). `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimit {
    /// The soft limit.
    pub soft: Option<u64>,
    /// The hard limit, up to which the process can raise the soft one.
    pub hard: Option<u64>,
}

impl fmt::Display for ProcessLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word =
            |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
        write!(f, "{} (at most {})", word(self.soft), word(self.hard))
    }
}

/// The two limits whose inherited value can harm a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreAndFiles {
    /// The size of a core file, in bytes.
    pub core: ProcessLimit,
    /// The number of open descriptors.
    pub files: ProcessLimit,
}

/// Reads `/proc/PID/limits`. Some kernels require the permission to trace the process.
pub fn limits(pid: i32) -> Result<CoreAndFiles, Unreadable> {
    parse_limits(&fs::read_to_string(procfs::path(pid, "limits")?)?).ok_or(Unreadable::NotReported)
}

/// Reads `/proc/PID/oom_score_adj`: -1000 (never killed by the OOM killer) to 1000 (killed first).
pub fn oom_score_adjustment(pid: i32) -> Result<i32, Unreadable> {
    fs::read_to_string(procfs::path(pid, "oom_score_adj")?)?
        .trim()
        .parse()
        .map_err(|_| Unreadable::NotReported)
}

/// The nice value, -20 (highest priority) to 19 (lowest).
pub fn nice(pid: i32) -> Result<i32, Unreadable> {
    let mut text = Vec::new();
    File::open(procfs::path(pid, "stat")?)?.read_to_end(&mut text)?;
    parse_nice(&String::from_utf8_lossy(&text)).ok_or(Unreadable::NotReported)
}

fn parse_limits(text: &str) -> Option<CoreAndFiles> {
    Some(CoreAndFiles { core: limit(text, "Max core file size")?, files: limit(text, "Max open files")? })
}

fn limit(text: &str, name: &str) -> Option<ProcessLimit> {
    let mut words = text.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace();
    let mut next = || match words.next()? {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    };
    Some(ProcessLimit { soft: next()?, hard: next()? })
}

/// Field 19, where the state after the closing parenthesis is field 3.
fn parse_nice(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split_ascii_whitespace().nth(16)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_and_file_limits_are_read() {
        let text = "Limit                     Soft ProcessLimit           Hard ProcessLimit           Units     \n\
            Max core file size        0                    unlimited            bytes     \n\
            Max open files            1024                 20000                files     \n";
        let limits = parse_limits(text).unwrap();
        assert_eq!(limits.core, ProcessLimit { soft: Some(0), hard: None });
        assert_eq!(limits.files.to_string(), "1024 (at most 20000)");
        assert_eq!(limits.core.to_string(), "0 (at most unlimited)");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn nice_is_field_19() {
        assert_eq!(parse_nice("42 (a) b) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -5 20 21 22"), Some(-5));
        let own = i32::try_from(std::process::id()).unwrap();
        assert!((-20..20).contains(&nice(own).unwrap()));
    }
}
