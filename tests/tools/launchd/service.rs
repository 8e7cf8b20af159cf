//! A job that is loaded, and what becomes of it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::json;

use super::job::Job;
use super::keep_alive::Death;
use super::log::Log;
use super::sockets::Entry;
use super::{child, sockets};

/// A job that launchd knows.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) job: Job,
    pub(crate) sockets: Vec<Entry>,
    state: State,
    last_spawn: Option<Instant>,
    last_death: Option<Death>,
    runs: u32,
}

#[derive(Debug)]
enum State {
    /// It does not run, and waits for demand.
    Idle,
    /// It will be started then.
    Throttled(Instant),
    Running(Run),
}

/// One process of a job.
#[derive(Debug)]
struct Run {
    pid: Pid,
    /// The names that it has asked for.
    activated: BTreeSet<String>,
    then: Then,
    /// When it is killed, if it is being stopped.
    kill_at: Option<Instant>,
}

/// What follows the end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// What `KeepAlive` says.
    Policy,
    Start,
    Remove,
}

/// Whether a job is still known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    NoMore,
}

impl Service {
    /// Loads a job: makes its sockets, and starts it if it is to run at once.
    pub(crate) fn load(job: Job, log: &Log, second: Duration) -> Self {
        let sockets = sockets::make(&job, log);
        log.say("loaded", &job.label, &json!({}));
        let (state, at_load) = (State::Idle, job.run_at_load);
        let mut service = Self { job, sockets, state, last_spawn: None, last_death: None, runs: 0 };
        if at_load {
            service.start(log, second);
        }
        service
    }

    /// Starts it, now or when the throttle lets it. launchd.plist(5): no job is *spawned* more than once in
    /// `ThrottleInterval` seconds. It is no pause after an end, and it holds for every start (842, `job_start`).
    pub(crate) fn start(&mut self, log: &Log, second: Duration) {
        if !matches!(self.state, State::Idle) {
            return;
        }
        let interval = scaled(self.job.throttle_interval, second);
        let due = self.last_spawn.and_then(|last| last.checked_add(interval));
        match due.filter(|due| *due > Instant::now()) {
            Some(due) => {
                let wait = due.saturating_duration_since(Instant::now()).as_micros();
                log.say(
                    "throttled",
                    &self.job.label,
                    &json!({ "wait": u64::try_from(wait).unwrap_or(u64::MAX) }),
                );
                self.state = State::Throttled(due);
            }
            None => self.spawn(log),
        }
    }

    fn spawn(&mut self, log: &Log) {
        self.state = State::Idle;
        match child::spawn(&self.job, log) {
            Ok(pid) => {
                self.runs += 1;
                log.say("spawned", &self.job.label, &json!({ "pid": pid.as_raw(), "runs": self.runs }));
                let (activated, then) = (BTreeSet::new(), Then::Policy);
                self.state = State::Running(Run { pid, activated, then, kill_at: None });
            }
            Err(error) => {
                log.say("trouble", &self.job.label, &json!({ "step": "fork", "why": error.to_string() }));
            }
        }
        // After the event, so that two events are no nearer to each other than two starts may be.
        self.last_spawn = Some(Instant::now());
    }

    /// launchctl(1), `kickstart -k`: the running process is ended first.
    pub(crate) fn restart(&mut self, log: &Log, second: Duration) {
        if !self.stop(Then::Start, log, second) {
            self.start(log, second);
        }
    }

    /// launchctl(1), `bootout`.
    pub(crate) fn remove(&mut self, log: &Log, second: Duration) -> Known {
        if self.stop(Then::Remove, log, second) {
            return Known::Yes;
        }
        log.say("removed", &self.job.label, &json!({}));
        Known::NoMore
    }

    /// Begins to stop the process, if there is one. launchd.plist(5), `ExitTimeOut`: SIGTERM, and SIGKILL so many seconds
    /// later; 0 is for ever.
    fn stop(&mut self, then: Then, log: &Log, second: Duration) -> bool {
        self.signal(Signal::SIGTERM, log);
        let State::Running(run) = &mut self.state else { return false };
        run.then = then;
        let time_out = scaled(self.job.exit_time_out, second);
        run.kill_at = (!time_out.is_zero()).then(|| Instant::now().checked_add(time_out)).flatten();
        true
    }

