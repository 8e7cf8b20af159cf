//! What starts the services and carries out the requests: systemd, or svcadapt.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Case, Until};
use crate::harness::{Dir, Systemd, lock_directory, wait_within};

/// The deadline of a round.
const ROUND: Duration = Duration::from_secs(15);

/// What is known of a service from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is started, stopped or reloaded.
    UnderWay,
    /// It runs, or counts as running.
    Active,
    Ended,
}

pub(super) trait Host {
    /// A word for the names of its services.
    fn word(&self) -> &'static str;
    /// The first directory of an absolute path.
    fn path(&self, inside: &str) -> PathBuf;
    /// Gets all units, by their paths.
    fn load(&mut self, units: &[PathBuf]);
    /// Does this with all these services.
    fn act(&mut self, dir: &Dir, action: &str, names: &[String]);
    /// The states of these services.
    fn states(&mut self, names: &[String]) -> Vec<State>;
}

/// Lives all lives at the same time, and returns what happened in each.
pub(super) fn play(host: &mut impl Host, dir: &Dir, cases: &[Case]) -> Vec<Vec<String>> {
    let trace = dir.program("trace");
    let place = dir.join(host.word());
    fs::create_dir(&place).unwrap();
    // Some programs run as another user.
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let names: Vec<String> =
        cases.iter().map(|case| format!("it-{}-{}-{}", std::process::id(), host.word(), case.name)).collect();
    let log = |name: &str| place.join(format!("{name}.log"));
    let mut units = Vec::new();
    for (case, name) in cases.iter().zip(&names) {
        let log = log(name);
        fs::write(&log, "").unwrap();
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
        let post = if case.unit.contains("ExecStopPost") { "" } else { "ExecStopPost=[T] stop-post\n" };
        let text = format!("[Service]\n{}{post}", case.unit)
            .replace("[T]", &format!("{} {}", trace.display(), log.display()))
            .replace("[P]", &trace.display().to_string())
            .replace("[LOG]", &log.display().to_string())
            .replace("[PID]", &place.join(format!("{name}.pid")).display().to_string())
            .replace("[NAME]", name);
        let unit = place.join(format!("{name}.service"));
        fs::write(&unit, text).unwrap();
        units.push(unit);
    }
    host.load(&units);
    let lines = |name: &String| fs::read_to_string(log(name)).unwrap().lines().count();
    let mut notes = vec![Vec::new(); cases.len()];
    for round in 0.. {
        let now: Vec<usize> = (0..cases.len()).filter(|at| cases[*at].rounds.len() > round).collect();
        if now.is_empty() {
            break;
        }
        let mut actions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for &at in &now {
            actions.entry(&cases[at].rounds[round].0).or_default().push(names[at].clone());
        }
        for (action, names) in actions {
            host.act(dir, action, &names);
        }
        let mut waits = now;
        let over = wait_within_or(ROUND, || {
            pause();
            let states = host.states(&waits.iter().map(|at| names[*at].clone()).collect::<Vec<_>>());
            let mut states = states.into_iter();
            waits.retain(|&at| {
                let state = states.next().unwrap();
                let written = lines(&names[at]);
                !match cases[at].rounds[round].1 {
                    Until::Settled(count) => state == State::Active && written >= count,
                    Until::Lines(count) => written >= count,
                    // A job of systemd may not have begun; under it every service writes something.
                    Until::End => state == State::Ended && (written > 0 || host.word() != "systemd"),
                }
            });
            waits.is_empty()
        });
        if !over {
            for at in waits {
                notes[at].push(format!("round {round} was not over in time"));
            }
        }
    }
    let left = programs(&place);
    let all = names.iter().zip(notes).map(|(name, notes)| {
        let log = log(name);
        let child = fs::read_to_string(format!("{}.child", log.display())).unwrap_or_default();
        let text = fs::read_to_string(&log).unwrap();
        let mut all: Vec<String> = text.lines().chain(child.lines()).map(str::to_owned).collect();
        let log = log.display().to_string();
        let alive = left.iter().filter(|word| **word == log || word.strip_suffix(".child") == Some(&log));
        all.push(format!(
            "left: {} processes, run directory {}, pid file {}",
            alive.count(),
            host.path("/run").join(name).exists(),
            place.join(format!("{name}.pid")).exists()
        ));
        all.extend(notes);
        if text.is_empty() {
            // Why `run` has refused it.
            all.extend(fs::read_to_string(place.join(format!("{name}.errors"))).ok());
        }
        all
    });
    all.collect()
}

fn wait_within_or(timeout: Duration, mut ask: impl FnMut() -> bool) -> bool {
    let deadline = std::time::Instant::now() + timeout;
    wait_within(timeout * 2, "a round ends", || {
        let over = ask();
        (over || std::time::Instant::now() > deadline).then_some(over)
    })
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

pub(super) struct UnderSystemd<'a>(&'a Systemd);

impl<'a> UnderSystemd<'a> {
    pub(super) fn new(systemd: &'a Systemd) -> Self {
        Self(systemd)
    }
}

