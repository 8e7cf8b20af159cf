//! STAYING with the program: as long as it takes to know the truth, and no longer where nothing else is to be done.
//!
//! * [`Strategy::Daemonize`]: fork twice, and wait in the first process until the service is ready or has failed.
//! * [`Strategy::Exec`]: become the program; where somebody waits for a readiness that the program does not tell, a
//!   helper stays behind, tells it, and goes.
//! * [`Strategy::ReportMainPid`]: start a program that forks itself into the background, tell the manager which process came
//!   of it, and leave.
//! * [`Strategy::Monitor`], and [`Strategy::Init`] as process 1 of a container: reap orphans and pass signals on until the
//!   program ends.
//!
//! # Between the forks and the exec
//!
//! What the process does that was forked off may be little where it does not end in an exec, and on macOS even where it
//! does: no framework, and nothing that talks to another process behind our back (fork(2), CAVEATS). So accounts are looked
//! up, the program is found, launchd is asked and every word of the spec is read before the first fork; after it come system
//! calls, and the memory of a process that had one thread, whose locks nobody holds. One call is more than that: on macOS
//! initgroups(3) asks a directory service for a user in more than 16 groups, between fork and exec as in cron(8).
//!
//! A program that becomes the service itself has no exec of its own, and its libraries are not ours to know. Where the
//! system demands it ([`Plan::with_reexec`]) it is executed again right after the forks: before the root is changed and
//! the rights are given up, so that its file can be found and read as it was the first time; everything else is done after
//! that, by a process that any library may be used in.

#![forbid(unsafe_code)]

mod classic;
mod forward;
mod helper;
mod intermediate;
mod main_pid;
mod monitor;
mod outcome;
mod ready_notifier;
mod start;
mod terminate;
mod watch;

use std::os::fd::OwnedFd;

pub use outcome::{Outcome, StderrTail};
use start::Start;
use svcadapt_spec::ServiceSpec;

use crate::error::StepError;
use crate::plan::{Plan, Resolution, Step, Strategy};
use crate::registry;
use crate::registry::Found;
use crate::setup::ServiceProcess;
use crate::sys::{descendants, process};

/// The exit status of a spec that cannot be run.
const CANNOT_BE_RUN: u8 = 2;

/// Whether the plan can be done on this system at all. Nothing is changed.
///
/// Where orphans cannot be adopted, nobody can keep hold of a program that forks itself away: it could be promised
/// neither that it is ready nor, after a failure, that nothing of it is left.
pub fn check(plan: &Plan) -> Result<(), StepError> {
    if descendants::HAS_SUBREAPER {
        return Ok(());
    }
    if plan.has(&Step::MainProcess(None)) {
        let cause = "on this system the main process can be found by a pid file alone";
        return Err(StepError::about("type", "forking", cause, CANNOT_BE_RUN)
            .hint("--pid-file says where the program writes its number"));
    }
    let forking = plan.steps.iter().any(|planned| matches!(planned.step, Step::MainProcess(_)));
    if plan.strategy != Strategy::Daemonize || !forking {
        return Ok(());
    }
    let cause = "on this system a launcher cannot keep hold of a program that forks itself away";
    Err(StepError::about("type", "forking", cause, CANNOT_BE_RUN)
        .hint("most programs have an option by which they stay in the foreground"))
}

/// Starts a service. Where that means to become the program, it returns only if it failed.
pub fn start(spec: &ServiceSpec, plan: &Plan, resolved: &Resolution) -> Outcome {
    if let Err(failure) = check(plan) {
        return failure.into();
    }
    if let Some(failure) = running_already(spec, resolved) {
        return failure.into();
    }
    let start = Start::new(spec, plan, resolved);
    let divided = match plan.strategy {
        Strategy::Daemonize => classic::daemonize(&start),
        Strategy::Monitor | Strategy::Init => monitor::run(&start),
        Strategy::Exec => return helper::become_program(&start),
        Strategy::ReportMainPid => return main_pid::start(&start),
    };
    match divided {
        Role::Launcher(outcome) => outcome,
        Role::Service(mut service) => process::exit_now(service.become_program(plan).status),
    }
}

/// Which process this is, once a start has been divided among several.
#[derive(Debug)]
pub enum Role<'a> {
    /// The one that was started. It has waited until the service was ready, had failed or, as process 1, had ended, and
    /// has nothing more to do than to tell.
    Launcher(Outcome),
    /// The one that the service is to be.
    Service(ServiceProcess<'a>),
}

/// Comes to the process that the service is to be, as far as the course wants another one than this, for a program
/// that becomes the service itself ([`Plan::becoming_this_program`]).
pub fn divide<'a>(spec: &'a ServiceSpec, plan: &'a Plan, resolved: &'a Resolution) -> Role<'a> {
    if let Some(failure) = check(plan).err().or_else(|| running_already(spec, resolved)) {
        return Role::Launcher(failure.into());
    }
    let start = Start::new(spec, plan, resolved);
    match plan.strategy {
        Strategy::Daemonize => classic::daemonize(&start),
        Strategy::Monitor | Strategy::Init => monitor::run(&start),
        // A program that becomes the service itself never forks away from it.
        Strategy::Exec | Strategy::ReportMainPid => {
            Role::Service(ServiceProcess::new(spec, resolved, start.environment(), process::own_pid()))
        }
    }
}

/// Goes on where [`divide`] has led to [`Role::Service`] in this process, before the program was executed again in it.
/// `listener` is where somebody waits for reports.
pub fn resume<'a>(
    spec: &'a ServiceSpec,
    plan: &'a Plan,
    resolved: &'a Resolution,
    listener: OwnedFd,
) -> ServiceProcess<'a> {
    let start = Start::new(spec, plan, resolved);
    // Where a process stays for our sake, it is our parent.
    let mut service = ServiceProcess::new(spec, resolved, start.environment(), process::parent_pid());
    service.report_to(listener);
    service
}

/// Whether the service runs already. Asked early, so that a start that loses changes nothing. The lock itself decides,
/// later.
pub fn running_already(spec: &ServiceSpec, resolved: &Resolution) -> Option<StepError> {
    let lock = resolved.lock.as_ref()?;
    let name = lock.file_name()?;
    let mut all = vec![lock.clone()];
    // It may have been started when another place was this user's, or in one of an earlier version.
    for place in registry::own_directories() {
        match place.is_there() {
            Ok(true) => all.push(place.path.join(name)),
            Ok(false) => {}
            Err(unusable) => {
                let step = Step::Lock { path: lock.clone(), descriptor: 0 };
                return Some(StepError::unusable(&step, unusable));
            }
        }
    }
    all.dedup();
    let pid = all.iter().find_map(|lock| match registry::look(lock) {
        // This very process, if it was started as the service and now becomes it itself.
        Ok(Found::Running(record)) if record.pid != process::own_pid() => Some(Some(record.pid)),
        Ok(Found::Elsewhere) => Some(None),
        // A lock that cannot be read will say so when it is taken.
        Ok(Found::Running(_) | Found::Dead(_) | Found::Unrecorded(_) | Found::Unknown) | Err(_) => None,
    })?;
    let name = spec.name.as_ref().map(ToString::to_string);
    let what = name.or_else(|| spec.pid_file.as_ref().map(ToString::to_string)).unwrap_or_default();
    Some(StepError::already_running(&what, pid))
}
