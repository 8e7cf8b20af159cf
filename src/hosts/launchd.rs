//! launchd: launchctl(1).

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{LogQuery, effective_user};
use svcadapt_convert::plist::read as read_job;
use svcadapt_spec::{Output, Scope, ServiceName, SignalName};

use super::home::home;
use super::launchctl::{
    MISCONFIGURED_CAUSE, explained, is_absent, is_disabled, is_for_background, may_be_ending, refusal,
};
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::settle::wait_until;
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

impl LaunchdJob {
    /// The jobs of this label, loaded or installed.
    pub(crate) fn named(label: &str) -> Vec<Self> {
        if !is_installed("launchctl") {
            return Vec::new();
        }
        let user = effective_user();
        let home = env::var_os("HOME").map(PathBuf::from);
        let agents = home.map(|home| home.join("Library/LaunchAgents"));
        let agents: Vec<PathBuf> =
            agents.into_iter().chain([PathBuf::from("/Library/LaunchAgents")]).collect();
        let daemons = vec![PathBuf::from("/Library/LaunchDaemons")];
        let job = |domain: String, folders: &[PathBuf]| {
            let files = folders.iter().map(|folder| folder.join(format!("{label}.plist")));
            Self { domain, label: label.to_owned(), file: files.into_iter().find(|file| file.exists()) }
        };
        let mut jobs = vec![job("system".to_owned(), &daemons)];
        if user != 0 {
            jobs.splice(0..0, [format!("gui/{user}"), format!("user/{user}")].map(|one| job(one, &agents)));
        }
        // One that is loaded is that one; a file may be loaded in either domain of a user.
        let loaded = jobs.iter().find(|job| job.is_loaded()).cloned();
        let own = domain(Scope::User);
        let installed = || {
            jobs.into_iter().find(|job| job.file.is_some() && (job.domain == "system" || job.domain == own))
        };
        loaded.or_else(installed).into_iter().collect()
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
            status if is_absent(status) => Ok(None),
            _ => Err(tool.failure(&finished)),
        }
    }

    /// Whether the label is disabled, which outlives the job.
    fn is_disabled(&self) -> bool {
        let answer = Tool::new("launchctl").args(["print-disabled", &self.domain]).succeed();
        answer.is_ok_and(|answer| is_disabled(&answer.output, &self.label))
    }

    fn bootstrap(&self, limit: Duration) -> Option<Tool> {
        let file: &Path = self.file.as_deref()?;
        Some(Tool::new("launchctl").args(["bootstrap", &self.domain]).args([file]).within(limit))
    }

    /// Why launchd would not load the job. Of most reasons it says 5, Input/output error.
    fn check_loadable(&self) -> Result<(), StepError> {
        let user = if self.domain == "system" { 0 } else { effective_user() };
        if let Some(refused) = self.file.as_deref().and_then(|file| refusal(file, user)) {
            return Err(refused);
        }
        let in_background = |file: &Path| {
            std::fs::read(file).is_ok_and(|text| is_for_background(&String::from_utf8_lossy(&text)))
        };
        if self.domain.starts_with("user/") && !self.file.as_deref().is_some_and(in_background) {
            let error = StepError::new("launchctl bootstrap", "this user is not logged in at the screen");
            let hint = "log in there, or set LimitLoadToSessionType to Background in the property list, which needs no screen";
            return Err(error.of(self.address()).hint(hint).status(1));
        }
        if self.is_disabled() {
            let error = StepError::new("launchctl bootstrap", "the label is disabled").of(self.address());
            return Err(error.hint(format!("`svcadapt enable {}` enables it", self.label)).status(1));
        }
        Ok(())
    }

    /// The file that gets its output.
    fn log(&self) -> Option<PathBuf> {
        let file = self.file.as_deref()?;
        let job = read_job(&std::fs::read(file).ok()?, file).ok()?;
        match job.draft.finish().ok()?.standard_output? {
            Output::File(_, path) => Some(path.as_path().to_owned()),
            _ => None,
        }
    }
}

