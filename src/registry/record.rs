//! The record of a service: which process it is, and how to stop it.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use super::GroupRecord;
use super::lines;
use crate::plan::started_as;
use crate::sys::cgroup::Group;
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
    /// The process that stays with it. `None` if none does.
    pub monitor: Option<Monitor>,
    /// Its control group. `None` if it has none of its own.
    pub control_group: Option<GroupRecord>,
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

/// The process of svcadapt that stays with a service: it holds the lock, and restarts and stops the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monitor {
    /// Its pid.
    pub pid: i32,
    /// Its start time. `None` without /proc; then only the lock identifies it.
    pub start_time: Option<u64>,
}

impl Monitor {
    /// This process.
    pub fn own() -> Self {
        let pid = process::own_pid();
        Self { pid, start_time: process::identity(pid).ok().map(|own| own.start_time) }
    }

    /// Whether it is alive: the same process, and not a zombie.
    fn lives(self) -> bool {
        self.start_time.is_some_and(|start| is_alive(self.pid, start))
    }
}

fn is_alive(pid: i32, start_time: u64) -> bool {
    let now = process::identity(pid);
    now.is_ok_and(|now| process::same_start(now.start_time, start_time) && !now.ended)
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
            monitor: None,
            control_group: None,
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

    /// Whether its process or its monitor is alive: the same process, and not a zombie.
    pub fn lives(&self) -> bool {
        self.main_lives() || self.living_monitor().is_some()
    }

    /// Whether its main process is alive.
    pub fn main_lives(&self) -> bool {
        self.start_time.is_some_and(|start| is_alive(self.pid, start)) && self.is_of_here()
    }

    /// Its monitor, if that is alive.
    pub fn living_monitor(&self) -> Option<Monitor> {
        self.monitor.filter(|monitor| monitor.lives() && self.is_of_here())
    }

    /// Its control group, if it is still there.
    pub fn open_control_group(&self) -> Option<Group> {
        self.control_group.as_ref().filter(|_| self.is_of_here())?.open()
    }

    /// Whether its pids are those of this boot and this pid namespace.
    fn is_of_here(&self) -> bool {
        self.is_of_this_boot() && !self.is_of_another_namespace()
    }

    /// Whether this holder of the lock can be the recorded process. If only its pid is visible, the pid decides.
    pub(super) fn may_be(&self, pid: i32) -> bool {
        let same = |now: u64| self.start_time.is_none_or(|start| process::same_start(now, start));
        let other = process::identity(pid).is_ok_and(|now| !same(now.start_time) || now.ended);
        let monitors = self
            .monitor
            .is_some_and(|monitor| monitor.pid == pid && (monitor.start_time.is_none() || monitor.lives()));
        (pid == self.pid && !other || monitors) && self.is_of_this_boot()
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

    /// Whether it records this process, as the service or as its monitor.
    pub(super) fn is_of_this_process(&self) -> bool {
        let own = process::own_pid();
        let monitors = self.living_monitor().is_some_and(|monitor| monitor.pid == own);
        self.pid == own && self.lives() || monitors
    }

    /// Whether its process is alive and is not this process.
    pub fn is_of_other_process(&self) -> bool {
        !self.is_of_this_process() && self.lives()
    }

    /// One field per line; the last line marks the record as complete.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut text = format!("pid={}\n", self.pid).into_bytes();
        let mut put = |name: &str, value: &OsStr| lines::put(&mut text, name, value);
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
        if let Some(Monitor { pid, start_time }) = self.monitor {
            let start = start_time.map(|start| start.to_string()).unwrap_or_default();
            put("monitor", OsStr::new(&format!("{pid}:{start}")));
        }
        if let Some(group) = &self.control_group {
            put("control-group", &group.to_line());
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
        text.extend(lines::END);
        text
    }

    /// The same, at least this long, so that nothing is left of a text that it overwrites.
    pub(super) fn write_padded(&self, length: u64) -> Vec<u8> {
        let mut text = self.write();
        let missing = usize::try_from(length).unwrap_or(0).saturating_sub(text.len());
        if missing > 0 {
            text.truncate(text.len() - lines::END.len());
            lines::put(&mut text, "padding", OsStr::new(&"-".repeat(missing)));
            text.extend(lines::END);
        }
        text
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let fields: Vec<_> = lines::fields(text)?.collect();
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| *known == name.as_bytes());
            found.map(|(_, value)| value.clone())
        };
        let number = |name: &str| field(name)?.into_string().ok()?.parse::<u64>().ok();
        Some(Self {
            pid: i32::try_from(number("pid")?).ok()?,
            start_time: number("start"),
            boot: field("boot").and_then(|boot| boot.into_string().ok()),
            namespace: field("namespace").and_then(|name| name.into_string().ok()),
            pid_file: field("pid-file").map(PathBuf::from),
            monitor: field("monitor").and_then(|text| monitor(text.to_str()?)),
            control_group: field("control-group").and_then(|line| GroupRecord::parse(&line)),
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

fn monitor(text: &str) -> Option<Monitor> {
    let (pid, start_time) = text.split_once(':')?;
    let start_time = if start_time.is_empty() { None } else { Some(start_time.parse().ok()?) };
    Some(Monitor { pid: pid.parse().ok()?, start_time })
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
        record.control_group = Some(GroupRecord { path: "/sys/fs/cgroup/x".into(), device: 1, inode: 2 });
        record.monitor = Some(Monitor { pid: 12, start_time: Some(34) });
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
    fn padded_record_is_the_same_and_at_least_as_long() {
        let record = Record::own(None, "/bin/a".into(), None).unwrap();
        let length = record.write().len();
        for asked in [0, length, length + 1, length + 500] {
            let text = record.write_padded(asked as u64);
            assert!(text.len() >= asked.max(length));
            assert_eq!(Record::read(&text), Some(record.clone()));
        }
    }

    #[test]
    fn half_a_record_is_none() {
        let text = Record::own(None, "/bin/a".into(), None).unwrap().write();
        for length in 0..text.len() {
            assert_eq!(Record::read(&text[..length]), None);
        }
    }
}
