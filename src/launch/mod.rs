//! LAUNCHING a program and waiting for it: until the result of the start is known, and longer only if a monitor is needed.
//!
//! * [`Strategy::Daemonize`]: forks twice; the first process waits until the service is ready or has failed.
//! * [`Strategy::Exec`]: becomes the program. If the manager waits for a readiness that the program does not report
//!   itself, a helper reports it and exits.
//! * [`Strategy::ReportMainPid`]: starts a program that forks itself into the background, reports its main process to the
//!   manager, and exits.
//! * [`Strategy::Monitor`], and [`Strategy::Init`] as process 1 of a container: reaps orphans and forwards signals until
//!   the program ends.
//!
//! # Between fork and exec
//!
//! A forked process may do little before its exec, or if none follows; on macOS it must not use frameworks or talk to other
//! processes behind our back (fork(2), CAVEATS). So accounts, the program and launchd's sockets are looked up and the spec
//! is read before the first fork. After it come only system calls, and the memory of a process that had one thread and
//! therefore no locked mutex. One call does more: on macOS initgroups(3) asks a directory service for a user in more than
//! 16 groups, between fork and exec, as in cron(8).
//!
//! A program that becomes the service in place has no exec, and its libraries are unknown. If the system demands it
//! ([`Plan::with_reexec`]), the program is re-executed right after the forks: before the root directory changes and
//! privileges are dropped, so that its file is found and readable as the first time. All other steps are done after the
//! re-exec, by a process in which every library may be used.

#![forbid(unsafe_code)]

mod classic;
mod conditions;
mod detached;
mod forward;
mod helper;
mod intermediate;
mod life;
mod machine;
mod main_pid;
mod outcome;
mod policy;
mod ready_notifier;
mod reload;
mod role;
mod start;
mod stderr_log;
mod terminate;
mod watch;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;

use life::Waiter;
pub use life::{KILL_TIMEOUT, ReloadFailure, StopPurpose, Unattended};
pub use outcome::{NOT_IN_TIME, Outcome, StderrTail};
pub use policy::{DEFAULT_START_TIMEOUT, probes_again};
pub use role::Role;
pub use start::Progress;
use start::Start;
use svcadapt_spec::{ServiceName, ServiceSpec};

use crate::detect::{Detection, Manager, Mode};
use crate::error::{StepError, USAGE};
use crate::plan::{LaunchStep, Plan, Resolution, StepLabel, Strategy};
pub use crate::readiness::ProgramErrors;
use crate::registry::Found;
use crate::setup::{ServiceProcess, service_label};
use crate::sys::{descendants, process};
use crate::{registry, setup};

/// Decides on the control group of a service, and notes what is not possible. Below systemd the limits are the unit's.
pub fn find_control_group(spec: &ServiceSpec, detection: &Detection, resolved: &mut Resolution) {
    if detection.mode != Mode::Supervised || detection.manager != Manager::Systemd {
        setup::find_control_group(spec, resolved);
    }
}

/// Verifies that the plan can be carried out on this system. Changes nothing.
///
/// Without a subreaper, a forking program cannot be tracked: neither its readiness nor, after a failure, the end of
/// all its processes could be guaranteed.
pub fn check(plan: &Plan) -> Result<(), StepError> {
    if let Some(step) = plan.launch_steps().find(|step| !performs(plan.strategy, step)) {
        return Err(StepError::at(step, "the launcher of this plan does not perform this step"));
    }
    if descendants::HAS_SUBREAPER {
        return Ok(());
    }
    if plan.has(&LaunchStep::MainProcess(None)) {
        let cause = "on this system a main process can be found only by its pid file";
        return Err(StepError::about("type", "forking", cause, USAGE)
            .hint("use --pid-file for the file to which the program writes its pid"));
    }
    let forking = plan.launch_steps().any(|step| matches!(step, LaunchStep::MainProcess(_)));
    if plan.strategy != Strategy::Daemonize || !forking {
        return Ok(());
    }
    let cause = "this system cannot track a program that forks itself into the background";
    Err(StepError::about("type", "forking", cause, USAGE)
        .hint("use the program's option to stay in the foreground"))
}

/// Whether the launcher of this strategy performs a step.
fn performs(strategy: Strategy, step: &LaunchStep) -> bool {
    let stays = strategy.stays();
    let daemonizes = matches!(strategy, Strategy::Daemonize | Strategy::DaemonMonitor);
    match step {
        LaunchStep::Conditions(_) | LaunchStep::NotifySocket | LaunchStep::GiveControllers(_) => true,
        LaunchStep::AdoptOrphans
        | LaunchStep::ControlGroup(_)
        | LaunchStep::Lock { .. }
        | LaunchStep::Fork
        | LaunchStep::MainProcess(_) => strategy != Strategy::Exec,
        LaunchStep::KeepIntermediate => strategy == Strategy::Daemonize,
        LaunchStep::NewSession | LaunchStep::ForkAgain => daemonizes,
        LaunchStep::Reexec(_) => stays || strategy == Strategy::Daemonize,
        LaunchStep::ReadinessHelper | LaunchStep::WatchdogHelper => strategy == Strategy::Exec,
        LaunchStep::HandOver => strategy == Strategy::ReportMainPid,
        LaunchStep::Monitor(_) | LaunchStep::Listen(_) | LaunchStep::SocketCommand { .. } => stays,
    }
}