/// The domain in which services are loaded. That of the screen lasts as long as the user is logged in there, and is the only
/// one for most agents (launchd.plist(5), `LimitLoadToSessionType`); without it the user has the other one.
fn domain(scope: Scope) -> String {
    let user = effective_user();
    let gui = format!("gui/{user}");
    match scope {
        Scope::System => "system".to_owned(),
        Scope::User if Tool::new("launchctl").args(["print", &gui]).succeed().is_ok() => gui,
        Scope::User => format!("user/{user}"),
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

    /// A job that was booted out is there until its process has ended: until then nothing can be loaded in its place.
    fn run(&self, tool: &Tool, limit: Duration) -> Result<(), StepError> {
        let word = tool.word();
        if word == "bootstrap" {
            self.check_loadable()?;
        }
        let mut finished = tool.run()?;
        if word != "bootout" && may_be_ending(finished.status.code()) {
            if self.is_loaded() && !wait_until(limit.min(END_TIMEOUT), || !self.is_loaded()) {
                return Err(self.still_ends());
            }
            let again = if word == "bootstrap" { None } else { self.bootstrap(limit) };
            again.map_or(Ok(()), |bootstrap| self.run(&bootstrap, limit))?;
            finished = tool.run()?;
        }
        let status = finished.status.code();
        let is_done = word == "bootout" && (is_absent(status) || may_be_ending(status));
        if !finished.status.success() && !is_done {
            return Err(explained(tool.failure(&finished), status, self.file.as_deref()));
        }
        if word == "bootout" && !wait_until(limit, || !self.is_loaded()) {
            return Err(self.still_ends());
        }
        Ok(())
    }

    fn signal_command(&self, signal: SignalName) -> Option<Tool> {
        Some(Tool::new("launchctl").args(["kill", &signal.to_string(), &self.address()]))
    }

    fn state(&self) -> Result<HostState, StepError> {
        let answer = self.print()?;
        let state = answer.map_or_else(|| HostState::of(RunPhase::Stopped, None), |answer| state(&answer));
        // What is installed is loaded at the next boot or login, unless its label is disabled.
        Ok(HostState { enabled: Some(!self.is_disabled()), ..state })
    }

    fn log_command(&self, query: &LogQuery) -> Option<Command> {
        if query.since.is_some() || query.until.is_some() {
            return None;
        }
        let lines = query.lines.map_or_else(|| "+1".to_owned(), |lines| lines.to_string());
        let follow = query.follow.then_some("-F");
        Tool::new("tail").args(["-n", &lines]).args(follow).args([self.log()?]).command()
    }

    fn contains_this_process(&self) -> bool {
        env::var_os("XPC_SERVICE_NAME").is_some_and(|name| *name == *self.label)
    }
}

impl LaunchdJob {
    fn still_ends(&self) -> StepError {
        StepError::new("launchctl", "the job before it has not ended")
            .of(self.address())
            .hint(
                "its process takes longer than ExitTimeOut, or cannot be killed; try again when it has ended",
            )
            .status(1)
    }
}

/// How long a job that was booted out may take to end before another one is loaded in its place.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// The jobs of the system, or of the user.
pub(crate) struct Jobs {
    pub(crate) scope: Scope,
}

impl Jobs {
    fn override_of(&self, name: &ServiceName, word: &str) -> Result<(), StepError> {
        let tool = Tool::new("launchctl").args([word, &format!("{}/{name}", domain(self.scope))]);
        let finished = tool.run()?;
        let status = finished.status.code();
        if finished.status.success() { Ok(()) } else { Err(explained(tool.failure(&finished), status, None)) }
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
        (_, _, Some(code)) => RunPhase::Failed(exit_status(code)),
        _ => RunPhase::Stopped,
    };
    HostState {
        restarts: value("runs").and_then(|runs| runs.parse().ok()).map(|runs: u32| runs.saturating_sub(1)),
        last_exit: exit.map(exit_status),
        ..HostState::of(phase, pid)
    }
}

/// `78: EX_CONFIG` is the status of a job whose program launchd did not start.
fn exit_status(code: &str) -> String {
    if code.starts_with("78") {
        format!("exit status {code}: {MISCONFIGURED_CAUSE}")
    } else {
        format!("exit status {code}")
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
        assert_eq!(failed.phase, RunPhase::Failed(exit_status("78: EX_CONFIG")));
        assert!(exit_status("78: EX_CONFIG").contains("could not set it up"));
        let fresh = state("\tstate = not running\n\tlast exit code = (never exited)\n");
        assert_eq!((fresh.phase, fresh.last_exit), (RunPhase::Stopped, None));
    }
}
