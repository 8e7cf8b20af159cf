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

use crate::detect::{Detection, Manager, Mode};
use crate::launch::machine::Phase;
use crate::plan::{Account, CallerState, Resolution};
use crate::registry::stored_spec;
use crate::registry::stored_spec::Lines;
use crate::setup;
use crate::sys::fd::InheritedFd;
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
    /// The descriptors of the lock, of the control socket and of the notify socket.
    pub(super) lock: Option<i32>,
    pub(super) requests: Option<i32>,
    pub(super) notify: Option<i32>,
}

/// The descriptors that came through the exec.
#[derive(Debug)]
pub(super) struct Inherited(Vec<InheritedFd>);

impl Inherited {
    pub(super) fn new() -> io::Result<Self> {
        fd::inherited().map(Self)
    }

    /// Takes ownership of one of them.
    pub(super) fn take(&mut self, number: i32) -> io::Result<OwnedFd> {
        let at = self.0.iter().position(|one| one.number() == number);
        self.0.swap_remove(at.ok_or(io::ErrorKind::NotFound)?).adopt()
    }
}

/// What has happened while the small image watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The main process has ended.
    MainEnded(Ended),
    /// A signal has arrived.
    Signal(i32),
    /// A client has connected to the control socket.
    Request,
    /// `STOPPING=1`
    Stopping,
    /// `RuntimeMaxSec=` is over.
    Timeout,
    /// The program has not reported to the watchdog in time, or has asked for its action.
    Watchdog,
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
        let mut memory = std::fs::File::from(file::memory("svcadapt")?);
        memory.write_all(&lines.with_spec(spec, mode.name()))?;
        Ok(memory.into())
    }

    /// What was resolved for the first start. Later starts resolve the spec again.
    pub(super) fn resolution(&self, inherited: Vec<(OsString, OsString)>) -> Resolution {
        let Self { uid, gid, groups, .. } = self;
        let account = Account { uid: *uid, gid: *gid, groups: groups.clone(), member: None, entry: None };
        let caller = setup::caller(&inherited);
        Resolution {
            account,
            caller: CallerState { passed_descriptors: self.passed.clone(), ..caller },
            program: self.program.clone(),
            inherited,
            from_files: Vec::new(),
            socket_owner: (None, None),
            lock: self.lock.clone(),
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
        let kept = [Some(self.constants), self.lock, self.requests, self.notify];
        let opened: io::Result<()> = kept.into_iter().flatten().try_for_each(fd::clear_close_on_exec);
        let failed = match (opened, self.arguments(name, news), environment(variables)) {
            (Err(error), ..) => error,
            (Ok(()), Some(arguments), Some(environment)) => executable::execute_own(&arguments, &environment),
            (Ok(()), ..) => io::ErrorKind::InvalidInput.into(),
        };
        // This image goes on, and must not pass them on to the programs that it starts.
        for number in kept.into_iter().flatten() {
            let _ = fd::close_on_exec_raw(number);
        }
        failed
    }

    fn arguments(&self, name: &str, news: Option<News>) -> Option<Vec<CString>> {
        let news = news.map(News::to_word).unwrap_or_default();
        let words = [NAME.to_owned(), MONITOR.to_owned(), self.to_word(), news, name.to_owned()];
        words.into_iter().map(|word| CString::new(word).ok()).collect()
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
            number(self.lock),
            number(self.requests),
            number(self.notify),
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
            lock,
            requests,
            notify,
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
            lock: number(lock)?,
            requests: number(requests)?,
            notify: number(notify)?,
        })
    }
}

impl News {
    fn to_word(self) -> String {
        match self {
            Self::MainEnded(ended) => format!("ended {}", ended_word(ended)),
            Self::Signal(number) => format!("signal {number}"),
            Self::Request => "request".to_owned(),
            Self::Stopping => "stopping".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Watchdog => "watchdog".to_owned(),
        }
    }

    /// Reads the third argument of a monitor's image.
    pub(super) fn parse(word: &OsStr) -> Option<Self> {
        let word = word.to_str()?;
        Some(match word.split_once(' ') {
            Some(("ended", how)) => Self::MainEnded(ended(how)?),
            Some(("signal", number)) => Self::Signal(number.parse().ok()?),
            Some(_) => return None,
            None => match word {
                "request" => Self::Request,
                "stopping" => Self::Stopping,
                "timeout" => Self::Timeout,
                "watchdog" => Self::Watchdog,
                _ => return None,
            },
        })
    }
}

fn ended_word(ended: Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("x{status}"),
        Ended::Killed(number) => format!("k{number}"),
    }
}

fn ended(word: &str) -> Option<Ended> {
    match word.split_at_checked(1)? {
        ("x", status) => status.parse().ok().map(Ended::Exited),
        ("k", number) => number.parse().ok().map(Ended::Killed),
        _ => None,
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
            lock: Some(7),
            requests: None,
            notify: Some(9),
        };
        let read = |moment: &Moment| Moment::parse(OsStr::new(&moment.to_word()));
        assert_eq!(read(&moment), Some(moment.clone()));
        let exited = Moment { phase: Phase::Exited, main: None, exit: Some(Ended::Exited(0)), ..moment };
        assert_eq!(read(&exited), Some(exited.clone()));
        for bad in ["", "1,running", "x,running,,,,,,,,,,,,,,", "1,stop,,,,1,1,,,0,,,,,,"] {
            assert_eq!(Moment::parse(OsStr::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn news_is_read_as_it_was_written() {
        for news in [
            News::MainEnded(Ended::Exited(3)),
            News::MainEnded(Ended::Killed(9)),
            News::Signal(15),
            News::Request,
            News::Stopping,
            News::Timeout,
            News::Watchdog,
        ] {
            assert_eq!(News::parse(OsStr::new(&news.to_word())), Some(news));
        }
        assert_eq!(News::parse(OsStr::new("")), None);
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
        };
        // Only Linux has memory files.
        let Ok(memory) = constants.write(&spec) else { return };
        assert_eq!(Constants::read(&memory).unwrap(), Some((constants, spec)));
        assert!(memory.as_raw_fd() > 2);
    }
}
