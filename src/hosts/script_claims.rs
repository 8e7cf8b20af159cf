//! What an init script says of its service, and whether that is true.
//!
//! The answer of a script is a claim: some call a service running that is not, others have no action `status` and end with 3,
//! as for a service that is stopped. Its program and its pid file, which most scripts name, are the proof.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::internal::{own_pid, pids, process_info, procfs, untrusted};

use super::{HostState, RunPhase};

/// What a script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Its program, if it names one that is there.
    program: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    /// The labels of its `case`: the actions that it knows.
    actions: BTreeSet<String>,
}

/// What the processes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// This process is in the pid file, and runs the program as far as it is known.
    PidFile(i32),
    /// This process runs the program.
    Program(i32),
    /// No process runs the program.
    Nothing,
    /// The program is not known.
    Unknown,
}

/// The first line of the comment that makes a file an init script (LSB 5.0, "Comment Conventions for Init Scripts").
const HEADER: &str = "### BEGIN INIT INFO";

/// The interpreter that has the actions of the scripts that it interprets (init-d-script(5)).
const INTERPRETER: &str = "/lib/init/init-d-script";

const PROGRAMS: [&str; 5] = ["DAEMON", "DAEMON_BIN", "BIN", "EXEC", "PROG"];
const PID_FILES: [&str; 4] = ["PIDFILE", "PID_FILE", "PIDFile", "pidfile"];

impl Claims {
    /// Reads the text of a script. `None`: it is no init script by the LSB.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if !text.lines().any(|line| line.trim_end() == HEADER) {
            return None;
        }
        let variables = variables(text);
        let path = |names: &[&str]| {
            let value = names.iter().find_map(|name| variables.get(*name))?;
            value.starts_with('/').then(|| PathBuf::from(value))
        };
        let mut actions: BTreeSet<String> = text.lines().flat_map(labels).collect();
        if text.lines().next().is_some_and(|first| first.contains(INTERPRETER)) {
            actions.insert("status".to_owned());
        }
        let program = path(&PROGRAMS).filter(|program| program.is_file());
        Some(Self { program, pid_file: path(&PID_FILES), actions })
    }

    /// Whether the script has this action.
    pub(crate) fn knows(&self, action: &str) -> bool {
        self.actions.contains(action)
    }

    /// Looks at the processes.
    pub(crate) fn look(&self) -> Proof {
        let runs_it = |pid: i32| self.program.as_deref().is_none_or(|program| runs(pid, program));
        let named = self.pid_file.as_deref().and_then(named_in).filter(|pid| runs_it(*pid));
        if let Some(pid) = named {
            return Proof::PidFile(pid);
        }
        let Some(program) = &self.program else { return Proof::Unknown };
        let own = own_pid();
        let found = pids().into_iter().find(|pid| *pid != own && runs(*pid, program));
        found.map_or(Proof::Nothing, Proof::Program)
    }

    /// The state by the exit status of `status` (LSB 5.0, "Init Script Actions"; `None`: it has no such action) and by the
    /// processes. `None`: nothing proves it.
    pub(crate) fn judge(&self, answer: Option<i32>, proof: Proof) -> Option<HostState> {
        let has_pid_file = || self.pid_file.as_ref().is_none_or(|path| path.exists());
        match (answer, proof) {
            (Some(0) | None, Proof::PidFile(pid)) | (Some(0), Proof::Program(pid)) => {
                Some(HostState { since: age(pid), ..HostState::of(RunPhase::Running, Some(pid)) })
            }
            (Some(1 | 2), _) if has_pid_file() => {
                Some(HostState::of(RunPhase::Failed("dead".to_owned()), None))
            }
            (Some(1..=3), _) | (Some(0) | None, Proof::Nothing) => {
                Some(HostState::of(RunPhase::Stopped, None))
            }
            _ => None,
        }
    }
}

/// The variables that a script sets at the start of a line, with the values of those before them.
fn variables(text: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || all.contains_key(name) {
            continue;
        }
        let (quote, rest) = match value.as_bytes().first() {
            Some(b'"') => (Some('"'), &value[1..]),
            Some(b'\'') => (Some('\''), &value[1..]),
            _ => (None, value),
        };
        let end =
            rest.find(|c: char| quote.map_or(c.is_whitespace() || c == ';' || c == '#', |quote| c == quote));
        if let Some(value) = expanded(&rest[..end.unwrap_or(rest.len())], &all) {
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// A value with the variables `$NAME` and `${NAME}`. `None`: it has anything else that the shell expands.
fn expanded(value: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let mut parts = value.split('$');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{') {
            Some(part) => part.split_once('}')?,
            None => part
                .split_at(part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len())),
        };
        text.push_str(known.get(name)?);
        text.push_str(rest);
    }
    (!text.contains(['`', '"', '\'', '(', '*'])).then_some(text)
}

