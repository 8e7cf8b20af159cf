//! What starts the services and carries out the requests: systemd, or svcadapt.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::harness::{Dir, Systemd, lock_directory};

/// What is known of a service from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is started, stopped or reloaded.
    UnderWay,
    /// It runs.
    Running,
    /// It counts as running (`RemainAfterExit=`).
    Exited,
    Ended,
}

pub(super) trait Host {
    /// A word for the names of its services.
    fn word(&self) -> String;
    /// How many services it has at the same time.
    fn at_a_time(&self) -> usize;
    /// The first directory of an absolute path.
    fn path(&self, inside: &str) -> PathBuf;
    /// Gets all units, by their paths.
    fn load(&mut self, units: &[PathBuf]);
    /// Does this with all these services.
    fn act(&mut self, dir: &Dir, action: &str, names: &[String]);
    /// The states of these services.
    fn states(&mut self, names: &[String]) -> Vec<State>;
    /// How the process that was started for a service has ended.
    fn exit(&mut self, name: &str) -> Option<ExitStatus>;
}

pub(super) struct UnderSystemd<'a>(&'a Systemd);

impl<'a> UnderSystemd<'a> {
    pub(super) fn new(systemd: &'a Systemd) -> Self {
        Self(systemd)
    }
}

impl Host for UnderSystemd<'_> {
    fn word(&self) -> String {
        format!("systemd{}", self.0.version())
    }

    fn at_a_time(&self) -> usize {
        32
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
        // Some of them fail, as they should; a reload that is refused ends the call.
        for names in names.chunks(if matches!(action, "reload" | "kill") { 1 } else { names.len() }) {
            self.0.systemctl(words.iter().map(|word| (*word).to_owned()).chain(services(names)));
        }
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
                } else if has("SubState=running") {
                    State::Running
                } else if has("SubState=exited") {
                    State::Exited
                } else {
                    State::UnderWay
                }
            })
            .collect();
        assert_eq!(all.len(), names.len(), "{output:?}");
        all
    }

    fn exit(&mut self, _: &str) -> Option<ExitStatus> {
        None
    }
}

fn services(names: &[String]) -> impl Iterator<Item = String> + '_ {
    names.iter().map(|name| format!("{name}.service"))
}

/// As process 1 of a container: with processes, a /proc and a /run of its own.
pub(super) const CONTAINER: &str = "container";

/// Of how many units one is compared in a container: the machine is that of supervised mode.
const CONTAINER_PART: u32 = 5;

/// Whether the unit with this name is compared in a mode. New units do not change the choice.
pub(super) fn is_compared(mode: &str, name: &str) -> bool {
    mode != CONTAINER || name.bytes().map(u32::from).sum::<u32>().is_multiple_of(CONTAINER_PART)
}

/// svcadapt in this mode.
pub(super) struct Svcadapt {
    mode: &'static str,
    units: Vec<PathBuf>,
    /// The processes of `run`.
    runs: BTreeMap<String, Child>,
    /// The requests that are not answered.
    asked: BTreeMap<String, Child>,
}