    /// Sends a signal to the process itself, if there is one.
    pub(crate) fn signal(&self, signal: Signal, log: &Log) {
        if let Some(pid) = self.pid() {
            log.say("sent", &self.job.label, &json!({ "signal": signal as i32, "pid": pid.as_raw() }));
            let _ = kill(pid, signal);
        }
    }

    /// Its process has ended and is not reaped yet, so its number and that of its group are still its own.
    ///
    /// launchd.plist(5), `AbandonProcessGroup`: what is left in the process group is killed when the job dies; with
    /// SIGTERM in 842 (`job_reap`).
    pub(crate) fn sweep(&self) {
        if let (Some(pid), false) = (self.pid(), self.job.abandon_process_group) {
            let _ = killpg(pid, Signal::SIGTERM);
        }
    }

    /// Its process has ended so.
    pub(crate) fn ended(&mut self, death: Death, log: &Log, second: Duration) -> Known {
        let State::Running(run) = &self.state else { return Known::Yes };
        let (then, mut more) = (run.then, death.json());
        more["pid"] = run.pid.as_raw().into();
        log.say("exited", &self.job.label, &more);
        self.state = State::Idle;
        self.last_death = Some(death);
        match then {
            Then::Remove => {
                log.say("removed", &self.job.label, &json!({}));
                return Known::NoMore;
            }
            Then::Start => self.start(log, second),
            Then::Policy if self.job.keep_alive.wants(self.last_death) => {
                log.say("kept", &self.job.label, &json!({}));
                self.start(log, second);
            }
            Then::Policy => log.say("idle", &self.job.label, &json!({})),
        }
        Known::Yes
    }

    /// Does what is due, and what a path asks for that has come or gone.
    pub(crate) fn tick(&mut self, log: &Log, second: Duration) {
        let now = Instant::now();
        let wanted = self.watches() && self.job.keep_alive.wants(self.last_death);
        match &mut self.state {
            State::Throttled(due) if *due <= now => self.spawn(log),
            State::Running(Run { kill_at: at @ Some(_), .. }) if at.is_some_and(|at| at <= now) => {
                *at = None;
                self.signal(Signal::SIGKILL, log);
            }
            State::Idle if wanted => {
                self.start(log, second);
            }
            _ => {}
        }
    }

    /// When [`tick`](Self::tick) has something to do at the latest; none if an event comes first.
    pub(crate) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Throttled(due) => Some(*due),
            State::Running(run) => run.kill_at,
            // launchd has the kernel watch the path; here somebody looks.
            State::Idle => self.watches().then(|| Instant::now() + Duration::from_millis(10)),
        }
    }

    fn watches(&self) -> bool {
        self.job.keep_alive.watches_paths()
    }

    /// The sockets whose readers start it: while it runs they are its own affair.
    pub(crate) fn demand(&self) -> impl Iterator<Item = &OwnedFd> {
        let idle = matches!(self.state, State::Idle);
        self.sockets.iter().flat_map(|entry| &entry.fds).filter(move |_| idle)
    }

    /// launch_activate_socket of launch(3), for the process that asks: ESRCH where launchd does not manage it (the
    /// caller has not found it then), ENOENT where the job has no socket of that name, EALREADY the second time.
    pub(crate) fn activate(&mut self, name: &str) -> Result<&[OwnedFd], Errno> {
        let State::Running(run) = &mut self.state else { return Err(Errno::ESRCH) };
        let entry = self.sockets.iter().find(|entry| entry.name == name).ok_or(Errno::ENOENT)?;
        if run.activated.insert(name.to_owned()) { Ok(&entry.fds) } else { Err(Errno::EALREADY) }
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        match &self.state {
            State::Running(run) => Some(run.pid),
            _ => None,
        }
    }

    /// How it is, for people and tests.
    pub(crate) fn describe(&self) -> String {
        let state = match &self.state {
            State::Idle => "not running",
            State::Throttled(_) => "throttled",
            State::Running(_) => "running",
        };
        let mut text = format!("{}\nstate = {state}\nruns = {}", self.job.label, self.runs);
        if let Some(pid) = self.pid() {
            let _ = write!(text, "\npid = {pid}");
        }
        if let Some(death) = self.last_death {
            let _ = write!(text, "\nlast exit code = {death}");
        }
        text
    }
}

fn scaled(seconds: u64, second: Duration) -> Duration {
    second.saturating_mul(u32::try_from(seconds).unwrap_or(u32::MAX))
}
