//! The control group of a service: looks at what there is, creates it, and enters it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt_spec::ServiceSpec;

use crate::error;
use crate::error::StepError;
use crate::plan::control_group::{
    Access, ControlGroup, GroupFacts, NotHad, OwnGroup, PREFIX, asks_for_group, base, decide, is_delegated,
    own_group,
};
use crate::plan::group_limits::{GroupLimit, MachineSize, group_limits};
use crate::plan::{LaunchStep, Note, Resolution};
use crate::sys::cgroup::Group;
use crate::sys::{cgroup, error_text, machine, process};

/// A machine that does not tell its limits: the kernel's own (`PID_MAX_LIMIT`).
const USUAL_TASKS: u64 = 4_194_304;

/// Decides on the control group of a service that asks for one, and notes what is not possible. Changes nothing.
pub fn find_control_group(spec: &ServiceSpec, resolved: &mut Resolution) {
    if !asks_for_group(spec) {
        return;
    }
    let limits = group_limits(spec, this_machine());
    let name = match resolved.lock.as_deref().and_then(Path::file_name) {
        Some(name) => cgroup::name(PREFIX, name),
        None => format!("{PREFIX}{NAMELESS}{}", process::own_pid()),
    };
    let (group, not_had) = match look() {
        Ok((directory, facts)) => decide(&directory, &name, &facts, limits),
        Err(cause) => {
            let fields = limits.iter().map(|limit| limit.field).collect();
            (None, vec![NotHad { fields, cause, hint: None }])
        }
    };
    resolved.control_group = group;
    resolved.notes.extend(not_had.into_iter().map(|NotHad { fields, cause, hint }| {
        let names: Vec<String> = fields.iter().map(|field| format!("{}=", field.directive())).collect();
        Note {
            stage: STAGE,
            object: names.join(" "),
            cause: format!("not honoured here: {cause}"),
            hint: hint.map(str::to_owned),
        }
    }));
}

/// How long processes that are exiting may take to leave a group.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What comes before the pid in the group's name of a service without a lock. No service has this name.
const NAMELESS: &str = "%";

const STAGE: &str = "control group";

fn this_machine() -> MachineSize {
    let number = |path: &str| machine::text(path)?.trim().parse::<u64>().ok();
    let tasks = [number("/proc/sys/kernel/pid_max"), number("/proc/sys/kernel/threads-max")];
    MachineSize {
        memory: machine::memory().unwrap_or(u64::MAX),
        tasks: tasks.into_iter().flatten().min().unwrap_or(USUAL_TASKS),
    }
}

/// The group below which the service gets its own, or why it cannot have one.
fn look() -> Result<(PathBuf, GroupFacts), String> {
    let text = |path: &str| machine::text(path).unwrap_or_default();
    let own = own_group(&text("/proc/self/mountinfo"), &text("/proc/self/cgroup"))?;
    let directory = base(&own);
    let facts = facts(&own, &directory)
        .map_err(|error| format!("{}: {}", directory.display(), error_text(&error)))?;
    Ok((directory, facts))
}

fn facts(own: &OwnGroup, directory: &Path) -> io::Result<GroupFacts> {
    let group = Group::open(directory)?;
    let words = |name: &str| -> io::Result<Vec<String>> {
        Ok(group.read(name)?.split_ascii_whitespace().map(str::to_owned).collect())
    };
    let access = if machine::is_read_only(directory)? {
        Access::ReadOnly
    } else if cgroup::access(directory)? {
        Access::Full
    } else {
        Access::Foreign
    };
    // Only the root has no type.
    let kind = match group.read("cgroup.type") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        kind => Some(kind?.trim().to_owned()),
    };
    let members = group.read("cgroup.procs").unwrap_or_default();
    let own_pid = process::own_pid().to_string();
    Ok(GroupFacts {
        access,
        is_systemds: machine::is_booted_with_systemd() && !is_delegated(own, cgroup::is_delegated),
        is_root: kind.is_none(),
        kind: kind.unwrap_or_default(),
        controllers: words("cgroup.controllers")?,
        given: words("cgroup.subtree_control")?,
        is_alone: members.lines().all(|member| member == own_pid),
    })
}

/// Moves this process into svcadapt's leaf, and gives controllers to the groups below its former one.
pub fn give_controllers(step: &LaunchStep, group: &ControlGroup) -> Result<(), StepError> {
    let give = || {
        if let Some(leaf) = &group.leaf {
            Group::create(leaf)?.enter()?;
        }
        let words: Vec<String> =
            group.enable.iter().map(|controller| format!("+{}", controller.name())).collect();
        Group::open(group.parent())?.write("cgroup.subtree_control", &words.join(" "))
    };
    give().map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => StepError::io(step, &error)
            .hint("another process has entered the control group meanwhile; start the service again"),
        _ => StepError::io(step, &error),
    })
}

/// Creates the group anew, and writes its limits. One of this name that is left without processes is removed first: it has
/// the limits of an earlier start.
pub(super) fn create(group: &ControlGroup) -> io::Result<Group> {
    if let Ok(old) = Group::open(&group.path) {
        let _ = old.remove(Duration::ZERO);
    }
    sweep(group.parent());
    let open = Group::create(&group.path)?;
    for limit in &group.limits {
        if let Err(error) = write(&open, limit) {
            // As systemd does: a kernel without this file does not stop the service.
            report(limit, &error);
        }
    }
    Ok(open)
}

/// Removes the groups of services without a lock that have ended.
fn sweep(parent: &Path) {
    let start = format!("{PREFIX}{NAMELESS}");
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(&start)?.parse().ok());
        // One of a living process may be about to be entered; one with processes stays.
        if pid.is_some_and(|pid: i32| process::identity(pid).is_err())
            && let Ok(old) = Group::open(&entry.path())
        {
            let _ = old.remove(Duration::ZERO);
        }
    }
}

/// Removes the group of a service without a lock.
pub(super) fn remove(resolved: &Resolution) {
    if let Some(group) = &resolved.control_group
        && let Ok(open) = Group::open(&group.path)
    {
        // Best effort: an empty group does no harm.
        let _ = open.remove(REMOVAL_TIMEOUT);
    }
}

fn write(group: &Group, limit: &GroupLimit) -> io::Result<()> {
    let mut written = Ok(());
    for (file, text) in &limit.files {
        written = group.write(file, text);
        let missing =
            written.as_ref().is_err_and(|error: &io::Error| error.kind() == io::ErrorKind::NotFound);
        if !missing {
            break;
        }
    }
    written
}

fn report(limit: &GroupLimit, error: &io::Error) {
    let cause = match error.kind() {
        io::ErrorKind::NotFound => {
            let names: Vec<&str> = limit.files.iter().map(|(file, _)| *file).collect();
            format!("this kernel has no {}", names.join(" and no "))
        }
        _ => error_text(error),
    };
    let name = limit.field.directive();
    error::tell(&format!("{STAGE} '{name}=': not honoured here: {cause}"));
}
