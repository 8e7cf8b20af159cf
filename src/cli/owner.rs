//! Who has a service: a manager of this machine, or svcadapt itself.

use svcadapt::StepError;
use svcadapt::control::{RunState, ServiceRef, Status};
use svcadapt_hosts::ManagedService;

/// Who has a service.
#[derive(Debug)]
pub(crate) enum Owner {
    /// svcadapt, or no manager: the service does not run, or nothing above it would start it again.
    Svcadapt,
    /// A manager, which starts it again after any other stop.
    Manager(ManagedService),
}

/// Finds who has a service: the manager that has started its process or, if it does not run, the one that has its name.
///
/// A command of a service that asks for this very service asks svcadapt: its manager waits for the command.
pub(crate) fn owner(target: &ServiceRef, found: &Status) -> Result<Owner, StepError> {
    let managed = match (&found.state, target) {
        (RunState::Running(main, _), _) => svcadapt_hosts::of_process(found.first.unwrap_or(*main), *main)
            .map_err(unknown)?
            .or_else(|| svcadapt_hosts::started_as(found.name.as_deref()?)),
        (RunState::Dead(_) | RunState::NotRunning, ServiceRef::Name(name)) => {
            let mut all = svcadapt_hosts::named(name.as_str()).map_err(unknown)?;
            // What has a record of svcadapt was not started by a script that does not use it.
            all.retain(|managed| found.state == RunState::NotRunning || !managed.is_foreign());
            only(all, target)?
        }
        (RunState::Dead(_) | RunState::NotRunning | RunState::Unknown(_), _) => None,
    };
    let managed = managed.filter(|managed| !managed.contains_this_process());
    Ok(managed.map_or(Owner::Svcadapt, Owner::Manager))
}

/// Exit status: unknown (LSB).
const UNKNOWN: u8 = 4;

/// A manager that does not answer may have the service.
fn unknown(error: StepError) -> StepError {
    let hint = error.hint.clone().unwrap_or_else(|| "its manager has to answer first".to_owned());
    error.status(UNKNOWN).hint(hint)
}

fn only(mut all: Vec<ManagedService>, target: &ServiceRef) -> Result<Option<ManagedService>, StepError> {
    if all.len() <= 1 {
        return Ok(all.pop());
    }
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    let cause = format!("{} managers have a service of this name: {}", all.len(), names.join("; "));
    let hint = "use the command of the manager that is meant";
    Err(StepError::new("service", cause).of(target.to_string()).hint(hint).status(1))
}
