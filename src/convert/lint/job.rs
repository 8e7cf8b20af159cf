//! The checks of a property list, one file per topic.

mod account;
mod choice;
mod key;
mod lifecycle;
mod limit;
mod log;
mod name;
mod path;
mod program;
mod socket;
mod view;
mod word;

use std::path::Path;

use svcadapt_spec::Scope;
use view::JobView;

use super::rules::file::REFUSED;
use super::{Finding, Findings, Machine, file};
use crate::plist::Document;

/// A property list to check.
#[derive(Debug, Clone, Copy)]
pub struct JobFile<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Its content, XML or binary.
    pub bytes: &'a [u8],
    /// The domain that will load it: a daemon belongs to the system, an agent to a user. A directory called
    /// `LaunchDaemons` or `LaunchAgents` in the path overrides it.
    pub scope: Scope,
}

/// Appends the findings of one topic.
type Check = fn(&JobView, &mut Findings);

const CHECKS: [Check; 11] = [
    key::check,
    name::check,
    program::check,
    word::check,
    path::check,
    choice::check,
    account::check,
    limit::check,
    socket::check,
    lifecycle::check,
    log::check,
];

/// Checks a property list. The findings are sorted by place.
pub fn job(job: JobFile, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings = Findings::default();
    file::property_list(job.path, machine, &mut findings);
    match Document::parse(job.bytes, job.path) {
        Ok(document) => {
            let view = JobView { document, path: job.path, scope: scope(job), machine };
            for check in CHECKS {
                check(&view, &mut findings);
            }
            let mut findings = findings.sorted();
            key::hide(&view, &mut findings);
            findings
        }
        Err(problem) => {
            let origin = problem.origin.unwrap_or_else(|| file::whole(job.path));
            findings.add(&REFUSED, origin, problem.error.cause);
            findings.sorted()
        }
    }
}

fn scope(job: JobFile) -> Scope {
    let within = |folder: &str| job.path.components().any(|part| part.as_os_str() == folder);
    match job.scope {
        _ if within("LaunchAgents") => Scope::User,
        _ if within("LaunchDaemons") => Scope::System,
        scope => scope,
    }
}
