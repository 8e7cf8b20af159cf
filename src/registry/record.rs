//! The record of a service: which process it is, and how to stop it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::plan::started_as;
use crate::sys::{identity, process};

/// The record of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its main process.
    pub pid: i32,
    /// The start time of that process, in the system's unit. `None` without /proc; then only the lock identifies the
    /// process.
    pub start_time: Option<u64>,
    /// The id of the boot in which it was written. `None` if the system reports none.
    pub boot: Option<String>,
    /// The pid namespace of the pid. `None` if the system has only one.
    pub namespace: Option<String>,
    /// Its pid file.
    pub pid_file: Option<PathBuf>,
    /// Its program.
    pub program: PathBuf,
    /// The stop timeout in microseconds. `None` means no limit.
    pub stop_timeout: Option<u64>,
    /// The name of the stop signal. `None` means SIGTERM.
    pub stop_signal: Option<String>,
    /// Its session.
    pub session: Session,
    /// The value of `SVCADAPT_PROCESS` in the environment of its processes.
    pub mark: Option<String>,
    /// The user that it was started as.
    pub user: u32,
}

/// The session of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A session of its own with this number: every member belongs to the service.
    Own(i32),
    /// The session of its starter, which has other members.
    Shared,
}

impl Record {
    /// The record of this process, in a shared session.
    pub fn own(pid_file: Option<PathBuf>, program: PathBuf, stop_timeout: Option<u64>) -> io::Result<Self> {
        Self::of(process::own_pid(), pid_file, program, stop_timeout)
    }

    /// The record of another process, in a shared session.
    pub fn of(
        pid: i32,
        pid_file: Option<PathBuf>,
        program: PathBuf,
        stop_timeout: Option<u64>,
    ) -> io::Result<Self> {
        let start_time = seen(process::identity(pid))?.map(|found| found.start_time);
        Ok(Self {
            pid,
            start_time,
            boot: process::boot().ok(),
            namespace: process::namespace(),
            pid_file,
            program,
            stop_timeout,
            stop_signal: None,
            session: Session::Shared,
            mark: start_time.map(|start| started_as(pid, start)),
            user: identity::effective_user(),
        })
    }

    /// The start time of the oldest process of the service.
    pub fn first_start_time(&self) -> Option<u64> {
        let mark = || self.mark.as_deref()?.split(':').nth(1)?.parse().ok();
        self.start_time.map(|start| mark().unwrap_or(start).min(start))
    }

    /// Whether its process is alive: the same process, and not a zombie.
    pub fn lives(&self) -> bool {
        let Some(start) = self.start_time else { return false };
        let now = process::identity(self.pid);
        now.is_ok_and(|now| process::same_start(now.start_time, start) && !now.ended)
            && self.is_of_this_boot()
            && !self.is_of_another_namespace()
    }

    /// Whether this holder of the lock can be the recorded process. If only its pid is visible, the pid decides.
    pub(super) fn may_be(&self, pid: i32) -> bool {
        let same = |now: u64| self.start_time.is_none_or(|start| process::same_start(now, start));
        let other = process::identity(pid).is_ok_and(|now| !same(now.start_time) || now.ended);
        pid == self.pid && !other && self.is_of_this_boot()
    }

    /// Whether it was written in this boot. `true` if that is unknown.
    pub fn is_of_this_boot(&self) -> bool {
        match (&self.boot, process::boot()) {
            (Some(then), Ok(now)) => *then == now,
            _ => true,
        }
    }

    /// Whether its pid belongs to another pid namespace. `false` without /proc.
    pub(super) fn is_of_another_namespace(&self) -> bool {
        self.namespace.is_some() && process::namespace().is_some_and(|own| self.namespace != Some(own))
    }

    /// Whether it records this process.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.pid == process::own_pid() && self.lives()
    }

    /// Whether its process is alive and is not this process.
    pub fn is_of_other_process(&self) -> bool {
        self.pid != process::own_pid() && self.lives()
    }

    /// One field per line; the last line marks the record as complete.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut text = format!("pid={}\n", self.pid).into_bytes();
        let mut put = |name: &str, value: &OsStr| {
            text.extend(name.bytes());
            text.push(b'=');
            for &byte in value.as_bytes() {
                match byte {
                    b'%' | b'\n' => text.extend(format!("%{byte:02x}").bytes()),
                    _ => text.push(byte),
                }
            }
            text.push(b'\n');
        };
        if let Some(start) = self.start_time {
            put("start", OsStr::new(&start.to_string()));
        }
        if let Some(boot) = &self.boot {
            put("boot", OsStr::new(boot));
        }
        put("program", self.program.as_os_str());
        if let Some(namespace) = &self.namespace {
            put("namespace", OsStr::new(namespace));
        }
        if let Some(path) = &self.pid_file {
            put("pid-file", path.as_os_str());
        }
        if let Some(timeout) = self.stop_timeout {
            put("stop", OsStr::new(&timeout.to_string()));
        }
        if let Some(signal) = &self.stop_signal {
            put("signal", OsStr::new(signal));
        }
        if let Session::Own(number) = self.session {
            put("session", OsStr::new(&number.to_string()));
        }
        if let Some(mark) = &self.mark {
            put("mark", OsStr::new(mark));
        }
        put("user", OsStr::new(&self.user.to_string()));
        text.extend(b"end=\n");
        text
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b"end=\n")?;
        let field = |name: &str| {
            let value = text
                .split(|&b| b == b'\n')
                .find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            Some(unescape(value))
        };
        let number = |name: &str| field(name)?.into_string().ok()?.parse::<u64>().ok();
        Some(Self {
            pid: i32::try_from(number("pid")?).ok()?,
            start_time: number("start"),
            boot: field("boot").and_then(|boot| boot.into_string().ok()),
            namespace: field("namespace").and_then(|name| name.into_string().ok()),
            pid_file: field("pid-file").map(PathBuf::from),
            program: field("program")?.into(),
            stop_timeout: number("stop"),
            stop_signal: field("signal").and_then(|name| name.into_string().ok()),
            session: number("session")
                .and_then(|n| i32::try_from(n).ok())
                .map_or(Session::Shared, Session::Own),
            mark: field("mark").and_then(|mark| mark.into_string().ok()),
            user: number("user").and_then(|user| u32::try_from(user).ok()).unwrap_or(0),
        })
    }
}

/// A fact about a process. `None` if the system shows no processes.
fn seen<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        looked => looked.map(Some),
    }
}

fn unescape(value: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(protected) if byte == b'%' => {
                bytes.push(protected);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::own(None, "/bin/a%0a\nb".into(), Some(30_000_000)).unwrap();
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        record.pid_file = Some("/run/x=y.pid".into());
        record.session = Session::Own(4711);
        record.user = 2001;
        assert_eq!(record.first_start_time(), record.start_time);
        let start = record.start_time.unwrap();
        record.mark = Some(format!("7:{}:forking", start - 2));
        assert_eq!(record.first_start_time(), Some(start - 2));
        record.stop_signal = Some("SIGRTMIN+3".into());
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        assert!(record.lives());
        record.start_time = record.start_time.map(|start| start + 2);
        assert!(!record.lives());
        (record.start_time, record.boot) = (None, None);
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        assert!(!record.lives() && record.may_be(record.pid));
    }

    #[test]
    fn half_a_record_is_none() {
        let text = Record::own(None, "/bin/a".into(), None).unwrap().write();
        for length in 0..text.len() {
            assert_eq!(Record::read(&text[..length]), None);
        }
    }
}