impl Svcadapt {
    /// How svcadapt is started.
    pub(super) const MODES: [&'static str; 3] = ["classic", "supervised", CONTAINER];

    pub(super) fn new(mode: &'static str) -> Self {
        Self { mode, units: Vec::new(), runs: BTreeMap::new(), asked: BTreeMap::new() }
    }

    fn state(&mut self, name: &str) -> State {
        let returned = self.runs.get_mut(name).unwrap().try_wait().unwrap().is_some();
        if let Some(asked) = self.asked.get_mut(name) {
            if asked.try_wait().unwrap().is_none() {
                return State::UnderWay;
            }
            self.asked.remove(name);
        }
        if self.mode == CONTAINER {
            return match (returned, self.init(name).and_then(watched_phase).as_deref()) {
                (true, _) => State::Ended,
                (false, Some("running")) => State::Running,
                (false, Some("exited")) => State::Exited,
                (false, _) => State::UnderWay,
            };
        }
        let record = lock_directory(0).join(format!("{name}%record"));
        let record = fs::read_to_string(record).unwrap_or_default();
        let pid = |field: &str| {
            let value = record.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='))?;
            value.split(':').next()?.parse::<i32>().ok().filter(|pid| *pid > 0)
        };
        let monitor = pid("monitor").filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        match (self.mode, returned, monitor) {
            ("supervised", true, _) | ("classic", true, None) => State::Ended,
            (_, _, Some(monitor)) => match watched_phase(monitor).as_deref() {
                Some("running") => State::Running,
                Some("exited") => State::Exited,
                _ => State::UnderWay,
            },
            _ => State::UnderWay,
        }
    }

    /// Process 1 of a container, by its pid outside.
    fn init(&self, name: &str) -> Option<i32> {
        let unshare = self.runs.get(name)?.id();
        let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }
}

/// The phase of a service whose monitor only watches: its small image has taken over.
fn watched_phase(monitor: i32) -> Option<String> {
    let words = fs::read(format!("/proc/{monitor}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words).into_owned();
    let mut words = words.split('\0').skip_while(|word| *word != "%monitor").skip(1);
    let (moment, news) = (words.next()?, words.next()?);
    // With news it is the large image, which is about to change the phase.
    moment.split(',').nth(1).filter(|_| news.is_empty()).map(str::to_owned)
}

impl Host for Svcadapt {
    fn word(&self) -> String {
        self.mode.to_owned()
    }

    fn at_a_time(&self) -> usize {
        // All starts of a user take turns, and ask every 2 ms whether it is theirs.
        16
    }

    fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(inside)
    }

    fn load(&mut self, units: &[PathBuf]) {
        self.units = units.to_vec();
    }

    fn act(&mut self, dir: &Dir, action: &str, names: &[String]) {
        let program = dir.program("svcadapt").display().to_string();
        let spawn = |before: &[&str], words: &[&str], output: Stdio| {
            let all = [before, &[program.as_str()], words].concat();
            Command::new(all[0])
                .args(&all[1..])
                .env_clear()
                .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(output)
                .spawn()
                .unwrap()
        };
        for name in names {
            let unit = self.units.iter().find(|unit| unit.file_stem().unwrap() == name.as_str()).unwrap();
            if action == "start" {
                let errors = fs::File::create(unit.with_extension("errors")).unwrap();
                let unit = unit.to_str().unwrap();
                let run = if self.mode == CONTAINER {
                    let own_run = "mount -t tmpfs -o mode=755 run /run && exec env -u PWD \"$@\"";
                    let container = ["/usr/bin/unshare", "-pf", "--mount-proc", "--kill-child"];
                    let container = [&container[..], &["/bin/sh", "-c", own_run, "sh"]].concat();
                    spawn(&container, &["run", unit], errors.into())
                } else {
                    spawn(&[], &["run", "--mode", self.mode, unit], errors.into())
                };
                self.runs.insert(name.clone(), run);
            } else {
                let words: &[&str] = match action {
                    "kill" => &["signal", "-s", "KILL", name],
                    other => &[other, name],
                };
                // Only inside of a container the pids of its records are valid.
                let init = self.init(name).filter(|_| self.mode == CONTAINER).map(|pid| pid.to_string());
                let inside = init.as_ref().map(|init| ["/usr/bin/nsenter", "-t", init, "-p", "-m"]);
                // Some of them fail, as they should.
                let asked = spawn(inside.as_ref().map_or(&[], |words| &words[..]), words, Stdio::null());
                self.asked.insert(name.clone(), asked);
            }
        }
    }

    fn states(&mut self, names: &[String]) -> Vec<State> {
        names.iter().map(|name| self.state(name)).collect()
    }

    fn exit(&mut self, name: &str) -> Option<ExitStatus> {
        self.runs.get_mut(name)?.try_wait().unwrap()
    }
}

impl Drop for Svcadapt {
    fn drop(&mut self) {
        for child in self.runs.values_mut().chain(self.asked.values_mut()) {
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