/// The labels of a line of a `case`: `restart|force-reload)`.
fn labels(line: &str) -> Vec<String> {
    let Some((labels, _)) = line.split_once(')') else { return Vec::new() };
    let words: Vec<&str> = labels.trim().trim_start_matches('(').split('|').map(str::trim).collect();
    let words = words.into_iter().map(|word| word.trim_matches(['"', '\'']));
    let is_label =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let all: Vec<String> = words.map(str::to_owned).collect();
    if all.iter().all(|word| is_label(word)) { all } else { Vec::new() }
}

/// A larger file is no pid file.
const MAX_PID_FILE_BYTES: u64 = 64;

/// How much later than its process a pid file may be dated: clocks of different precision.
const CLOCKS: Duration = Duration::from_secs(2);

/// The live process that a pid file names, if it is older than the file: a number that is used again is not.
fn named_in(path: &Path) -> Option<i32> {
    let file = untrusted::read(path, MAX_PID_FILE_BYTES).ok()??;
    let pid: i32 = String::from_utf8_lossy(&file.content).split_ascii_whitespace().next()?.parse().ok()?;
    let written = fs::metadata(path).ok()?.modified().ok()?.elapsed().unwrap_or_default();
    (pid > 1 && age(pid)? + CLOCKS >= written).then_some(pid)
}

/// How long a process has been running. `None`: it does not run, or cannot be seen.
fn age(pid: i32) -> Option<Duration> {
    let stat = procfs::stat(pid).ok().filter(|stat| !stat.exiting)?;
    procfs::uptime().ok()?.checked_sub(procfs::ticks(stat.start_time))
}

/// Whether a process runs a program. Where its executable may not be looked at, or is an interpreter, its words count.
fn runs(pid: i32, program: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let executed = id(Path::new(&format!("/proc/{pid}/exe")));
    if executed.is_some() && executed == id(program) {
        return true;
    }
    process_info(pid)
        .is_some_and(|info| info.command_line.iter().take(2).any(|word| Path::new(word) == program))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: web\n### END INIT INFO\nNAME=web # its name\n\
                          DAEMON=\"/bin/${UNSET}sh\"\nDAEMON=/bin/sh\nPIDFILE=\"/run/$NAME/${NAME}.pid\"\nPID=$(cat x)\n\
                          case $1 in\n  start|\"stop\") run ;;\n  (status) x ;;\n  *) usage ;;\nesac\n";

    #[test]
    fn script_names_its_program_its_pid_file_and_its_actions() {
        let claims = Claims::of(SCRIPT).unwrap();
        assert_eq!(claims.program.as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(claims.pid_file.as_deref(), Some(Path::new("/run/web/web.pid")));
        assert_eq!(claims.actions.iter().collect::<Vec<_>>(), ["start", "status", "stop"]);
        assert!(claims.knows("status") && !claims.knows("reload"));
        assert_eq!(Claims::of("#!/bin/sh\ncase $1 in status) ;; esac\n"), None);
        let interpreted =
            Claims::of("#!/usr/bin/env /lib/init/init-d-script\n### BEGIN INIT INFO\nDAEMON=none\n").unwrap();
        assert_eq!((interpreted.knows("status"), &interpreted.program), (true, &None));
    }

    #[test]
    fn answer_of_a_script_counts_only_with_a_proof() {
        let claims = Claims { pid_file: Some("/nowhere/pid".into()), ..Claims::of(SCRIPT).unwrap() };
        let running = |pid| Some((RunPhase::Running, Some(pid)));
        let stopped = Some((RunPhase::Stopped, None));
        let judged = |claims: &Claims, answer, proof| {
            claims.judge(answer, proof).map(|state| (state.phase, state.pid))
        };
        for (answer, proof, expected) in [
            (Some(0), Proof::PidFile(7), running(7)),
            (Some(0), Proof::Program(7), running(7)),
            (Some(0), Proof::Nothing, stopped.clone()),
            (Some(0), Proof::Unknown, None),
            (Some(1), Proof::Nothing, stopped.clone()),
            (Some(3), Proof::Unknown, stopped.clone()),
            (Some(3), Proof::Program(7), stopped.clone()),
            (Some(4), Proof::PidFile(7), None),
            (None, Proof::PidFile(7), running(7)),
            (None, Proof::Program(7), None),
            (None, Proof::Nothing, stopped),
            (None, Proof::Unknown, None),
        ] {
            assert_eq!(judged(&claims, answer, proof), expected, "{answer:?} {proof:?}");
        }
        let with_file = Claims { pid_file: Some("/bin/sh".into()), ..claims };
        let dead = Some((RunPhase::Failed("dead".to_owned()), None));
        assert_eq!(judged(&with_file, Some(1), Proof::Nothing), dead);
    }
}
