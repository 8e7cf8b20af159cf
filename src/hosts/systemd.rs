//! systemd: systemctl(1) and journalctl(1).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{
    LogQuery, descends, effective_user, is_booted_with_systemd, journal_query, unit_of, user_of,
};
use svcadapt_spec::{Scope, ServiceName, SignalName};

use super::home::xdg;
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::tool::{Finished, Tool};
use super::user_manager::Linger;
use super::{HostState, ManagedService, Operation, RunPhase, StartTime, user_manager};

/// A unit of the system's manager or of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) name: String,
    pub(crate) scope: Scope,
}

/// How long a manager may take to read all units.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(90);

impl Tool {
    /// systemctl(1) for the system's manager or the user's.
    fn of_manager(scope: Scope) -> Self {
        match scope {
            Scope::System => Self::new("systemctl"),
            Scope::User => {
                let tool = Self::new("systemctl").args(["--user"]);
                let tool = tool.with_variables(&["DBUS_SESSION_BUS_ADDRESS", "HOME"]);
                user_manager::runtime_directory()
                    .map_or_else(|| tool.clone(), |path| tool.clone().with("XDG_RUNTIME_DIR", path))
            }
        }
    }

    /// Runs systemctl(1) to its end, which must be a success.
    fn ask(&self, scope: Scope) -> Result<Finished, StepError> {
        self.succeed().map_err(|error| match scope {
            Scope::System => error,
            Scope::User => user_manager::explained(error),
        })
    }
}

/// The properties that a state is made of (org.freedesktop.systemd1(5)).
const PROPERTIES: [&str; 15] = [
    "LoadState",
    "ActiveState",
    "SubState",
    "MainPID",
    "UnitFileState",
    "Result",
    "NRestarts",
    "ExecMainCode",
    "ExecMainStatus",
    "StatusText",
    "MemoryCurrent",
    "TasksCurrent",
    "StateChangeTimestampMonotonic",
    "CanReload",
    "TriggeredBy",
];

impl Unit {
    /// The unit of a process, if systemd regards the process as the main one of a service.
    ///
    /// # Errors
    ///
    /// The manager does not answer.
    pub(crate) fn of_process(pid: i32) -> Result<Option<Self>, StepError> {
        let Some(found) = unit_of(pid).filter(svcadapt::internal::UnitRef::is_service) else {
            return Ok(None);
        };
        // Only its user can ask the manager of a user.
        let is_another_users = found.scope == Scope::User && user_of(pid) != Some(effective_user());
        if is_another_users {
            return Ok(None);
        }
        let unit = Self { name: found.name, scope: found.scope };
        let known = unit.properties()?;
        if !is_there(&known) {
            return Ok(None);
        }
        // A daemon that was started from another service, such as a job of cron, is in that one's control group.
        let main = state(&known).pid;
        Ok(main.is_some_and(|main| main == pid || descends(pid, main)).then_some(unit))
    }

    /// The loaded or installed units of this name.
    ///
    /// # Errors
    ///
    /// A manager does not answer.
    pub(crate) fn named(name: &str) -> Result<Vec<Self>, StepError> {
        let has_own = effective_user() != 0 && user_manager::runs();
        let scopes = [has_own.then_some(Scope::User), Some(Scope::System)];
        let mut all = Vec::new();
        for scope in scopes.into_iter().flatten() {
            let unit = Self { name: format!("{name}.service"), scope };
            match unit.properties() {
                Ok(known) if is_there(&known) => all.push(unit),
                // A user whose own manager has it need not be able to ask the system's.
                Err(error) if all.is_empty() => return Err(error),
                _ => {}
            }
        }
        Ok(all)
    }

    fn systemctl(&self, words: &[&str]) -> Tool {
        Tool::of_manager(self.scope).args(words)
    }

    fn properties(&self) -> Result<BTreeMap<String, String>, StepError> {
        let tool = self.systemctl(&["show", "--property", &PROPERTIES.join(","), "--", &self.name]);
        // Without the names of the properties it is a line that can be read.
        let short = self.systemctl(&["show", "--", &self.name]).line();
        let finished = tool.ask(self.scope).map_err(|mut error| {
            if error.stage == tool.line() {
                error.stage = short;
            }
            error
        })?;
        let lines = finished.output.lines().filter_map(|line| line.split_once('='));
        Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The sockets, timers and paths that would start the unit again.
    fn triggers(&self) -> Vec<String> {
        let known = self.properties().unwrap_or_default();
        let units = known.get("TriggeredBy").map(String::as_str).unwrap_or_default();
        units.split_ascii_whitespace().map(str::to_owned).collect()
    }
}

fn is_there(known: &BTreeMap<String, String>) -> bool {
    known.get("LoadState").is_some_and(|state| state != "not-found")
}

impl Managed for Unit {
    fn host(&self) -> Host {
        Host::Systemd
    }