/// Starts a service. If that means to become the program, it returns only on failure.
pub fn start(spec: &ServiceSpec, plan: &Plan, resolved: &Resolution, progress: Progress<'_>) -> Outcome {
    if let Err(failure) = check(plan) {
        return failure.into();
    }
    if let Some(failure) = running_already(spec, resolved) {
        return failure.into();
    }
    let mut start = Start::new(spec, plan, resolved);
    start.progress = progress;
    if let Some(outcome) = conditions::refusal(&start) {
        return outcome;
    }
    if let Err(failure) = give_controllers(plan) {
        return failure.into();
    }
    let divided = match plan.strategy {
        Strategy::Daemonize => classic::daemonize(&start),
        Strategy::DaemonMonitor => detached::daemonize(&start),
        Strategy::Monitor | Strategy::Init => life::run(&start, Waiter::Manager),
        Strategy::Exec => return helper::become_program(&start),
        Strategy::ReportMainPid => return main_pid::start(&start),
    };
    match divided {
        Role::Launcher(outcome) => outcome,
        Role::Service(mut service) => process::exit_now(service.become_program(plan).status),
    }
}

/// Lets control groups below this process's own have the controllers that the service needs.
fn give_controllers(plan: &Plan) -> Result<(), StepError> {
    let step = plan.launch_steps().find_map(|step| match step {
        LaunchStep::GiveControllers(group) => Some((step, group)),
        _ => None,
    });
    step.map_or(Ok(()), |(step, group)| setup::give_controllers(step, group))
}

/// Continues a monitor, if the arguments are those of a monitor's later image.
pub fn resume_monitor(arguments: &[OsString]) -> Option<Outcome> {
    life::resume(arguments)
}

/// Forks as the strategy demands, for a program that becomes the service in place ([`Plan::becoming_this_program`]). Returns in
/// the process that becomes the service and in the launcher.
pub fn divide<'a>(spec: &'a ServiceSpec, plan: &'a Plan, resolved: &'a Resolution) -> Role<'a> {
    let refused = check(plan).err().or_else(|| running_already(spec, resolved));
    if let Some(failure) = refused.or_else(|| give_controllers(plan).err()) {
        return Role::Launcher(failure.into());
    }
    let start = Start::new(spec, plan, resolved);
    match plan.strategy {
        Strategy::Daemonize => classic::daemonize(&start),
        Strategy::DaemonMonitor => detached::daemonize(&start),
        Strategy::Monitor | Strategy::Init => life::run(&start, Waiter::Manager),
        // A program that becomes the service in place does not fork itself away.
        Strategy::Exec | Strategy::ReportMainPid => {
            Role::Service(ServiceProcess::new(spec, resolved, start.environment(), process::own_pid()))
        }
    }
}

/// Continues after a re-exec of the program in the process for which [`divide`] returned [`Role::Service`].
/// `listener` is the pipe to the process that waits for reports.
pub fn resume<'a>(
    spec: &'a ServiceSpec,
    plan: &'a Plan,
    resolved: &'a Resolution,
    listener: OwnedFd,
) -> ServiceProcess<'a> {
    let start = Start::new(spec, plan, resolved);
    // If a process waits for this one, it is the parent.
    let mut service = ServiceProcess::new(spec, resolved, start.environment(), process::parent_pid());
    service.report_to(listener);
    service
}

/// Returns an error if the service is already running. This early check keeps a losing start from changing anything;
/// the lock decides later.
pub fn running_already(spec: &ServiceSpec, resolved: &Resolution) -> Option<StepError> {
    running_with(&service_label(spec), resolved.lock.as_deref()?)
}

/// Whether a service of this name is running.
pub fn is_running(name: &ServiceName) -> bool {
    let lock = registry::path(Some(name), None);
    lock.and_then(|lock| running_with(name.as_str(), &lock))
        .is_some_and(|failure| failure.status == setup::ALREADY_RUNNING)
}

fn running_with(label: &str, lock: &Path) -> Option<StepError> {
    let name = lock.file_name()?;
    let mut all = vec![lock.to_owned()];
    // It may have been started from a fallback directory, or by an earlier version.
    for place in registry::own_directories() {
        match place.is_there() {
            Ok(true) => all.push(place.path.join(name)),
            Ok(false) => {}
            Err(unusable) => {
                return Some(StepError::unusable(StepLabel::lock(lock), unusable));
            }
        }
    }
    all.dedup();
    let pid = all.iter().find_map(|lock| match registry::look(lock) {
        // This process itself, if it was started as the service and now becomes it in place.
        Ok(Found::Running(record))
            if record.pid != process::own_pid() && !registry::is_monitored_by_parent(lock) =>
        {
            Some(Some(record.pid))
        }
        Ok(Found::Elsewhere) => Some(None),
        // An unreadable lock is reported when it is taken.
        Ok(Found::Running(_) | Found::Dead(_) | Found::Unrecorded(_) | Found::Unknown) | Err(_) => None,
    })?;
    Some(StepError::already_running(label, pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::plans;

    #[test]
    fn launcher_performs_every_step_of_its_plan() {
        let plans = plans();
        for plan in &plans {
            let ignored: Vec<_> = plan.launch_steps().filter(|step| !performs(plan.strategy, step)).collect();
            assert!(ignored.is_empty(), "{:?}: {ignored:?}", plan.strategy);
        }
        for strategy in
            [Strategy::Daemonize, Strategy::Exec, Strategy::ReportMainPid, Strategy::Monitor, Strategy::Init]
        {
            assert!(plans.iter().any(|plan| plan.strategy == strategy), "{strategy:?}");
        }
    }

    #[test]
    fn plan_with_a_step_of_another_launcher_is_refused() {
        let daemonize = plans().into_iter().find(|plan| plan.strategy == Strategy::Daemonize).unwrap();
        let refused = check(&Plan { strategy: Strategy::Monitor, ..daemonize }).unwrap_err();
        assert_eq!(refused.stage, "keep intermediate");
    }
}
