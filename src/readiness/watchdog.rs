//! A probe that feeds a watchdog: it is tried again and again while the program runs.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use svcadapt_spec::Probe;

use super::{LogPlace, ProbeInputs, Probes, ProcessTree};
use crate::sys::process::Ended;

/// A probe that is tried at intervals. One that does not succeed is tried on until it does.
#[derive(Debug)]
pub struct WatchdogProbe {
    probe: Probe,
    source: ProbeSource,
    every: Duration,
    /// The try that is under way, and when it began.
    running: Option<(Probes, Instant)>,
    next: Instant,
}

/// What each try needs.
#[derive(Debug, Clone)]
pub struct ProbeSource {
    /// The user that the commands run as.
    pub identity: super::RunAs,
    /// The environment of the commands.
    pub environment: Vec<std::ffi::CString>,
}

impl ProbeSource {
    /// Probes that are tried while the program runs, with the places of its log.
    pub fn probes(self, probes: &[Probe], logs: Vec<LogPlace>) -> Probes {
        let Self { identity, environment } = self;
        let inputs =
            ProbeInputs { socket: None, pipes: Vec::new(), identity, environment, logs, buses: Vec::new() };
        Probes::new(probes, inputs)
    }
}

impl WatchdogProbe {
    /// Tries this probe twice in each interval of a watchdog, from now on.
    pub fn new(probe: &Probe, source: ProbeSource, watchdog: Duration) -> Self {
        let every = watchdog / 2;
        Self { probe: probe.clone(), source, every, running: None, next: Instant::now() }
    }

    /// The watchdog has this time from now on.
    pub fn set_time(&mut self, watchdog: Duration) {
        self.every = watchdog / 2;
        self.next = self.next.min(Instant::now() + self.every);
    }

    /// Goes on with the try, or begins one. Whether it has succeeded now.
    pub fn look(&mut self, tree: ProcessTree) -> io::Result<bool> {
        let now = Instant::now();
        if self.running.is_none() && now >= self.next {
            let probes = self.source.clone().probes(std::slice::from_ref(&self.probe), Vec::new());
            self.running = Some((probes, now));
            self.next = now + self.every;
        }
        let Some((probes, began)) = &mut self.running else { return Ok(false) };
        probes.look(tree, began.elapsed())?;
        Ok(self.ends())
    }

    /// Handles the end of a child, which may be that of a try. Whether the try has succeeded.
    pub fn child_ended(&mut self, pid: i32, ended: Ended) -> bool {
        if let Some((probes, began)) = &mut self.running {
            probes.child_ended(pid, ended, began.elapsed());
        }
        self.ends()
    }

    fn ends(&mut self) -> bool {
        let met = self.running.as_ref().is_some_and(|(probes, _)| probes.all_met());
        if met {
            self.running = None;
        }
        met
    }

    /// Ends what a try has started.
    pub fn stop(&mut self) {
        if let Some((probes, _)) = self.running.take() {
            probes.kill();
        }
    }

    /// The descriptors that become readable on an event.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.running.as_ref().map(|(probes, _)| probes.descriptors()).unwrap_or_default()
    }

    /// The time until the next look. `None` if an event comes before.
    pub fn pause(&self) -> Option<Duration> {
        match &self.running {
            Some((probes, began)) => probes.pause(began.elapsed()),
            None => Some(self.next.saturating_duration_since(Instant::now())),
        }
    }
}
