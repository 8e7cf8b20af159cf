//! What has happened in a start, look by look.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::sample::{self, SVCADAPT, Seen};

/// A start.
pub(super) struct History {
    pub(super) name: String,
    began: Instant,
    own_uid: u32,
    /// The log file, and its length before the start.
    log: Option<(PathBuf, u64)>,
    /// The launcher, then the processes in the order in which they were found.
    pub(super) processes: Vec<ProcessLife>,
    /// What has happened besides, in order.
    pub(super) moments: Vec<Moment>,
    listens: BTreeSet<String>,
    /// When it ended, and how.
    pub(super) end: (Duration, &'static str),
}

/// A process of the start.
pub(super) struct ProcessLife {
    pub(super) pid: u32,
    /// The programs that it has executed, and since when.
    pub(super) programs: Vec<(Duration, String)>,
    /// When it was gone.
    pub(super) gone: Option<Duration>,
    uid: u32,
}

/// Something that has no duration.
pub(super) struct Moment {
    pub(super) at: Duration,
    pub(super) text: String,
}

impl History {
    /// Begins now. `log` is the file that gets the output.
    pub(super) fn begin(name: String, log: Option<PathBuf>) -> Self {
        let own_uid = sample::own_uid();
        let launcher = ProcessLife {
            pid: std::process::id(),
            programs: vec![(Duration::ZERO, SVCADAPT.to_owned())],
            gone: None,
            uid: own_uid,
        };
        let log = log.map(|path| {
            let length = fs::metadata(&path).map_or(0, |file| file.len());
            (path, length)
        });
        Self {
            name,
            began: Instant::now(),
            own_uid,
            log,
            processes: vec![launcher],
            moments: Vec::new(),
            listens: BTreeSet::new(),
            end: (Duration::ZERO, "failed"),
        }
    }

    /// One look.
    pub(super) fn look(&mut self) {
        let found = sample::descendants();
        let now = self.began.elapsed();
        for life in self.processes.iter_mut().skip(1).filter(|life| life.gone.is_none()) {
            if found.iter().all(|seen| seen.pid != life.pid) {
                life.gone = Some(now);
            }
        }
        for seen in found {
            self.see(seen, now);
        }
        self.look_at_log(now);
    }

    pub(super) fn end(&mut self, how: &'static str) {
        self.end = (self.began.elapsed(), how);
    }

    fn see(&mut self, seen: Seen, now: Duration) {
        let at = self.processes.iter().position(|life| life.pid == seen.pid && life.gone.is_none());
        let at = at.unwrap_or_else(|| self.add(&seen, now));
        let life = &mut self.processes[at];
        let mut happened = Vec::new();
        if life.uid != seen.uid {
            life.uid = seen.uid;
            happened.push(format!("process {} changes to user {}", seen.pid, seen.uid));
        }
        if life.programs.last().is_none_or(|(_, program)| *program != seen.program) {
            happened.push(format!("process {} executes {}", seen.pid, seen.program));
            life.programs.push((now, seen.program));
        }
        for place in seen.listens {
            // A child inherits the sockets of its parent.
            if self.listens.insert(place.clone()) {
                happened.push(format!("it listens on {place}"));
            }
        }
        self.moments.extend(happened.into_iter().map(|text| Moment { at: now, text }));
    }

    /// Adds a process, and returns its place. The first one that is not svcadapt was it before the look.
    fn add(&mut self, seen: &Seen, now: Duration) -> usize {
        let is_first =
            self.processes.iter().flat_map(|life| &life.programs).all(|(_, name)| name == SVCADAPT);
        let program = if is_first { SVCADAPT } else { &seen.program };
        let programs = vec![(now, program.to_owned())];
        self.processes.push(ProcessLife { pid: seen.pid, programs, gone: None, uid: self.own_uid });
        self.processes.len() - 1
    }

    /// The first output: the time of the last change, if that is all that was written so far.
    fn look_at_log(&mut self, now: Duration) {
        let Some((path, length)) = &self.log else { return };
        let Ok(file) = fs::metadata(path) else { return };
        if file.len() <= *length {
            return;
        }
        let age = file.modified().ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
        let at = now.saturating_sub(age.unwrap_or_default());
        self.log = None;
        self.moments.push(Moment { at, text: "first output".to_owned() });
        self.moments.sort_by_key(|moment| moment.at);
    }
}

#[cfg(test)]
pub(super) fn sample_history() -> History {
    let ms = Duration::from_millis;
    let life = |pid, programs: &[(u64, &str)], gone: Option<u64>| ProcessLife {
        pid,
        programs: programs.iter().map(|(at, program)| (ms(*at), (*program).to_owned())).collect(),
        gone: gone.map(ms),
        uid: 0,
    };
    History {
        name: "web".to_owned(),
        began: Instant::now(),
        own_uid: 0,
        log: None,
        processes: vec![
            life(10, &[(0, "svcadapt")], None),
            life(11, &[(2, "svcadapt")], Some(3)),
            life(12, &[(3, "svcadapt"), (6, "a<b>")], None),
        ],
        moments: vec![
            Moment { at: ms(6), text: "process 12 executes a<b>".to_owned() },
            Moment { at: ms(90), text: "it listens on port 80".to_owned() },
        ],
        listens: BTreeSet::new(),
        end: (ms(100), "ready"),
    }
}
