//! What a monitor passes on to its next image: it is big while it starts a service and runs its commands, and small while
//! it only watches, so it executes itself again in between. The pid, the children, the blocked signals, the lock and the
//! open sockets stay (execve(2)).
//!
//! What stays the same is in a memory file, what changes in an argument. Both are written and read by this file alone; a
//! person who types them gets what that person's own rights allow.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use svcadapt_spec::{Scope, ServiceSpec};

use super::held::HeldMoment;
use super::memory::MemoryMoment;
use super::news::{News, ended, ended_word};
use crate::detect::{Detection, Manager, Mode};
use crate::launch::machine::Phase;
use crate::logs::LogMoment;
use crate::plan::{Account, CallerState, ControlGroup, Resolution};
use crate::readiness::{NotifyAccess, ProgramErrors, SelfReport};
use crate::registry::stored_spec;
use crate::registry::stored_spec::Lines;
use crate::setup;
use crate::sys::process::Ended;
use crate::sys::{executable, fd, file};

/// The name of a monitor's image, and its first argument. No command begins with `%`.
pub(super) const NAME: &str = "svcadapt";
pub(super) const MONITOR: &str = "%monitor";

/// What stays the same: all that is needed to start and stop the service again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::launch) struct Constants {
    pub(in crate::launch) detection: Detection,
    pub(in crate::launch) uid: u32,
    pub(in crate::launch) gid: u32,
    pub(in crate::launch) groups: Vec<u32>,
    /// The descriptors that a manager has passed.
    pub(in crate::launch) passed: Vec<i32>,
    /// The pid of the process that was started.
    pub(in crate::launch) started: i32,
    pub(in crate::launch) program: PathBuf,
    pub(in crate::launch) lock: Option<PathBuf>,
    pub(in crate::launch) control_group: Option<ControlGroup>,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// The number of the memory file.
    pub(super) constants: i32,
    pub(super) phase: Phase,
    pub(super) main: Option<i32>,
    pub(super) last_main: Option<i32>,
    pub(super) exit: Option<Ended>,
    pub(super) starts: u32,
    pub(super) restarts: u32,
    pub(super) invocation: String,
    /// How long ago the interval of the start limit began, and the starts in it.
    pub(super) limiter: Option<(Duration, u32)>,
    pub(super) runtime_left: Option<Duration>,
    pub(super) watchdog_left: Option<Duration>,
    pub(super) watchdog: Option<Duration>,
    /// Whether the program has announced a reload that is not over (`RELOADING=1`).
    pub(super) reloading: bool,
    /// Whether what it says is passed on to the manager of this process.
    pub(super) passes_on: bool,
    /// What it has said of itself. The status text is an argument of its own.
    pub(super) report: SelfReport,
    /// The descriptors of the lock, of the control socket and of the notify socket.
    pub(super) lock: Option<i32>,
    pub(super) requests: Option<i32>,
    pub(super) notify: Option<i32>,
    pub(super) memory: Option<MemoryMoment>,
    pub(super) held: HeldMoment,
    pub(super) log: Option<LogMoment>,
}

impl Constants {
    /// Writes them and the spec into a memory file.
    pub(super) fn write(&self, spec: &ServiceSpec) -> io::Result<OwnedFd> {
        let mut lines = Lines::default();
        let list = |numbers: Vec<String>| OsString::from(numbers.join(" "));
        let Detection { mode, manager, scope, evidence: _ } = &self.detection;
        lines.put("manager", OsStr::new(manager.name()));
        if let Manager::Launchd { label: Some(label) } = manager {
            lines.put("label", OsStr::new(label));
        }
        lines.put("scope", OsStr::new(scope.name()));
        lines.put("ids", &list(vec![self.uid.to_string(), self.gid.to_string()]));
        lines.put("groups", &list(self.groups.iter().map(ToString::to_string).collect()));
        lines.put("passed", &list(self.passed.iter().map(ToString::to_string).collect()));
        lines.put("started", OsStr::new(&self.started.to_string()));
        lines.put("program", self.program.as_os_str());
        if let Some(lock) = &self.lock {
            lines.put("lock", lock.as_os_str());
        }
        if let Some(group) = &self.control_group {
            lines.put("control-group", group.path.as_os_str());
        }
        let mut memory = std::fs::File::from(file::memory("svcadapt")?);
        memory.write_all(&lines.with_spec(spec, mode.name()))?;
        Ok(memory.into())
    }

    /// What was resolved for the first start. Later starts resolve the spec again.
    pub(super) fn resolution(&self, spec: &ServiceSpec, inherited: Vec<(OsString, OsString)>) -> Resolution {
        let Self { uid, gid, groups, .. } = self;
        let (uid, gid, groups) = (*uid, *gid, groups.clone());
        let caller = setup::caller(&inherited);
        let is_dynamic = spec.dynamic_user == Some(true) && caller.is_root();
        let account = Account { uid, gid, groups, is_dynamic, ..Account::default() };
        Resolution {
            credentials: setup::credentials_place(spec, &caller, self.lock.as_deref()),
            account,
            caller: CallerState { passed_descriptors: self.passed.clone(), ..caller },
            program: self.program.clone(),
            inherited,
            from_files: Vec::new(),
            socket_owner: (None, None),
            lock: self.lock.clone(),
            own_log: None,
            control_group: self.control_group.clone(),
            notes: Vec::new(),
        }
    }