    fn address(&self) -> String {
        match self.scope {
            Scope::System => self.name.clone(),
            Scope::User => format!("{} (user)", self.name),
        }
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        let tool = |word: &str, units: Vec<String>| {
            let tool = self.systemctl(&[word, "--"]).args(units).within(limit);
            vec![tool]
        };
        let own = vec![self.name.clone()];
        match operation {
            Operation::Restart => tool("restart", own),
            // A socket or a timer would start it again after a stop, and is started with it again.
            Operation::Start | Operation::Stop => {
                tool(operation.name(), self.triggers().into_iter().chain(own).collect())
            }
            Operation::Reload => {
                let can = self
                    .properties()
                    .is_ok_and(|known| known.get("CanReload").is_some_and(|can| can == "yes"));
                if can { tool("reload", own) } else { Vec::new() }
            }
        }
    }

    fn state(&self) -> Result<HostState, StepError> {
        let known = self.properties()?;
        if is_there(&known) {
            Ok(state(&known))
        } else {
            Err(StepError::new("systemctl show", "no such unit").of(&self.name).status(1))
        }
    }

    fn signal_command(&self, signal: SignalName) -> Option<Tool> {
        Some(self.systemctl(&["kill", "--kill-who=main", "--signal", &signal.to_string(), "--", &self.name]))
    }

    fn log_command(&self, query: &LogQuery) -> Option<Command> {
        let tool = Tool::new("journalctl").with_variables(&["PAGER", "TERM", "XDG_RUNTIME_DIR"]);
        let unit = match self.scope {
            Scope::System => "--unit",
            Scope::User => "--user-unit",
        };
        tool.args(["--no-pager", "--quiet"]).args(journal_query(query)).args([unit, &self.name]).command()
    }

    fn contains_this_process(&self) -> bool {
        unit_of(svcadapt::internal::own_pid())
            .is_some_and(|own| own.name == self.name && own.scope == self.scope)
    }
}

/// Whether the system's manager runs a service of this name, and this process is not a part of it. systemd is not asked: an
/// active unit has a control group of its name.
pub fn is_active_unit(name: &ServiceName) -> bool {
    let file = format!("{name}.service");
    let is_active = || {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]
            .iter()
            .any(|root| Path::new(root).join("system.slice").join(&file).exists())
    };
    is_booted_with_systemd()
        && is_active()
        && unit_of(svcadapt::internal::own_pid()).is_none_or(|own| own.name != file)
}

