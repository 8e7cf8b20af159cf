//! Waiting for a manager whose tool does not wait, or not as long as a service may take.

use std::thread;
use std::time::{Duration, Instant};

use svcadapt::StepError;

use super::service::Managed;
use super::{Action, HostState, RunPhase};

/// How long a start is waited for at most: these managers have no limit of their own, and a program that does not report its
/// readiness would be waited for without end. (systemd's own default, systemd-system.conf(5).)
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// The limit for this action.
pub(crate) fn limited(action: Action, limit: Duration) -> Duration {
    match action {
        Action::Start | Action::Restart => limit.min(START_TIMEOUT),
        Action::Stop | Action::Reload => limit,
    }
}

/// The pause between two looks at a service whose tool does not wait.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until a service is as it was asked for, for managers whose tools do not wait.
pub(crate) fn settle(
    service: &impl Managed,
    action: Action,
    before: &HostState,
    limit: Duration,
) -> Result<(), StepError> {
    let limit = limited(action, limit);
    let deadline = Instant::now() + limit;
    loop {
        let now = service.state()?;
        let is_done = match action {
            Action::Start => now.phase == RunPhase::Running,
            Action::Stop => now.phase.is_over(),
            Action::Restart => now.phase == RunPhase::Running && now.pid != before.pid,
            Action::Reload => true,
        };
        if is_done {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let cause = format!("it is {} after {} s", now.phase.name(), limit.as_secs());
            return Err(StepError::new(action.name(), cause).of(service.address()).status(1));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the manager's tool gives no event, and is asked again"
        )]
        thread::sleep(PAUSE);
    }
}
