//! The conditions and assertions of a start, checked before anything else is done.

use super::outcome::Outcome;
use super::start::Start;
use crate::conditions;
use crate::conditions::Verdict;
use crate::error::{StepError, tell};
use crate::plan::LaunchStep;
use crate::sys::escape_control;

/// The exit status of a start whose assertion is not met, as of `systemctl start`.
const ASSERTION_FAILED: u8 = 1;

/// What a service says that is not started. `None`: it is started.
pub(super) fn refusal(start: &Start<'_>) -> Option<Outcome> {
    match verdict(start) {
        Verdict::Met => None,
        Verdict::Skipped(condition) => Some(Outcome::Skipped(not_started(start, &condition))),
        Verdict::Failed(assertion) => Some(not_started(start, &assertion).into()),
    }
}

/// Decides about a start, and names what cannot be checked.
pub(super) fn verdict(start: &Start<'_>) -> Verdict {
    let asks = start.plan.launch_steps().any(|step| matches!(step, LaunchStep::Conditions(_)));
    if !asks {
        return Verdict::Met;
    }
    conditions::check(start.spec, &start.resolved.inherited, |line| tell(&escape_control(&line)))
}

/// A condition or assertion, named as in a unit, is not met.
pub(super) fn not_started(start: &Start<'_>, condition: &str) -> StepError {
    let cause = format!("not started: {condition} is not met");
    StepError::about("start", start.name(), cause, ASSERTION_FAILED)
}