    /// Reads them and the spec. `None`: this is no such file.
    pub(super) fn read(memory: &OwnedFd) -> io::Result<Option<(Self, ServiceSpec)>> {
        let mut file = std::fs::File::from(fd::duplicate(memory, 3)?);
        let mut text = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut text)?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &[u8]) -> Option<(Self, ServiceSpec)> {
        let (fields, stored) = stored_spec::parse(text)?;
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name)?;
            found.1.to_str()
        };
        let numbers = |name: &str| -> Option<Vec<i64>> {
            field(name)?.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
        };
        let ids = numbers("ids")?;
        let id = |at: usize| u32::try_from(*ids.get(at)?).ok();
        let path = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        let label = field("label").map(str::to_owned);
        let manager = Manager::ALL.into_iter().find(|manager| Some(manager.name()) == field("manager"))?;
        let manager =
            if manager == (Manager::Launchd { label: None }) { Manager::Launchd { label } } else { manager };
        let detection = Detection {
            mode: if stored.mode == Mode::Classic.name() { Mode::Classic } else { Mode::Supervised },
            manager,
            scope: [Scope::System, Scope::User]
                .into_iter()
                .find(|scope| Some(scope.name()) == field("scope"))?,
            evidence: Vec::new(),
        };
        let constants = Self {
            detection,
            uid: id(0)?,
            gid: id(1)?,
            groups: numbers("groups")?.into_iter().map(u32::try_from).collect::<Result<_, _>>().ok()?,
            passed: numbers("passed")?.into_iter().map(i32::try_from).collect::<Result<_, _>>().ok()?,
            started: field("started")?.parse().ok()?,
            program: path("program")?,
            lock: path("lock"),
            control_group: path("control-group").map(ControlGroup::existing),
        };
        Some((constants, stored.draft.finish().ok()?))
    }
}

impl Moment {
    /// Executes this program again, with these variables. Returns only on failure.
    pub(super) fn execute(
        &self,
        name: &str,
        news: Option<News>,
        variables: &[(OsString, OsString)],
    ) -> io::Error {
        let (changes, events) = self.memory.map(|memory| (memory.changes, memory.events)).unzip();
        let kept = [Some(self.constants), self.lock, self.requests, self.notify, changes, events];
        let kept = || {
            let log = self.log.map(LogMoment::descriptors).into_iter().flatten();
            kept.into_iter().chain(log).flatten().chain(self.held.numbers())
        };
        let opened: io::Result<()> = kept().try_for_each(fd::clear_close_on_exec);
        let failed = match (opened, self.arguments(name, news), environment(variables)) {
            (Err(error), ..) => error,
            (Ok(()), Some(arguments), Some(environment)) => executable::execute_own(&arguments, &environment),
            (Ok(()), ..) => io::ErrorKind::InvalidInput.into(),
        };
        // This image goes on, and must not pass them on to the programs that it starts.
        for number in kept() {
            let _ = fd::close_on_exec_raw(number);
        }
        failed
    }

    fn arguments(&self, name: &str, news: Option<News>) -> Option<Vec<CString>> {
        let news = news.map(News::to_word).unwrap_or_default();
        let words = [NAME.to_owned(), MONITOR.to_owned(), self.to_word(), news, name.to_owned()];
        words.into_iter().chain(self.report.status.clone()).map(|word| CString::new(word).ok()).collect()
    }

    fn to_word(&self) -> String {
        let number = |number: Option<i32>| number.map(|number| number.to_string()).unwrap_or_default();
        let micros =
            |span: Option<Duration>| span.map(|span| span.as_micros().to_string()).unwrap_or_default();
        let (begun, count) = self.limiter.map_or((None, 0), |(begun, count)| (Some(begun), count));
        let exit = self.exit.map(ended_word).unwrap_or_default();
        [
            self.constants.to_string(),
            self.phase.name().to_owned(),
            number(self.main),
            number(self.last_main),
            exit,
            self.starts.to_string(),
            self.restarts.to_string(),
            self.invocation.clone(),
            micros(begun),
            count.to_string(),
            micros(self.runtime_left),
            micros(self.watchdog_left),
            micros(self.watchdog),
            u8::from(self.reloading).to_string(),
            u8::from(self.passes_on).to_string(),
            self.report.errors.to_word(),
            self.report.access.name().to_owned(),
            number(self.lock),
            number(self.requests),
            number(self.notify),
            self.memory.map(MemoryMoment::to_word).unwrap_or_default(),
            self.held.to_word(),
            self.log.map(LogMoment::to_word).unwrap_or_default(),
        ]
        .join(",")
    }