impl Host for UnderSystemd<'_> {
    fn word(&self) -> &'static str {
        "systemd"
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path(inside)
    }

    fn load(&mut self, units: &[PathBuf]) {
        for unit in units {
            let name = unit.file_name().unwrap();
            fs::copy(unit, self.0.path("/run/systemd/system").join(name)).unwrap();
        }
        self.0.must(&["daemon-reload"]);
    }

    fn act(&mut self, _: &Dir, action: &str, names: &[String]) {
        let words: &[&str] = match action {
            "kill" => &["kill", "--kill-who=main", "--signal=KILL"],
            other => &["--no-block", other],
        };
        // Some of them fail, as they should.
        self.0.systemctl(words.iter().map(|word| (*word).to_owned()).chain(services(names)));
    }

    fn states(&mut self, names: &[String]) -> Vec<State> {
        let properties = ["show", "--property=ActiveState,SubState,Job"].map(str::to_owned);
        let output = self.0.systemctl(properties.into_iter().chain(services(names)));
        let all: Vec<_> = output
            .stdout
            .split("\n\n")
            .map(|text| {
                let has = |line: &str| text.lines().any(|other| other == line);
                let job = text.lines().find_map(|line| line.strip_prefix("Job=")).unwrap_or_default();
                let waits = !matches!(job, "" | "0");
                if waits {
                    State::UnderWay
                } else if has("ActiveState=inactive") || has("ActiveState=failed") {
                    State::Ended
                } else if has("SubState=running") || has("SubState=exited") {
                    State::Active
                } else {
                    State::UnderWay
                }
            })
            .collect();
        assert_eq!(all.len(), names.len(), "{output:?}");
        all
    }
}

fn services(names: &[String]) -> impl Iterator<Item = String> + '_ {
    names.iter().map(|name| format!("{name}.service"))
}

/// svcadapt in this mode.
pub(super) struct Svcadapt {
    mode: &'static str,
    units: Vec<PathBuf>,
    /// The processes of `run`.
    runs: BTreeMap<String, Child>,
}

impl Svcadapt {
    pub(super) fn new(mode: &'static str) -> Self {
        Self { mode, units: Vec::new(), runs: BTreeMap::new() }
    }

    fn state(&mut self, name: &str) -> State {
        let run = self.runs.get_mut(name).unwrap();
        let returned = run.try_wait().unwrap().is_some();
        let record = lock_directory(0).join(format!("{name}%record"));
        let record = fs::read_to_string(record).unwrap_or_default();
        let pid = |field: &str| {
            let value = record.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='))?;
            value.split(':').next()?.parse::<i32>().ok().filter(|pid| *pid > 0)
        };
        let monitor = pid("monitor").filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        match (self.mode, returned, monitor) {
            ("supervised", true, _) | ("classic", true, None) => State::Ended,
            (_, _, Some(pid)) if watches(pid) => State::Active,
            _ => State::UnderWay,
        }
    }
}

/// Whether the monitor only watches: its small image has taken over.
fn watches(monitor: i32) -> bool {
    let words = fs::read(format!("/proc/{monitor}/cmdline")).unwrap_or_default();
    words.windows(8).any(|word| word == b"%monitor")
}

impl Host for Svcadapt {
    fn word(&self) -> &'static str {
        self.mode
    }

    fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(inside)
    }

    fn load(&mut self, units: &[PathBuf]) {
        self.units = units.to_vec();
    }

    fn act(&mut self, dir: &Dir, action: &str, names: &[String]) {
        let spawn = |words: &[&str], output: Stdio| {
            Command::new(dir.program("svcadapt"))
                .args(words)
                .env_clear()
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .current_dir(dir.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(output)
                .spawn()
                .unwrap()
        };
        let mut asked = Vec::new();
        for name in names {
            let unit = self.units.iter().find(|unit| unit.file_stem().unwrap() == name.as_str()).unwrap();
            if action == "start" {
                let errors = fs::File::create(unit.with_extension("errors")).unwrap();
                let words = ["run", "--mode", self.mode, unit.to_str().unwrap()];
                self.runs.insert(name.clone(), spawn(&words, errors.into()));
            } else {
                let words: &[&str] = match action {
                    "kill" => &["signal", "-s", "KILL", name],
                    other => &[other, name],
                };
                asked.push(spawn(words, Stdio::null()));
            }
        }
        // Some of them fail, as they should.
        for mut child in asked {
            child.wait().unwrap();
        }
    }

    fn states(&mut self, names: &[String]) -> Vec<State> {
        names.iter().map(|name| self.state(name)).collect()
    }
}

impl Drop for Svcadapt {
    fn drop(&mut self) {
        for child in self.runs.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for unit in &self.units {
            let lock = lock_directory(0).join(unit.file_stem().unwrap());
            for end in ["", "%spec", "%record"] {
                let _ = fs::remove_file(format!("{}{end}", lock.display()));
            }
            let _ = fs::remove_dir_all(Path::new("/run").join(unit.file_stem().unwrap()));
        }
    }
}
