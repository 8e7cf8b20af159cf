//! launchd: launchctl(1).

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::effective_user;
use svcadapt_spec::{Scope, ServiceName, SignalName};

use super::home::home;
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::tool::{Tool, is_installed};
use super::{HostState, ManagedService, Operation, RunPhase, StartTime};

/// A job in a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LaunchdJob {
    /// `system`, `gui/501` or `user/501` (launchctl(1)).
    domain: String,
    label: String,
    /// Its property list, if it is where launchd looks for it.
    file: Option<PathBuf>,
}

/// The exit status of launchctl for a job that is not loaded: `Could not find service`.
const NOT_LOADED: i32 = 113;

impl LaunchdJob {
    /// The jobs of this label, loaded or installed.
    pub(crate) fn named(label: &str) -> Vec<Self> {
        if !is_installed("launchctl") {
            return Vec::new();
        }
        let user = effective_user();
        let home = env::var_os("HOME").map(PathBuf::from);
        let agents = home.map(|home| home.join("Library/LaunchAgents"));
        let daemons = ("system".to_owned(), vec![PathBuf::from("/Library/LaunchDaemons")]);
        let folders: Vec<PathBuf> =
            agents.into_iter().chain([PathBuf::from("/Library/LaunchAgents")]).collect();
        let domains = if user == 0 {
            vec![daemons]
        } else {
            vec![(format!("gui/{user}"), folders.clone()), (format!("user/{user}"), folders), daemons]
        };
        let mut jobs = domains.into_iter().map(|(domain, folders)| {
            let files = folders.iter().map(|folder| folder.join(format!("{label}.plist")));
            Self { domain, label: label.to_owned(), file: files.into_iter().find(|file| file.exists()) }
        });
        let is_there = |job: &Self| job.file.is_some() || job.is_loaded();
        jobs.find(is_there).into_iter().collect()
    }

    fn is_loaded(&self) -> bool {
        self.print().is_ok_and(|answer| answer.is_some())
    }

    /// What launchd knows of the job. `None`: it is not loaded.
    fn print(&self) -> Result<Option<String>, StepError> {
        let tool = Tool::new("launchctl").args(["print", &self.address()]);
        let finished = tool.run()?;
        match finished.status.code() {
            Some(0) => Ok(Some(finished.output)),
            Some(NOT_LOADED) => Ok(None),
            _ => Err(tool.failure(&finished)),
        }
    }

    fn bootstrap(&self, limit: Duration) -> Option<Tool> {
        let file: &Path = self.file.as_deref()?;
        Some(Tool::new("launchctl").args(["bootstrap", &self.domain]).args([file]).within(limit))
    }
}

impl Managed for LaunchdJob {
    fn host(&self) -> Host {
        Host::Launchd
    }

    fn address(&self) -> String {
        format!("{}/{}", self.domain, self.label)
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        let address = self.address();
        let tool = |words: &[&str]| Tool::new("launchctl").args(words).within(limit);
        let kickstart = tool(&["kickstart", &address]);
        match (operation, self.is_loaded()) {
            (Operation::Start | Operation::Restart, false) => {
                self.bootstrap(limit).into_iter().chain([kickstart]).collect()
            }
            (Operation::Start, true) => vec![kickstart],
            (Operation::Restart, true) => vec![tool(&["kickstart", "-k", &address])],
            // KeepAlive would start it again as long as it is loaded.
            (Operation::Stop, true) => vec![tool(&["bootout", &address])],
            (Operation::Stop, false) => vec![tool(&["print-disabled", &self.domain])],
            (Operation::Reload, _) => Vec::new(),
        }
    }

    fn state(&self) -> Result<HostState, StepError> {
        Ok(self.print()?.map_or_else(|| HostState::of(RunPhase::Stopped, None), |answer| state(&answer)))
    }

    fn signal_command(&self, signal: SignalName) -> Option<Tool> {
        Some(Tool::new("launchctl").args(["kill", &signal.to_string(), &self.address()]))
    }

    /// A job that was booted out is there until its process has ended. One that was started may have ended already.
    fn returns_early(&self, operation: Operation) -> bool {
        operation == Operation::Stop
    }

    fn contains_this_process(&self) -> bool {
        env::var_os("XPC_SERVICE_NAME").is_some_and(|name| *name == *self.label)
    }
}

/// The jobs of the system, or of the user.
pub(crate) struct Jobs {
    pub(crate) scope: Scope,
}

impl Jobs {
    fn override_of(&self, name: &ServiceName, word: &str) -> Result<(), StepError> {
        let domain = match self.scope {
            Scope::System => "system".to_owned(),
            Scope::User => format!("gui/{}", effective_user()),
        };
        Tool::new("launchctl").args([word, &format!("{domain}/{name}")]).succeed().map(drop)
    }
}

impl Installer for Jobs {
    fn directory(&self) -> Result<PathBuf, StepError> {
        match self.scope {
            Scope::System => Ok(PathBuf::from("/Library/LaunchDaemons")),
            Scope::User => Ok(home()?.join("Library/LaunchAgents")),
        }
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        self.override_of(name, "enable")
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        self.override_of(name, "disable")
    }

    /// The override of launchctl(1) stays when the job is gone: a later job of this label would be disabled.
    fn forget(&self, name: &ServiceName) -> Result<(), StepError> {
        self.override_of(name, "enable")
    }

    fn start_time(&self) -> StartTime {
        match self.scope {
            Scope::System => StartTime::Boot,
            Scope::User => StartTime::Login,
        }
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(LaunchdJob::named(name.as_str()).pop().map(ManagedService::new))
    }
}

/// The answer of `launchctl print`: lines such as `state = running`, `pid = 17`, `last exit code = 0`.
fn state(answer: &str) -> HostState {
    let value = |name: &str| {
        let mut lines = answer.lines().filter_map(|line| line.trim().split_once(" = "));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    };
    let pid = value("pid").and_then(|pid| pid.parse().ok());
    let exit = value("last exit code").filter(|code| !code.starts_with('('));
    let failed = exit.filter(|code| !code.starts_with('0'));
    let phase = match (value("state"), pid, failed) {
        (Some("running"), _, _) | (_, Some(_), _) => RunPhase::Running,
        (Some("spawn scheduled"), ..) => RunPhase::Restarting,
        (_, _, Some(code)) => RunPhase::Failed(format!("exit status {code}")),
        _ => RunPhase::Stopped,
    };
    HostState {
        restarts: value("runs").and_then(|runs| runs.parse().ok()).map(|runs: u32| runs.saturating_sub(1)),
        last_exit: exit.map(|code| format!("exit status {code}")),
        // A job that is loaded is loaded again at the next boot or login.
        enabled: Some(true),
        ..HostState::of(phase, pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_launchctl_print_becomes_a_state() {
        let running = state(
            "system/org.example.web = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 17\n\truns = 3\n}\n",
        );
        assert_eq!((running.phase, running.pid, running.restarts), (RunPhase::Running, Some(17), Some(2)));
        let failed = state("\tstate = not running\n\tlast exit code = 78: EX_CONFIG\n");
        assert_eq!(failed.phase, RunPhase::Failed("exit status 78: EX_CONFIG".to_owned()));
        let fresh = state("\tstate = not running\n\tlast exit code = (never exited)\n");
        assert_eq!((fresh.phase, fresh.last_exit), (RunPhase::Stopped, None));
    }
}
