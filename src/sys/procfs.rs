//! What the kernel says of a process in `/proc` (proc(5)).

use std::fs;
use std::io;
use std::path::PathBuf;

/// The fields of `/proc/PID/stat` that tell who a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The process that these facts are about.
    pub pid: i32,
    /// The name of the program, cut to 15 bytes by the kernel.
    pub comm: String,
    /// `R`, `S`, `D`, `Z` (a zombie: dead, not yet waited for), `T`, …
    pub state: char,
    /// The parent.
    pub ppid: i32,
    /// The process group.
    pub pgrp: i32,
    /// The session.
    pub session: i32,
    /// The controlling terminal's device number; 0 is none.
    pub tty_nr: i32,
    /// When it started, in clock ticks since boot: with the pid, the identity of a process until the next boot.
    pub start_time: u64,
}

/// Reads `/proc/PID/stat`. An error of kind `NotFound` means that there is no such process.
pub fn stat(pid: i32) -> io::Result<Stat> {
    let text = fs::read(path(pid, "stat"))?;
    parse_stat(&String::from_utf8_lossy(&text))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an unreadable /proc/PID/stat"))
}

/// `/proc/PID/NAME`.
pub fn path(pid: i32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// The name may hold blanks and parentheses, so it ends at the *last* closing one.
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(") ")?;
    let (pid, comm) = head.split_once(" (")?;
    let mut fields = tail.split_ascii_whitespace();
    let mut next = || fields.next();
    let state = next()?.chars().next()?;
    let (ppid, pgrp, session, tty_nr) =
        (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
    // tty_nr is field 7, starttime field 22.
    let start_time = fields.nth(14)?.parse().ok()?;
    Some(Stat { pid: pid.parse().ok()?, comm: comm.to_owned(), state, ppid, pgrp, session, tty_nr, start_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_read_whole() {
        let line = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20 21";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.comm.as_str(), stat.state, stat.ppid, stat.tty_nr), ("a) b (c", 'S', 1, 4));
        assert_eq!(stat.start_time, 99);
    }

    #[test]
    fn our_own_line_is_read() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(stat(own).unwrap().pid, own);
    }
}
