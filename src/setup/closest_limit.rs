//! Limits, nice levels and OOM scores that this process may not set: the closest permitted value is set instead, as
//! systemd does.

use std::io;

use svcadapt_spec::{Limit, LimitValue, Resource, ServiceSpec};

use crate::plan::{CallerState, Note};
use crate::sys::{identity, limits};

/// Finds the closest permitted values. Each value is set and restored: in a user namespace only a trial shows what is
/// permitted.
pub(super) fn find(spec: &ServiceSpec, caller: &mut CallerState, notes: &mut Vec<Note>) {
    let one = LimitValue::At(1);
    let core = spec.prevent_core.then_some((Resource::Core, Limit { soft: one, hard: one }));
    for (resource, limit) in spec.limits.iter().map(|(&resource, &limit)| (resource, limit)).chain(core) {
        let wanted = number(limit.hard);
        // The step that sets the limit reports this error.
        let Ok(highest) = limits::highest(resource.name(), wanted) else { continue };
        if highest < wanted {
            caller.highest_limits.insert(resource, LimitValue::At(highest));
            let closest = caller.nearest(resource, limit);
            let object = format!("{} {limit}", resource.name());
            notes.push(note("limit", object, format!("{closest} is set: the hard limit cannot be raised")));
        }
    }
    if let Some(wanted) = spec.nice
        && let Some(now) = caller.nice
        && let Some(lowest) = closest_limit(wanted, now, limits::lowest_nice)
    {
        caller.lowest_nice = Some(lowest);
        notes.push(note("nice", wanted.to_string(), format!("{lowest} is set: no lower level is permitted")));
    }
    if let Some(wanted) = spec.oom_score_adjust
        && let Some(now) = caller.oom_score_adjust
        && let Some(lowest) = closest_limit(wanted, now, limits::lowest_oom_score)
    {
        caller.lowest_oom_score = Some(lowest);
        notes.push(note(
            "oom score",
            wanted.to_string(),
            format!("{lowest} is kept: no lower score is permitted"),
        ));
    }
}

/// The lowest permitted value, if it is above the requested one.
fn closest_limit(wanted: i32, now: i32, lowest: impl FnOnce(i32) -> io::Result<i32>) -> Option<i32> {
    if wanted >= now {
        return None;
    }
    lowest(wanted).ok().filter(|&lowest| lowest > wanted)
}

fn note(stage: &'static str, object: String, cause: String) -> Note {
    let hint = if identity::effective_user() == 0 {
        "CAP_SYS_RESOURCE and CAP_SYS_NICE are missing; set a container's limits where it is started"
    } else {
        "only root can set more"
    };
    Note { stage, object, cause, hint: Some(hint.into()) }
}

/// The limit as the kernel's number: `RLIM_INFINITY` is the highest.
pub(super) fn number(ceiling: LimitValue) -> u64 {
    match ceiling {
        LimitValue::At(number) => number,
        LimitValue::Infinity => u64::MAX,
    }
}

/// Sets a soft limit, at most to the hard limit. Limits that this system lacks or refuses to change are skipped
/// (macOS does not change the stack limit of a program that was linked with a stack size): the spec does not ask for
/// these limits, so the start does not fail.
pub(super) fn soften(resource: &str, soft: u64) -> io::Result<()> {
    let done = match limits::get(resource) {
        Ok((now, hard)) if now != soft.min(hard) => limits::set(resource, soft.min(hard), hard),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    match done {
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {
            Ok(())
        }
        done => done,
    }
}
