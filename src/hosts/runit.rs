//! runit: sv(8).

use std::path::PathBuf;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt_spec::ServiceName;

use super::scanned::Scanner;
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::settle::limited;
use super::supervision::{Directory, seconds};
use super::tool::Tool;
use super::{HostState, ManagedService, Operation, RunPhase, StartTime};

/// A service directory.
#[derive(Debug)]
pub(crate) struct RunitService(pub(crate) Directory);

impl Managed for RunitService {
    fn host(&self) -> Host {
        Host::Runit
    }

    fn address(&self) -> String {
        self.0.address()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        if operation == Operation::Reload {
            return Vec::new();
        }
        let limit = limited(operation, limit);
        let tool = Tool::new("sv").args(["-w", &seconds(limit), operation.name()]);
        // sv ends by itself in time.
        vec![tool.args([&self.0.path]).within(limit + Duration::from_secs(5))]
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool = Tool::new("sv").args(["status"]).args([&self.0.path]);
        // The status is 3 for a service that is down (LSB).
        let finished = tool.run()?;
        let state = state(&finished.output, &self.address()).ok_or_else(|| tool.failure(&finished))?;
        Ok(HostState { enabled: Some(self.0.is_enabled()), ..state })
    }

    fn contains_this_process(&self) -> bool {
        self.0.contains_this_process()
    }
}

const SCANNER: Scanner = Scanner { program: "runsvdir", directory: "/etc/sv" };

/// The directory that runsvdir scans.
pub(crate) fn scanned_directory() -> Option<PathBuf> {
    SCANNER.scanned()
}

/// The service directories of the machine.
pub(crate) struct RunitDirectories;

impl Installer for RunitDirectories {
    fn directory(&self) -> Result<PathBuf, StepError> {
        Ok(SCANNER.directory.into())
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER.enable(name, |_| Ok(()))
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER.disable(name)
    }

    fn forget(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER
            .forget(name, |_, directory| Tool::new("sv").args(["exit"]).args([directory]).succeed().map(drop))
    }

    fn start_time(&self) -> StartTime {
        StartTime::Boot
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(SCANNER.service(name))
    }
}

/// The answer of `sv status`: `run: DIRECTORY: (pid 17) 3s, want down, got TERM; run: log: …`.
fn state(answer: &str, directory: &str) -> Option<HostState> {
    let (word, rest) = answer.split_once(": ")?;
    let rest = rest.strip_prefix(directory)?.strip_prefix(": ")?;
    let rest = rest.split(';').next()?.trim();
    let pid = rest.strip_prefix("(pid ").and_then(|rest| rest.split(')').next()?.parse().ok());
    let seconds = rest.split([' ', ',']).find_map(|part| part.strip_suffix('s')?.parse().ok());
    let phase = match word {
        "run" if rest.contains("want down") => RunPhase::Stopping,
        "run" => RunPhase::Running,
        "finish" | "down" if rest.contains("want up") => RunPhase::Restarting,
        "finish" => RunPhase::Stopping,
        "down" => RunPhase::Stopped,
        _ => return None,
    };
    Some(HostState { since: seconds.map(Duration::from_secs), ..HostState::of(phase, pid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_sv_status_becomes_a_state() {
        for (answer, phase, pid) in [
            ("run: /etc/service/web: (pid 17) 3s\n", RunPhase::Running, Some(17)),
            ("run: /etc/service/web: (pid 17) 3s; run: log: (pid 18) 3s\n", RunPhase::Running, Some(17)),
            ("run: /etc/service/web: (pid 17) 3s, want down, got TERM\n", RunPhase::Stopping, Some(17)),
            ("down: /etc/service/web: 3s, normally up\n", RunPhase::Stopped, None),
            ("down: /etc/service/web: 1s, normally up, want up\n", RunPhase::Restarting, None),
        ] {
            let state = state(answer, "/etc/service/web").unwrap();
            assert_eq!((state.phase, state.pid), (phase, pid), "{answer}");
            assert!(state.since.is_some(), "{answer}");
        }
        assert!(
            state("fail: /etc/service/web: unable to change to service directory", "/etc/service/web")
                .is_none()
        );
    }
}
