//! Waiting for a manager whose tool does not wait, or not as long as a service may take.

use std::thread;
use std::time::{Duration, Instant};

use svcadapt::StepError;

use super::service::Managed;
use super::{HostState, Operation, RunPhase};

/// How long a start is waited for at most: these managers have no limit of their own, and a program that does not report its
/// readiness would be waited for without end. (systemd's own default, systemd-system.conf(5).)
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// The limit for this operation.
pub(crate) fn limited(operation: Operation, limit: Duration) -> Duration {
    match operation {
        Operation::Start | Operation::Restart => limit.min(START_TIMEOUT),
        Operation::Stop | Operation::Reload => limit,
    }
}

/// The pause between two looks at a service whose tool does not wait.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until a service is as it was asked for, for managers whose tools do not wait.
pub(crate) fn settle(
    service: &dyn Managed,
    operation: Operation,
    before: &HostState,
    limit: Duration,
) -> Result<(), StepError> {
    let limit = limited(operation, limit);
    let mut now = before.clone();
    let mut failure = None;
    let is_done = || match service.state() {
        Ok(state) => {
            now = state;
            match operation {
                Operation::Start => now.phase == RunPhase::Running,
                Operation::Stop => now.phase.is_over(),
                Operation::Restart => now.phase == RunPhase::Running && now.pid != before.pid,
                Operation::Reload => true,
            }
        }
        Err(error) => {
            failure = Some(error);
            true
        }
    };
    let done = wait_until(limit, is_done);
    match failure {
        Some(error) => Err(error),
        None if done => Ok(()),
        None => {
            let cause = format!("it is {} after {} s", now.phase.name(), limit.as_secs());
            Err(StepError::new(operation.name(), cause).of(service.address()).status(1))
        }
    }
}

/// Whether this becomes true in time.
pub(crate) fn wait_until(limit: Duration, mut is_done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now().checked_add(limit);
    loop {
        if is_done() {
            return true;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return false;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the manager's tool gives no event, and is asked again"
        )]
        thread::sleep(PAUSE);
    }
}
