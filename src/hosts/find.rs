//! Which manager has a service.

use std::path::Path;

use svcadapt::StepError;
use svcadapt::detect::Manager;
use svcadapt::internal::{
    Supervisor, effective_user, is_booted_with_systemd, supervisor_of, supervisors, user_of,
};

use super::supervision::{Directory, has_directory};
use super::{ManagedService, daemontools, launchd, openrc, runit, s6, supervisord, systemd, sysv};

/// The service that a manager has started these processes for: the first one, which may be a monitor of svcadapt, and the
/// program's main one. `None`: no manager has, or it may not be looked at.
///
/// # Errors
///
/// systemd does not answer, and the process is in the control group of one of its services.
pub fn of_process(first: i32, main: i32) -> Result<Option<ManagedService>, StepError> {
    if is_booted_with_systemd()
        && let Some(unit) = systemd::Unit::of_process(first)?
    {
        return Ok(Some(ManagedService::new(unit)));
    }
    Ok(supervisor_of(first).filter(is_here).and_then(|supervisor| supervised(&supervisor, main)))
}

/// The service that a supervisor has started.
fn supervised(supervisor: &Supervisor, main: i32) -> Option<ManagedService> {
    match supervisor.manager {
        Manager::OpenRc => openrc::OpenRcScript::of(supervisor).map(ManagedService::new),
        Manager::Supervisord => supervisord::Program::of_process(supervisor, main).map(ManagedService::new),
        _ => Directory::of(supervisor).and_then(|directory| in_directory(supervisor, directory)),
    }
}

/// The service of this name that a manager has started as a daemon, of whose process it is not the parent. `None`: no manager
/// has.
pub fn started_as(name: &str) -> Option<ManagedService> {
    openrc::OpenRcScript::started(name).map(ManagedService::new)
}

/// The services of this name that the managers running here have, whether they run or not.
///
/// # Errors
///
/// systemd does not answer.
pub fn named(name: &str) -> Result<Vec<ManagedService>, StepError> {
    let mut all = Vec::new();
    let has_systemd = is_booted_with_systemd();
    if has_systemd {
        all.extend(systemd::Unit::named(name)?.into_iter().map(ManagedService::new));
    }
    all.extend(launchd::LaunchdJob::named(name).into_iter().map(ManagedService::new));
    for supervisor in supervisors().into_iter().filter(is_here) {
        match supervisor.manager {
            Manager::Supervisord => {
                all.extend(supervisord::Program::named(&supervisor, name).map(ManagedService::new));
            }
            _ if has_directory(&supervisor) => {
                let directory = Directory::of(&supervisor).filter(|directory| directory.is_named(name));
                all.extend(directory.and_then(|directory| in_directory(&supervisor, directory)));
            }
            _ => {}
        }
    }
    let script = openrc::OpenRcScript::named(name).map(ManagedService::new);
    // Under systemd a script is a unit; under OpenRC it is a service of OpenRC.
    let of_init = || (!has_systemd).then(|| sysv::InitScript::named(name).map(ManagedService::new)).flatten();
    all.extend(script.or_else(of_init));
    Ok(all)
}

/// The service of the supervisor that has this service directory. Only supervisors are looked at; no manager is asked.
pub(crate) fn supervised_in(path: &Path) -> Option<ManagedService> {
    supervisors().into_iter().filter(|one| has_directory(one) && is_here(one)).find_map(|supervisor| {
        let directory = Directory::of(&supervisor).filter(|directory| directory.path == path)?;
        in_directory(&supervisor, directory)
    })
}

/// Whether a supervisor may be asked.
fn is_here(supervisor: &Supervisor) -> bool {
    is_ours(supervisor.pid)
}

/// Whether a process may be asked for services: it is root's or this user's, because any user can give a process any name
/// and any working directory; and it has this process' files and pids, because one in a container has others.
pub(crate) fn is_ours(pid: i32) -> bool {
    let own = effective_user();
    let is_trusted = user_of(pid).is_some_and(|user| user == 0 || user == own);
    is_trusted
        && ["mnt", "pid"].iter().all(|kind| {
            let link = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/{kind}"));
            link(&pid.to_string()).is_ok_and(|its| link("self").is_ok_and(|own| own == its))
        })
}

fn in_directory(supervisor: &Supervisor, directory: Directory) -> Option<ManagedService> {
    Some(match supervisor.manager {
        Manager::S6 => ManagedService::new(s6::S6Service(directory)),
        Manager::Runit => ManagedService::new(runit::RunitService(directory)),
        Manager::Daemontools => ManagedService::new(daemontools::DaemontoolsService(directory)),
        _ => return None,
    })
}
