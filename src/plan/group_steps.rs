//! The steps that give a service its control group; none if it has none of its own.

use super::{LaunchStep, Resolution, SetupStep, Step};

/// What comes before the first fork: what is forked later is in the leaf, too.
pub(super) fn before_fork(resolved: &Resolution) -> Option<Step> {
    let group = resolved.control_group.as_ref().filter(|group| !group.enable.is_empty())?;
    Some(Step::Launcher(LaunchStep::GiveControllers(group.clone())))
}

/// The group is created by the process that holds the lock, so that no other instance uses its name.
pub(super) fn in_launcher(resolved: &Resolution) -> Option<Step> {
    Some(Step::Launcher(LaunchStep::ControlGroup(resolved.control_group.clone()?)))
}

/// What the process that becomes the program does, where the launcher holds the lock or not.
pub(super) fn in_service(resolved: &Resolution, launcher_locks: bool) -> Option<Step> {
    let group = resolved.control_group.clone()?;
    Some(Step::Service(if launcher_locks {
        SetupStep::EnterControlGroup(group.path)
    } else {
        SetupStep::ControlGroup(group)
    }))
}

/// A command runs beside the program: the group is there.
pub(super) fn of_command(step: Step) -> Step {
    match step {
        Step::Service(SetupStep::ControlGroup(group)) => {
            Step::Service(SetupStep::EnterControlGroup(group.path))
        }
        step => step,
    }
}
