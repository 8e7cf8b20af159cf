//! s6: s6-svc and s6-svstat.

use std::path::PathBuf;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt_spec::ServiceName;

use super::scanned::Scanner;
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::settle::limited;
use super::supervision::Directory;
use super::tool::Tool;
use super::{HostState, ManagedService, Operation, RunPhase, StartTime};

/// A service directory.
#[derive(Debug)]
pub(crate) struct S6Service(pub(crate) Directory);

impl S6Service {
    /// Whether the service reports its readiness.
    fn notifies(&self) -> bool {
        self.0.path.join("notification-fd").exists()
    }
}

impl Managed for S6Service {
    fn host(&self) -> Host {
        Host::S6
    }

    fn address(&self) -> String {
        self.0.address()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        let limit = limited(operation, limit);
        let svc = |wait: &str, command: &str| {
            let tool = Tool::new("s6-svc").args([wait, "-T", &limit.as_millis().to_string(), command, "--"]);
            // s6-svc ends by itself in time.
            tool.args([&self.0.path]).within(limit + Duration::from_secs(5))
        };
        let start = || svc(if self.notifies() { "-wU" } else { "-wu" }, "-u");
        let stop = || svc("-wD", "-d");
        match operation {
            Operation::Start => vec![start()],
            Operation::Stop => vec![stop()],
            // Not `-r`: a finish script that keeps an ended service down cannot tell it from an end.
            Operation::Restart => vec![stop(), start()],
            Operation::Reload => Vec::new(),
        }
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool =
            Tool::new("s6-svstat").args(["-o", "up,wantedup,ready,pid,updownfor,exitcode,signum", "--"]);
        let finished = tool.args([&self.0.path]).succeed()?;
        let notifies = self.notifies();
        let state = state(&finished.output, notifies).ok_or_else(|| {
            StepError::new("s6-svstat", format!("unexpected answer {:?}", finished.output.trim()))
                .of(self.address())
                .status(1)
        })?;
        Ok(HostState { enabled: Some(self.0.is_enabled()), ..state })
    }

    fn contains_this_process(&self) -> bool {
        self.0.contains_this_process()
    }
}

const SCANNER: Scanner = Scanner { program: "s6-svscan", directory: "/etc/s6/sv" };

/// The directory that s6-svscan scans.
pub(crate) fn scanned_directory() -> Option<PathBuf> {
    SCANNER.scanned()
}

/// The service directories of the machine.
pub(crate) struct S6Directories;

impl Installer for S6Directories {
    fn directory(&self) -> Result<PathBuf, StepError> {
        Ok(SCANNER.directory.into())
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER.enable(name, |scanned| {
            Tool::new("s6-svscanctl").args(["-a"]).args([scanned]).succeed().map(drop)
        })
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER.disable(name)
    }

    fn forget(&self, name: &ServiceName) -> Result<(), StepError> {
        SCANNER.forget(name, |scanned, _| {
            Tool::new("s6-svscanctl").args(["-an"]).args([scanned]).succeed().map(drop)
        })
    }

    /// An init may make the scanned directory anew at each boot, of what s6-rc or it has elsewhere.
    fn note(&self) -> Option<StepError> {
        let scanned = lost_at_boot()?.display().to_string();
        let error = StepError::new("boot", "its links are lost at the end of this boot").of(scanned);
        let hint = format!(
            "link {}/NAME where the init has its own services, or write a source definition for s6-rc",
            SCANNER.directory
        );
        Some(error.hint(hint))
    }

    fn start_time(&self) -> StartTime {
        if lost_at_boot().is_some() { StartTime::Never } else { StartTime::Boot }
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(SCANNER.service(name))
    }
}

/// The scanned directory, if it is below /run.
fn lost_at_boot() -> Option<PathBuf> {
    SCANNER.scanned().filter(|scanned| scanned.starts_with("/run"))
}

/// The answer of s6-svstat: `true true false 123 17 -1 0`.
fn state(answer: &str, notifies: bool) -> Option<HostState> {
    let words: Vec<&str> = answer.split_ascii_whitespace().collect();
    let [up, wanted, ready, pid, since, exit, signal] = words.as_slice() else { return None };
    let is = |word: &str| word == "true";
    let phase = match (is(up), is(wanted)) {
        (true, true) if notifies && !is(ready) => RunPhase::Starting,
        (true, true) => RunPhase::Running,
        (true, false) => RunPhase::Stopping,
        (false, true) => RunPhase::Restarting,
        (false, false) => RunPhase::Stopped,
    };
    let last_exit = match (exit.parse::<i32>().ok()?, signal.parse::<i32>().ok()?) {
        _ if is(up) => None,
        (_, signal) if signal > 0 => Some(svcadapt::internal::signal::name(signal)),
        (exit, _) if exit >= 0 => Some(format!("exit status {exit}")),
        _ => None,
    };
    Some(HostState {
        since: since.parse().ok().map(Duration::from_secs),
        last_exit,
        ..HostState::of(phase, pid.parse().ok().filter(|pid| *pid > 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_s6_svstat_becomes_a_state() {
        for (answer, notifies, phase, pid) in [
            ("true true true 17 3 -1 0\n", true, RunPhase::Running, Some(17)),
            ("true true false 17 3 -1 0\n", true, RunPhase::Starting, Some(17)),
            ("true true false 17 3 -1 0\n", false, RunPhase::Running, Some(17)),
            ("true false false 17 3 -1 0\n", false, RunPhase::Stopping, Some(17)),
            ("false true false -1 3 1 0\n", false, RunPhase::Restarting, None),
            ("false false false -1 3 0 15\n", false, RunPhase::Stopped, None),
        ] {
            let state = state(answer, notifies).unwrap();
            assert_eq!((state.phase, state.pid), (phase, pid), "{answer}");
        }
        assert_eq!(
            state("false false false -1 3 0 15", false).unwrap().last_exit.as_deref(),
            Some("SIGTERM")
        );
        assert!(state("", false).is_none() && state("up (pid 17) 3 seconds", false).is_none());
    }
}
