//! OpenRC: rc-service(8) and the state below /run/openrc.

use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::detect::Manager;
use svcadapt::internal::{Supervisor, own_pid, supervisor_of};
use svcadapt_spec::ServiceName;

use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::tool::{Tool, is_installed};
use super::{HostState, ManagedService, Operation, RunPhase, StartTime};

/// A service script in /etc/init.d.
#[derive(Debug)]
pub(crate) struct OpenRcScript {
    name: String,
}

impl OpenRcScript {
    /// The service of a supervise-daemon, which has its name as the first argument.
    pub(crate) fn of(supervisor: &Supervisor) -> Option<Self> {
        let name = supervisor.command_line.get(1).filter(|name| !name.starts_with('-'))?;
        Some(Self { name: name.clone() })
    }

    /// The script of this name, if `OpenRC` runs here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let script = Self { name: name.to_owned() };
        let runs = Path::new("/run/openrc").is_dir() && is_installed("rc-service");
        (runs && script.rc_service(&["--exists"]).run().ok()?.status.success()).then_some(script)
    }

    /// The script of this name, if `OpenRC` has started it.
    pub(crate) fn started(name: &str) -> Option<Self> {
        let link = Path::new("/run/openrc/started").join(name);
        (link.symlink_metadata().is_ok() && is_installed("rc-service"))
            .then(|| Self { name: name.to_owned() })
    }

    fn rc_service(&self, options: &[&str]) -> Tool {
        Tool::new("rc-service").args(options).args([&self.name])
    }
}

impl Managed for OpenRcScript {
    fn host(&self) -> Host {
        Host::OpenRc
    }

    fn address(&self) -> String {
        self.name.clone()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        let tool = Tool::new("rc-service").args(["--nocolor", &self.name, operation.name()]).within(limit);
        match operation {
            Operation::Start | Operation::Stop | Operation::Restart => vec![tool],
            Operation::Reload => {
                let described = Tool::new("rc-service").args(["--nocolor", &self.name, "describe"]).run();
                let has = described.is_ok_and(|described| described.output.contains(" reload:"));
                if has { vec![tool] } else { Vec::new() }
            }
        }
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool = Tool::new("rc-service").args(["--nocolor", &self.name, "status"]);
        let finished = tool.run()?;
        let phase = phase(finished.status.code(), &finished.output).ok_or_else(|| tool.failure(&finished))?;
        let runlevels = Path::new("/etc/runlevels").read_dir().into_iter().flatten().flatten();
        let enabled =
            runlevels.into_iter().any(|level| level.path().join(&self.name).symlink_metadata().is_ok());
        Ok(HostState { enabled: Some(enabled), ..HostState::of(phase, None) })
    }

    fn contains_this_process(&self) -> bool {
        let supervised = supervisor_of(own_pid())
            .filter(|own| own.manager == Manager::OpenRc)
            .is_some_and(|own| own.command_line.get(1) == Some(&self.name));
        // A script of OpenRC that runs `svcadapt stop` has this variable (openrc-run(8)).
        supervised || std::env::var_os("RC_SVCNAME").is_some_and(|name| *name == *self.name)
    }
}

/// The scripts of the machine.
pub(crate) struct OpenRcScripts;

/// The runlevel of ordinary services.
const RUNLEVEL: &str = "default";

impl Installer for OpenRcScripts {
    fn directory(&self) -> Result<PathBuf, StepError> {
        Ok(PathBuf::from("/etc/init.d"))
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        Tool::new("rc-update").args(["add", name.as_str(), RUNLEVEL]).succeed().map(drop)
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        Tool::new("rc-update").args(["--all", "del", name.as_str()]).succeed().map(drop)
    }

    fn start_time(&self) -> StartTime {
        StartTime::Boot
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(OpenRcScript::named(name.as_str()).map(ManagedService::new))
    }
}

/// The exit status of `status`: 0 started, 3 stopped, 32 crashed; and its line: ` * status: started`.
fn phase(status: Option<i32>, output: &str) -> Option<RunPhase> {
    let word = output.lines().find_map(|line| line.split_once("status: ")).map(|(_, word)| word.trim());
    Some(match (word, status) {
        (Some("starting"), _) => RunPhase::Starting,
        (Some("stopping"), _) => RunPhase::Stopping,
        // A script with a status of its own answers by the LSB.
        (Some("started"), _) | (_, Some(0)) => RunPhase::Running,
        (Some("stopped"), _) | (_, Some(3)) => RunPhase::Stopped,
        (Some("crashed"), _) | (_, Some(1 | 2 | 32)) => RunPhase::Failed("crashed".to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_rc_service_becomes_a_phase() {
        assert_eq!(phase(Some(0), " * status: started\n"), Some(RunPhase::Running));
        assert_eq!(phase(Some(3), " * status: stopped\n"), Some(RunPhase::Stopped));
        assert_eq!(phase(Some(32), " * status: crashed\n"), Some(RunPhase::Failed("crashed".to_owned())));
        assert_eq!(phase(Some(0), "web is running\n"), Some(RunPhase::Running));
        assert_eq!(phase(Some(64), ""), None);
    }
}
