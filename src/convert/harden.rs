//! A sandbox that a service still runs in.
//!
//! One table (`rows`) says what each [`Level`] sets and why; what the spec says, what the manager is and what it
//! knows decide row by row whether that can be (systemd.exec(5), "Sandboxing"). Nothing is left out without a reason,
//! and what the spec says itself always wins.
//!
//! `baseline` takes nothing from a service that it could miss: it keeps its identity, its network, and every file that
//! is not the system's own. `strict` is for a service that minds its own business. It changes what the service is:
//! without a user it gets one of its own (`DynamicUser=`), and it can write only where the spec says so. What is left
//! after that is worth in `systemd-analyze security`: at most 1.1 with a port from 1024 on, 1.4 with one below, and
//! 0.2 with sockets that systemd hands over.
//!
//! Where the adapter tells the readiness, it is 1.2 and 1.6: it does so from a process beside the main one, and by no
//! value of `NotifyAccess=` but `all` would systemd hear that (systemd.service(5); nor may a process without
//! CAP_SYS_ADMIN send a message in another's name, unix(7)).
//!
//! What is deliberately absent: a look at the machine. The same spec makes the same sandbox everywhere.

mod case;
mod jit;
mod level;
mod network;
mod objections;
mod places;
mod rows;
mod values;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

pub use jit::jit;
pub use level::Level;
pub use network::Network;
use svcadapt_spec::{FIELDS, Scope, ServiceSpec};

use self::case::{Case, demanded};
use self::rows::{ROWS, Row};
use crate::directive::{Section, directive};
use crate::divide::{Division, Systemd, Target};

/// What a level comes to for a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hardening {
    /// What `[Service]` says besides.
    pub set: Vec<Setting>,
    /// What the level has and this service cannot have.
    pub left_out: Vec<Omission>,
}

/// A directive of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub directive: &'static str,
    /// Its value, not yet quoted; of a directive that takes paths, one of them.
    pub value: OsString,
    /// What it is good for.
    pub why: &'static str,
}

/// A directive that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// Its name.
    pub directive: &'static str,
    /// Why it is not.
    pub why: String,
    /// Whether the service keeps rights of root that the level is there to take: a person has to know that unasked.
    pub open: bool,
}

/// Two things that were both demanded and exclude each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The directive of the sandbox.
    pub directive: &'static str,
    /// What stands against it, and why.
    pub why: String,
}

/// The sandbox of a service at a level. `adapter` is the path of svcadapt on the host. A target that is not systemd
/// has none.
///
/// # Errors
///
/// Where the spec itself demands what exclude each other: a user namespace and a capability that is worth nothing in
/// it, or no writable code and a program that writes its code.
pub fn harden(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
    level: Level,
    network: Network,
) -> Result<Hardening, Vec<Conflict>> {
    let Target::Systemd(host) = division.target else { return Ok(Hardening::default()) };
    if level == Level::None {
        return Ok(Hardening::default());
    }
    let case = Case::new(spec, division, adapter, host, level, network);
    let conflicts = conflicts(&case);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut hardening = Hardening::default();
    for row in ROWS.iter().filter(|row| row.levels.contains(&level)) {
        let values = (row.values)(&case);
        if values.is_empty() {
            continue;
        }
        match reason(&case, row, &values) {
            Some(why) => {
                let open = row.directive == BOUNDING && !is_said(&case, row) && case.stays_root();
                hardening.left_out.push(Omission { directive: row.directive, why, open });
            }
            None => hardening.set.extend(values.into_iter().map(|value| Setting {
                directive: row.directive,
                value,
                why: row.why,
            })),
        }
    }
    Ok(hardening)
}

/// What the rights of root come to.
const BOUNDING: &str = "CapabilityBoundingSet";

/// Whether the service says itself what a row is about.
fn is_said(case: &Case, row: &Row) -> bool {
    let mut fields = FIELDS.iter().filter(|field| field.directive == row.directive);
    case.spec.native.has_directive(row.directive)
        || fields.any(|field| !svcadapt_spec::values(case.spec, field.field).is_empty())
}

/// Why a row is left out.
fn reason(case: &Case, row: &Row, values: &[OsString]) -> Option<String> {
    if is_said(case, row) {
        return Some("the service says it itself".to_owned());
    }
    unknown(case.host, row.directive, values).or_else(|| (row.objection)(case))
}

/// Why this manager would not have it.
fn unknown(host: Systemd, name: &str, values: &[OsString]) -> Option<String> {
    let version = host.version;
    let Some(known) = directive(Section::Service, name) else {
        return Some("no version of systemd knows it".to_owned());
    };
    let word = |value: &OsString| value.to_str().is_none_or(|word| known.takes(word, version));
    if !known.known_to(version) {
        Some(match known.until {
            Some(until) if until <= version.number() => format!("systemd {until} has dropped it"),
            _ => format!("systemd {version} does not know it, {} does", known.since),
        })
    } else if !values.iter().all(word) {
        Some(format!("systemd {version} does not know this value"))
    } else if host.scope == Scope::User && known.user_since != Some(0) {
        Some("only the system's manager can do it on every kernel (systemd.exec(5))".to_owned())
    } else {
        None
    }
}

/// What the spec demands and cannot have together. Where it demands only one of two, that one is left out.
fn conflicts(case: &Case) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    if demanded(case.spec, "PrivateUsers")
        && let Some(why) = objections::worthless_capability(case)
    {
        conflicts.push(Conflict { directive: "PrivateUsers", why });
    }
    if demanded(case.spec, "MemoryDenyWriteExecute")
        && let Some(why) = objections::writable_code(case)
    {
        conflicts.push(Conflict { directive: "MemoryDenyWriteExecute", why });
    }
    conflicts
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}: {}", self.directive, self.value.display(), self.why)
    }
}

impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: left out: {}", self.directive, self.why)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}= cannot be: {}", self.directive, self.why)
    }
}

#[cfg(test)]
mod tests;
