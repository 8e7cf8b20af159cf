//! daemontools: svc(8) and svstat(8).

use std::time::Duration;

use svcadapt::StepError;

use super::service::{Host, Managed};
use super::supervision::Directory;
use super::tool::Tool;
use super::{HostState, Operation, RunPhase};

/// A service directory.
#[derive(Debug)]
pub(crate) struct DaemontoolsService(pub(crate) Directory);

impl Managed for DaemontoolsService {
    fn host(&self) -> Host {
        Host::Daemontools
    }

    fn address(&self) -> String {
        self.0.address()
    }

    fn commands(&self, operation: Operation, _limit: Duration) -> Vec<Tool> {
        let flag = match operation {
            Operation::Start => "-u",
            Operation::Stop => "-d",
            // The signal ends it, and supervise starts it again.
            Operation::Restart => "-t",
            Operation::Reload => return Vec::new(),
        };
        vec![Tool::new("svc").args([flag]).args([&self.0.path])]
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool = Tool::new("svstat").args([&self.0.path]);
        let finished = tool.succeed()?;
        let state = state(&finished.output, &self.address()).ok_or_else(|| tool.failure(&finished))?;
        Ok(HostState { enabled: Some(self.0.is_enabled()), ..state })
    }

    fn returns_early(&self, _action: Operation) -> bool {
        true
    }

    fn contains_this_process(&self) -> bool {
        self.0.contains_this_process()
    }
}

/// The answer of svstat: `DIRECTORY: up (pid 17) 3 seconds, want down` or `DIRECTORY: down 3 seconds, normally up`.
fn state(answer: &str, directory: &str) -> Option<HostState> {
    let rest = answer.trim_end().strip_prefix(directory)?.strip_prefix(": ")?;
    let seconds = |text: &str| text.split(' ').next()?.parse().ok().map(Duration::from_secs);
    let (phase, pid, since) = if let Some(up) = rest.strip_prefix("up (pid ") {
        let (pid, since) = up.split_once(") ")?;
        let phase = if rest.contains("want down") { RunPhase::Stopping } else { RunPhase::Running };
        (phase, pid.parse().ok(), seconds(since))
    } else {
        let down = rest.strip_prefix("down ")?;
        let phase = if rest.contains("want up") { RunPhase::Restarting } else { RunPhase::Stopped };
        (phase, None, seconds(down))
    };
    Some(HostState { since, ..HostState::of(phase, pid) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_svstat_becomes_a_state() {
        for (answer, phase, pid) in [
            ("/service/web: up (pid 17) 3 seconds\n", RunPhase::Running, Some(17)),
            ("/service/web: up (pid 17) 3 seconds, want down\n", RunPhase::Stopping, Some(17)),
            ("/service/web: down 3 seconds, normally up\n", RunPhase::Stopped, None),
            ("/service/web: down 0 seconds, normally up, want up\n", RunPhase::Restarting, None),
        ] {
            let state = state(answer, "/service/web").unwrap();
            assert_eq!((state.phase, state.pid), (phase, pid), "{answer}");
            assert!(state.since.is_some(), "{answer}");
        }
        assert!(state("/service/web: supervise not running\n", "/service/web").is_none());
    }
}
