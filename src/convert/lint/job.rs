//! A property list of launchd's, and the finders that look at it, one file an idea.

mod account;
mod choice;
mod key;
mod life;
mod limit;
mod log;
mod name;
mod path;
mod program;
mod socket;
mod word;

use std::path::Path;

use svcadapt_spec::{Origin, Scope};

use super::rules::file::REFUSED;
use super::{Finding, Findings, Machine, file};
use crate::plist::{Document, Node};

/// A property list as it lies there.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Where.
    pub path: &'a Path,
    /// What stands in it, XML or binary.
    pub bytes: &'a [u8],
    /// Whose launchd will read it: a daemon is the system's, an agent a user's. What lies in a directory that is
    /// called `LaunchDaemons` or `LaunchAgents` is that, whatever stands here.
    pub scope: Scope,
}

/// Looks for one idea.
type Finder = fn(&View, &mut Findings);

const FINDERS: [Finder; 11] = [
    key::find,
    name::find,
    program::find,
    word::find,
    path::find,
    choice::find,
    account::find,
    limit::find,
    socket::find,
    life::find,
    log::find,
];

/// Everything that is wrong with a property list.
pub fn job(job: Job, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings = Findings::default();
    file::property_list(job.path, machine, &mut findings);
    match Document::parse(job.bytes, job.path) {
        Ok(document) => {
            let view = View { document, path: job.path, scope: scope(job), machine };
            for finder in FINDERS {
                finder(&view, &mut findings);
            }
            let mut findings = findings.sorted();
            key::hide(&view, &mut findings);
            findings
        }
        Err(problem) => {
            let origin = problem.origin.unwrap_or_else(|| file::whole(job.path));
            findings.add(&REFUSED, origin, problem.refusal.cause);
            findings.sorted()
        }
    }
}

fn scope(job: Job) -> Scope {
    let within = |folder: &str| job.path.components().any(|part| part.as_os_str() == folder);
    match job.scope {
        _ if within("LaunchAgents") => Scope::User,
        _ if within("LaunchDaemons") => Scope::System,
        scope => scope,
    }
}

/// A job, and the machine that it is for.
struct View<'a> {
    document: Document<'a>,
    path: &'a Path,
    scope: Scope,
    machine: &'a dyn Machine,
}

impl View<'_> {
    fn node(&self, key: &str) -> Option<&Node> {
        self.document.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.node(key)?.text()
    }

    fn origin(&self, node: &Node) -> Origin {
        self.document.origin(node)
    }
}
