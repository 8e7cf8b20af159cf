//! Lives the lives of all units under one host, a number of them at the same time, each at its own pace.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant};

use super::cases::{Case, Until};
use super::host::{Host, State};
use crate::harness::{Dir, wait_until};

/// The deadline of a round.
const ROUND: Duration = Duration::from_secs(20);

/// How long the removal of a run directory may take.
const REMOVAL_TIME: Duration = Duration::from_secs(1);

/// What happened in the life of a unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    /// What its commands wrote, and what is left at the end.
    pub(super) lines: Vec<String>,
    /// What `run` said.
    pub(super) errors: String,
}

/// Lives all lives, and returns what happened in each.
pub(super) fn play(host: &mut impl Host, dir: &Dir, cases: &[Case]) -> Vec<Life> {
    let place = dir.join(&host.word());
    fs::create_dir(&place).unwrap();
    // Some programs run as another user.
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let mut actors: Vec<_> = cases.iter().map(|case| Actor::new(host, dir, &place, case)).collect();
    host.load(&actors.iter().map(|actor| actor.unit.clone()).collect::<Vec<_>>());
    let mut waiting = (0..actors.len()).rev().collect::<Vec<_>>();
    let mut playing = Vec::new();
    let mut begin = Vec::new();
    loop {
        while playing.len() + begin.len() < host.at_a_time()
            && let Some(next) = waiting.pop()
        {
            begin.push(next);
        }
        if playing.is_empty() && begin.is_empty() {
            break;
        }
        let mut actions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for at in begin.drain(..) {
            let actor: &mut Actor<'_> = &mut actors[at];
            actor.deadline = Instant::now() + ROUND;
            actions.entry(&actor.case.rounds[actor.round].0).or_default().push(actor.name.clone());
            playing.push(at);
        }
        for (action, names) in actions {
            host.act(dir, action, &names);
        }
        pause();
        let names: Vec<_> = playing.iter().map(|at| actors[*at].name.clone()).collect();
        let mut ended = Vec::new();
        for (at, state) in std::mem::take(&mut playing).into_iter().zip(host.states(&names)) {
            match actors[at].turn(state) {
                Turn::Wait => playing.push(at),
                Turn::Act => begin.push(at),
                Turn::End => ended.push(at),
            }
        }
        if !ended.is_empty() {
            let left = programs(&place);
            for at in ended {
                actors[at].end(host, &left);
            }
        }
    }
    actors.into_iter().map(|actor| actor.life).collect()
}

/// A unit while it lives.
struct Actor<'a> {
    case: &'a Case,
    name: String,
    place: PathBuf,
    unit: PathBuf,
    round: usize,
    deadline: Instant,
    life: Life,
}

enum Turn {
    Wait,
    Act,
    End,
}

impl<'a> Actor<'a> {
    /// Writes the unit and its files.
    fn new(host: &impl Host, dir: &Dir, place: &Path, case: &'a Case) -> Self {
        let name = format!("it-{}-{}-{}", process::id(), host.word(), case.name);
        let unit = place.join(format!("{name}.service"));
        let place = place.to_owned();
        let actor =
            Self { case, name, place, unit, round: 0, deadline: Instant::now(), life: Life::default() };
        fs::write(actor.path("log"), "").unwrap();
        fs::set_permissions(actor.path("log"), fs::Permissions::from_mode(0o666)).unwrap();
        let variables = "# a comment\nTWO=from file\nexport X=1\nTHREE='quoted $ONE'\nFOUR=\"a\\\"b\"\n";
        fs::write(actor.path("file"), variables).unwrap();
        let post = if case.unit.contains("ExecStopPost") { "" } else { "ExecStopPost=[T] stop-post\n" };
        let trace = dir.program("trace").display().to_string();
        let path = |what: &str| actor.path(what).display().to_string();
        let mut text = format!("[Service]\n{post}{}", case.unit)
            .replace("[T]", &format!("{trace} {}", path("log")))
            .replace("[P]", &trace)
            .replace("[LOG]", &path("log"))
            .replace("[PID]", &path("pid"))
            .replace("[FILE]", &path("file"))
            .replace("[ALL]", &dir.path().display().to_string())
            .replace("[NAME]", &actor.name);
        if text.contains("StartLimitBurst=") {
            // It counts however long the machine takes.
            text += "[Unit]\nStartLimitIntervalSec=600\n";
        }
        fs::write(&actor.unit, text).unwrap();
        actor
    }