/// The version of the installed systemd: `systemd 252 (252.38-1~deb12u1)` is 252.
pub fn version() -> Option<u32> {
    let answer = Tool::new("systemctl").args(["--version"]).succeed().ok()?.output;
    let word = answer.split_ascii_whitespace().nth(1)?;
    word.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The units of the system's manager or the user's.
pub(crate) struct Units {
    pub(crate) scope: Scope,
}

impl Units {
    fn unit(&self, name: &ServiceName) -> Unit {
        Unit { name: format!("{name}.service"), scope: self.scope }
    }

    /// Without a running manager, as in the making of an image or without a login, links are made all the same.
    fn runs(&self) -> bool {
        match self.scope {
            Scope::System => is_booted_with_systemd(),
            Scope::User => user_manager::runs(),
        }
    }

    /// `enable` or `disable`, also of the socket unit that was installed with the service.
    fn link(&self, name: &ServiceName, word: &str) -> Result<(), StepError> {
        let socket = format!("{name}.socket");
        let mut tool = Tool::of_manager(self.scope).args([word, "--", &format!("{name}.service")]);
        if self.directory()?.join(&socket).is_file() {
            tool = tool.args([socket]);
        }
        if !self.runs() {
            // Without it the manager would be asked.
            tool = tool.with("SYSTEMD_OFFLINE", "1".into());
        }
        tool.ask(self.scope).map(drop)
    }
}

impl Installer for Units {
    fn directory(&self) -> Result<PathBuf, StepError> {
        match self.scope {
            Scope::System => Ok(PathBuf::from("/etc/systemd/system")),
            Scope::User => Ok(xdg("XDG_CONFIG_HOME", ".config")?.join("systemd/user")),
        }
    }

    fn check_running(&self) -> Result<(), StepError> {
        match self.scope {
            _ if self.runs() => Ok(()),
            Scope::System => Err(StepError::new("start", "systemd does not run here").status(1)),
            Scope::User => Err(user_manager::missing()),
        }
    }

    fn reload(&self) -> Result<(), StepError> {
        if self.runs() {
            Tool::of_manager(self.scope).args(["daemon-reload"]).within(RELOAD_TIMEOUT).ask(self.scope)?;
        }
        Ok(())
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        self.link(name, "enable")
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        self.link(name, "disable")
    }

    /// The services of a user end with the last session unless the user lingers (loginctl(1)).
    fn note(&self) -> Option<StepError> {
        if self.scope == Scope::User { user_manager::keep_without_login() } else { None }
    }

    fn start_time(&self) -> StartTime {
        let with_login = self.scope == Scope::User && user_manager::linger() == Linger::Off;
        if with_login { StartTime::Login } else { StartTime::Boot }
    }

    /// A failed unit would be listed for ever.
    fn forget(&self, name: &ServiceName) -> Result<(), StepError> {
        self.clear_failures(name);
        Ok(())
    }

    /// The starts that `StartLimitBurst=` counts, too (systemctl(1), `reset-failed`).
    fn clear_failures(&self, name: &ServiceName) {
        if self.runs() {
            // It may not be loaded.
            let _ = self.unit(name).systemctl(&["reset-failed", "--", &format!("{name}.service")]).run();
        }
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        let unit = self.unit(name);
        let is_known = self.runs() && is_there(&unit.properties()?);
        Ok(is_known.then(|| ManagedService::new(unit)))
    }
}

/// What `systemctl show` prints, as a state.
fn state(known: &BTreeMap<String, String>) -> HostState {
    let value = |name: &str| known.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let number = |name: &str| value(name)?.parse::<u64>().ok().filter(|number| *number < u64::MAX);
    let phase = match (value("ActiveState"), value("SubState")) {
        (Some("active"), _) => RunPhase::Running,
        (Some("reloading"), _) => RunPhase::Reloading,
        (Some("activating"), Some("auto-restart" | "auto-restart-queued")) => RunPhase::Restarting,
        (Some("activating"), _) => RunPhase::Starting,
        (Some("deactivating"), _) => RunPhase::Stopping,
        (Some("failed"), _) => RunPhase::Failed(value("Result").unwrap_or("failed").to_owned()),
        _ => RunPhase::Stopped,
    };
    // waitid(2): CLD_EXITED, CLD_KILLED, CLD_DUMPED.
    let last_exit = match (value("ExecMainCode"), value("ExecMainStatus")) {
        (Some("1"), Some(status)) => Some(format!("exit status {status}")),
        (Some("2" | "3"), Some(signal)) => {
            signal.parse().ok().map(|signal: i32| svcadapt::internal::signal::name(signal))
        }
        _ => None,
    };
    HostState {
        pid: number("MainPID").filter(|pid| *pid > 0).and_then(|pid| pid.try_into().ok()),
        enabled: value("UnitFileState").and_then(|state| match state {
            "enabled" | "enabled-runtime" | "alias" | "linked" => Some(true),
            "disabled" | "masked" | "masked-runtime" => Some(false),
            _ => None,
        }),
        since: number("StateChangeTimestampMonotonic")
            .filter(|at| *at > 0)
            .and_then(|at| svcadapt::internal::procfs::uptime().ok()?.checked_sub(Duration::from_micros(at))),
        text: value("StatusText").map(str::to_owned),
        restarts: number("NRestarts").and_then(|times| times.try_into().ok()),
        last_exit,
        memory: number("MemoryCurrent"),
        tasks: number("TasksCurrent"),
        ..HostState::of(phase, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> HostState {
        state(
            &text
                .lines()
                .filter_map(|line| line.split_once('='))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn properties_of_systemctl_become_a_state() {
        let running = read(
            "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=17\nUnitFileState=enabled\nNRestarts=2\n\
             ExecMainCode=0\nExecMainStatus=0\nStatusText=at work\nMemoryCurrent=4096\nTasksCurrent=[not set]\n",
        );
        assert_eq!((running.phase, running.pid, running.enabled), (RunPhase::Running, Some(17), Some(true)));
        assert_eq!((running.text.as_deref(), running.restarts), (Some("at work"), Some(2)));
        assert_eq!((running.memory, running.tasks, running.last_exit), (Some(4096), None, None));
        let failed = read(
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nMainPID=0\nResult=signal\nExecMainCode=2\n\
             ExecMainStatus=9\nMemoryCurrent=18446744073709551615\n",
        );
        assert_eq!(failed.phase, RunPhase::Failed("signal".to_owned()));
        assert_eq!((failed.pid, failed.memory, failed.last_exit.as_deref()), (None, None, Some("SIGKILL")));
        let waits = read("LoadState=loaded\nActiveState=activating\nSubState=auto-restart\n");
        assert_eq!((waits.phase, waits.enabled), (RunPhase::Restarting, None));
    }
}