    /// Reads the second argument of a monitor's image.
    pub(super) fn parse(word: &OsStr) -> Option<Self> {
        let words: Vec<&str> = std::str::from_utf8(word.as_bytes()).ok()?.split(',').collect();
        let [
            constants,
            phase,
            main,
            last,
            exit,
            starts,
            restarts,
            invocation,
            begun,
            count,
            runtime,
            left,
            watchdog,
            reloading,
            passes_on,
            errors,
            access,
            lock,
            requests,
            notify,
            memory,
            held,
            log,
        ] = words.as_slice()
        else {
            return None;
        };
        let number = |word: &str| if word.is_empty() { Some(None) } else { word.parse().ok().map(Some) };
        let micros = |word: &str| {
            if word.is_empty() {
                Some(None)
            } else {
                word.parse().ok().map(|micros| Some(Duration::from_micros(micros)))
            }
        };
        let count = count.parse().ok()?;
        Some(Self {
            constants: constants.parse().ok()?,
            phase: [Phase::Running, Phase::Exited].into_iter().find(|known| known.name() == *phase)?,
            main: number(main)?,
            last_main: number(last)?,
            exit: if exit.is_empty() { None } else { Some(ended(exit)?) },
            starts: starts.parse().ok()?,
            restarts: restarts.parse().ok()?,
            invocation: (*invocation).to_owned(),
            limiter: micros(begun)?.map(|begun| (begun, count)),
            runtime_left: micros(runtime)?,
            watchdog_left: micros(left)?,
            watchdog: micros(watchdog)?,
            reloading: *reloading == "1",
            passes_on: *passes_on == "1",
            report: SelfReport {
                status: None,
                errors: ProgramErrors::parse(errors)?,
                access: NotifyAccess::parse(access)?,
            },
            lock: number(lock)?,
            requests: number(requests)?,
            notify: number(notify)?,
            memory: MemoryMoment::parse(memory),
            held: HeldMoment::parse(held)?,
            log: if log.is_empty() { None } else { Some(LogMoment::parse(log)?) },
        })
    }
}

fn environment(variables: &[(OsString, OsString)]) -> Option<Vec<CString>> {
    let joined = |(name, value): &(OsString, OsString)| {
        let mut text = name.as_bytes().to_vec();
        text.push(b'=');
        text.extend(value.as_bytes());
        CString::new(text).ok()
    };
    variables.iter().map(joined).collect()
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn moment_is_read_as_it_was_written() {
        let moment = Moment {
            constants: 5,
            phase: Phase::Running,
            main: Some(4711),
            last_main: Some(4711),
            exit: None,
            starts: 3,
            restarts: 2,
            invocation: "0123".to_owned(),
            limiter: Some((Duration::from_micros(7), 2)),
            runtime_left: None,
            watchdog_left: Some(Duration::from_millis(5)),
            watchdog: Some(Duration::from_secs(1)),
            reloading: true,
            passes_on: true,
            report: SelfReport {
                status: None,
                errors: ProgramErrors { errno: Some(2), bus: Some("a.b".to_owned()), varlink: None },
                access: NotifyAccess::Exec,
            },
            lock: Some(7),
            requests: None,
            notify: Some(9),
            memory: Some(MemoryMoment { changes: 10, events: 11, seen: 2 }),
            held: HeldMoment::parse("12.13:4:15:16").unwrap(),
            log: LogMoment::parse("4:5:6:8:5:7:9:3:28:1010"),
        };
        let read = |moment: &Moment| Moment::parse(OsStr::new(&moment.to_word()));
        assert_eq!(read(&moment), Some(moment.clone()));
        let exited = Moment { phase: Phase::Exited, main: None, exit: Some(Ended::Exited(0)), ..moment };
        assert_eq!(read(&exited), Some(exited.clone()));
        for bad in ["", "1,running", "x,running,,,,,,,,,,,,,,,", "1,stop,,,,1,1,,,0,,,,,,,,"] {
            assert_eq!(Moment::parse(OsStr::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn constants_are_read_as_they_were_written() {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/a".into(), "b\nc".into()]);
        draft.assign(Field::Restart, "always", Origin::Option);
        let spec = draft.finish().unwrap();
        let constants = Constants {
            detection: Detection {
                mode: Mode::Supervised,
                manager: Manager::Launchd { label: Some("a b".to_owned()) },
                scope: Scope::User,
                evidence: Vec::new(),
            },
            uid: 1,
            gid: 2,
            groups: vec![3, 4],
            passed: vec![],
            started: 9,
            program: "/bin/a".into(),
            lock: Some("/run/x".into()),
            control_group: Some(ControlGroup::existing("/sys/fs/cgroup/x".into())),
        };
        // Only Linux has memory files.
        let Ok(memory) = constants.write(&spec) else { return };
        assert_eq!(Constants::read(&memory).unwrap(), Some((constants, spec)));
        assert!(memory.as_raw_fd() > 2);
    }
}
