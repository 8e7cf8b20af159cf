//! A loaded job and its lifecycle.

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

/// A loaded job.
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
    /// It does not run and waits for demand.
    Idle,
    /// It will be started at this time.
    Throttled(Instant),
    Running(Run),
}

/// The process of a job.
#[derive(Debug)]
struct Run {
    pid: Pid,
    /// The socket names that it has already requested.
    activated: BTreeSet<String>,
    then: Then,
    /// The time of SIGKILL, if it is being stopped.
    kill_at: Option<Instant>,
}

/// The action after the end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// As `KeepAlive` says.
    Policy,
    Start,
    Remove,
}

/// Whether a job is still loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    NoMore,
}

impl Service {
    /// Loads a job: creates its sockets, and starts it if it shall run at load.
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

    /// Starts it, now or after the throttle. launchd.plist(5): a job is *spawned* at most once in `ThrottleInterval`
    /// seconds. The interval counts from start to start, not from the end, and for every start (842, `job_start`).
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
        // After the event, so that the time between two events is never shorter than that between two starts.
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

    /// Whether it was booted out and its process has not ended.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(&self.state, State::Running(run) if run.then == Then::Remove)
    }

    /// Begins to stop the process, if there is one. launchd.plist(5), `ExitTimeOut`: SIGTERM, and SIGKILL after this number
    /// of seconds; 0 means infinity.
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

    /// Called when the process has ended but is not reaped yet, so that its pid and its process group are not reused.
    ///
    /// launchd.plist(5), `AbandonProcessGroup`: the rest of the process group is killed when the job ends; in 842 with
    /// SIGTERM (`job_reap`).
    pub(crate) fn sweep(&self) {
        if let (Some(pid), false) = (self.pid(), self.job.abandon_process_group) {
            let _ = killpg(pid, Signal::SIGTERM);
        }
    }

    /// Handles the end of the process.
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

    /// Handles timers, and conditions on paths.
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

    /// The time of the next [`tick`](Self::tick). `None` if there is no timer.
    pub(crate) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Throttled(due) => Some(*due),
            State::Running(run) => run.kill_at,
            // launchd uses kernel notifications for the path; here it is polled.
            State::Idle => self.watches().then(|| Instant::now() + Duration::from_millis(10)),
        }
    }

    fn watches(&self) -> bool {
        self.job.keep_alive.watches_paths()
    }

    /// The sockets that start it on demand; empty while it runs.
    pub(crate) fn demand(&self) -> impl Iterator<Item = &OwnedFd> {
        let idle = matches!(self.state, State::Idle);
        self.sockets.iter().flat_map(|entry| &entry.fds).filter(move |_| idle)
    }

    /// launch_activate_socket of launch(3) for the job's process: ENOENT if the job has no socket of that name, EALREADY the
    /// second time. (ESRCH for a process that launchd does not manage is returned by the caller.)
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

    /// The state as text.
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
