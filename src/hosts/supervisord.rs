//! supervisord: supervisorctl.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::detect::Manager;
use svcadapt::internal::{LogQuery, Supervisor, own_pid, procfs, supervisor_of};

use super::service::{Host, Managed};
use super::tool::Tool;
use super::{HostState, Operation, RunPhase};

/// A program of a supervisord.
#[derive(Debug)]
pub(crate) struct Program {
    /// `GROUP:NAME`, or `NAME`.
    name: String,
    /// The file that its supervisord was started with. `None`: the default one.
    configuration: Option<PathBuf>,
    supervisor: i32,
}

impl Program {
    /// The program of a process, which has its name in the environment.
    pub(crate) fn of_process(supervisor: &Supervisor, pid: i32) -> Option<Self> {
        let (mut group, mut name) = (None, None);
        let text = |value: &[u8]| Some(String::from_utf8_lossy(value).into_owned());
        let visit = |variable: &[u8], value: &[u8]| match variable {
            b"SUPERVISOR_GROUP_NAME" => group = text(value),
            b"SUPERVISOR_PROCESS_NAME" => name = text(value),
            _ => {}
        };
        procfs::for_each_variable(pid, visit).ok()?;
        let name = name?;
        let name =
            group.filter(|group| *group != name).map_or(name.clone(), |group| format!("{group}:{name}"));
        Some(Self::new(supervisor, name))
    }

    /// The program of this name, if this supervisord has it.
    pub(crate) fn named(supervisor: &Supervisor, name: &str) -> Option<Self> {
        let program = Self::new(supervisor, name.to_owned());
        program.state().is_ok().then_some(program)
    }

    fn new(supervisor: &Supervisor, name: String) -> Self {
        Self { name, configuration: configuration(supervisor), supervisor: supervisor.pid }
    }

    fn supervisorctl(&self) -> Tool {
        let tool = Tool::new("supervisorctl");
        match &self.configuration {
            Some(path) => tool.args([OsStr::new("-c"), path.as_os_str()]),
            None => tool,
        }
    }
}

/// The value of `-c` in the arguments of a supervisord, from its working directory.
fn configuration(supervisor: &Supervisor) -> Option<PathBuf> {
    let words = &supervisor.command_line;
    let value = words.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "-c" | "--configuration" => words.get(at + 1).map(String::as_str),
        word => word.strip_prefix("--configuration=").or_else(|| word.strip_prefix("-c")),
    })?;
    let directory = fs::read_link(format!("/proc/{}/cwd", supervisor.pid)).ok()?;
    Some(directory.join(Path::new(OsStr::from_bytes(value.as_bytes()))))
}

impl Managed for Program {
    fn host(&self) -> Host {
        Host::Supervisord
    }

    fn address(&self) -> String {
        self.name.clone()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        match operation {
            Operation::Reload => Vec::new(),
            _ => vec![self.supervisorctl().args([operation.name(), &self.name]).within(limit)],
        }
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool = self.supervisorctl().args(["status", &self.name]);
        // The status is 3 for a program that does not run (LSB).
        let finished = tool.run()?;
        state(&finished.output, &self.name).ok_or_else(|| tool.failure(&finished))
    }

    /// supervisorctl reports failures of a program with the status 0 in some versions.
    fn returns_early(&self, _action: Operation) -> bool {
        true
    }

    fn log_command(&self, query: &LogQuery) -> Option<std::process::Command> {
        let tool = self.supervisorctl().args(["tail"]);
        let tool = if query.follow { tool.args(["-f"]) } else { tool };
        tool.args([&self.name]).command()
    }

    fn contains_this_process(&self) -> bool {
        supervisor_of(own_pid())
            .is_some_and(|own| own.manager == Manager::Supervisord && own.pid == self.supervisor)
            && std::env::var_os("SUPERVISOR_PROCESS_NAME")
                .is_some_and(|name| self.name.rsplit(':').next().is_some_and(|own| *name == *own))
    }
}

/// The answer of `supervisorctl status`: `NAME  RUNNING   pid 17, uptime 0:00:03`.
fn state(answer: &str, name: &str) -> Option<HostState> {
    let line = answer.lines().find(|line| line.split_ascii_whitespace().next() == Some(name))?;
    let mut words = line.split_ascii_whitespace().skip(1);
    let phase = match words.next()? {
        "RUNNING" => RunPhase::Running,
        "STARTING" => RunPhase::Starting,
        "BACKOFF" => RunPhase::Restarting,
        "STOPPING" => RunPhase::Stopping,
        "STOPPED" | "EXITED" => RunPhase::Stopped,
        "FATAL" | "UNKNOWN" => RunPhase::Failed(words.clone().collect::<Vec<_>>().join(" ")),
        _ => return None,
    };
    let rest: Vec<&str> = words.collect();
    let after = |word: &str| rest.iter().position(|one| *one == word).and_then(|at| rest.get(at + 1));
    let pid = after("pid").and_then(|pid| pid.trim_end_matches(',').parse().ok());
    let since = after("uptime").and_then(|time| {
        time.split(':').try_fold(0, |sum: u64, part| Some(sum * 60 + part.parse::<u64>().ok()?))
    });
    Some(HostState { since: since.map(Duration::from_secs), ..HostState::of(phase, pid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_supervisorctl_becomes_a_state() {
        let running = state("web    RUNNING   pid 17, uptime 0:01:03\n", "web").unwrap();
        assert_eq!((running.phase, running.pid), (RunPhase::Running, Some(17)));
        assert_eq!(running.since, Some(Duration::from_secs(63)));
        let fatal =
            state("a:web  FATAL     Exited too quickly (process log may have details)\n", "a:web").unwrap();
        assert!(matches!(fatal.phase, RunPhase::Failed(why) if why.starts_with("Exited too quickly")));
        assert_eq!(state("web  STOPPED   Nov 30 10:00 PM\n", "web").unwrap().phase, RunPhase::Stopped);
        assert!(state("web: ERROR (no such process)\n", "web").is_none());
    }
}