    /// A file of this unit.
    fn path(&self, what: &str) -> PathBuf {
        self.place.join(format!("{}.{what}", self.name))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// What comes next, in this state.
    fn turn(&mut self, state: State) -> Turn {
        if !self.is_over(self.case.rounds[self.round].1, state) {
            if Instant::now() < self.deadline {
                return Turn::Wait;
            }
            self.life.lines.push(format!("round {} was not over in time", self.round));
        }
        self.round += 1;
        match self.case.rounds.get(self.round) {
            None => Turn::End,
            // A service that has ended before is asked nothing.
            Some((_, Until::Quiet(_))) if state == State::Ended => self.turn(state),
            Some(_) => Turn::Act,
        }
    }

    fn is_over(&self, until: Until, state: State) -> bool {
        let written = |words: &[&str]| {
            let log = self.log();
            log.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).count()
        };
        let active = matches!(state, State::Running | State::Exited);
        match until {
            Until::Settled(count) => active && written(&[""]) >= count,
            Until::Lines(count) => written(&[""]) >= count,
            Until::Quiet(count) => {
                state == State::Ended || active && written(&["main uid", "daemon uid"]) >= count
            }
            Until::Rest => matches!(state, State::Exited | State::Ended),
            Until::End => state == State::Ended,
        }
    }

    /// Notes what has happened, with the programs that are left.
    fn end(&mut self, host: &mut impl Host, left: &[String]) {
        let general = |line: &str| {
            line.replace(&self.name, "[NAME]").replace(&self.place.display().to_string(), "[DIR]")
        };
        let child = fs::read_to_string(self.path("log.child")).unwrap_or_default();
        let mut lines: Vec<String> = self.log().lines().chain(child.lines()).map(general).collect();
        // Processes that are signalled together write in any order.
        for group in lines.chunk_by_mut(|one, other| one.contains(" got ") && other.contains(" got ")) {
            group.sort();
        }
        let log = self.path("log").display().to_string();
        let alive = left.iter().filter(|word| **word == log || word.strip_suffix(".child") == Some(&log));
        // Newer versions of systemd report the end of a service before they have removed its directory.
        let (directory, deadline) = (host.path("/run").join(&self.name), Instant::now() + REMOVAL_TIME);
        let is_left = wait_until("the run directory goes or stays", || {
            let exists = directory.exists();
            (!exists || Instant::now() > deadline).then_some(exists)
        });
        let count = alive.count();
        let pid_file = self.path("pid").exists();
        lines.push(format!("left: {count} processes, run directory {is_left}, pid file {pid_file}"));
        lines.append(&mut self.life.lines);
        self.life.lines = lines;
        self.life.errors = fs::read_to_string(self.path("errors")).unwrap_or_default();
        self.life.errors += &host.exit(&self.name).map(|exit| format!("{exit}\n")).unwrap_or_default();
    }
}

/// A question about all services is not cheap.
#[expect(clippy::disallowed_methods, reason = "files that grow give no event")]
fn pause() {
    std::thread::sleep(Duration::from_millis(30));
}

/// The first argument of each running process of the tracing program that writes in this directory.
fn programs(place: &Path) -> Vec<String> {
    let place = place.display().to_string();
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let words = all.filter_map(|words| {
        let words = String::from_utf8_lossy(&words).into_owned();
        let mut words = words.split('\0');
        words.next().filter(|program| program.ends_with("/trace"))?;
        words.next().filter(|log| log.starts_with(&place)).map(str::to_owned)
    });
    words.collect()
}
