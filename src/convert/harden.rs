//! A sandbox in which the service still runs.
//!
//! One table (`rows`) has the directives of each [`Level`] and their reasons. The spec, and the version and scope of
//! systemd, decide for each row whether the service can have it (systemd.exec(5), "Sandboxing"). Each row that is left
//! out has a reason, and a directive that the spec sets itself always takes precedence.
//!
//! `baseline` removes nothing that a service could need: it keeps its identity, its network, and all files but those of
//! the system. `strict` is for a service that needs only its own files and network. It changes the service: without a
//! user it gets a user of its own (`DynamicUser=`), and it can write only to directories of the spec. The exposure level
//! of `systemd-analyze security` is then at most 1.1 with a port from 1024 on, 1.4 with a lower port, and 0.2 with
//! sockets that systemd passes.
//!
//! If the adapter reports the readiness, the level is 1.2 and 1.6: a process other than the main one sends the message,
//! which systemd accepts only with `NotifyAccess=all` (systemd.service(5); and without CAP_SYS_ADMIN a process cannot
//! send with the pid of another process, unix(7)).
//!
//! Deliberately absent: facts about the machine. The same spec makes the same sandbox everywhere.

mod case;
mod jit;
mod level;
mod lookup;
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

use self::case::HardenInput;
use self::lookup::is_on;
use self::rows::{ROWS, SandboxRow};
use crate::directive::{Section, directive};
use crate::divide::{Division, Systemd, Target};

/// The directives of a level for one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hardening {
    /// The directives to add to `[Service]`.
    pub set: Vec<Setting>,
    /// The directives of the level that this service cannot have.
    pub left_out: Vec<Omission>,
}

/// A directive of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub directive: &'static str,
    /// Its value, not yet quoted. A directive with several paths has one setting for each.
    pub value: OsString,
    /// What it protects against.
    pub why: &'static str,
}

/// A directive that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// Its name.
    pub directive: &'static str,
    /// Why it is left out.
    pub why: String,
    /// Whether the service keeps rights of root that the level should remove. This is reported even without `--explain`.
    pub open: bool,
}

/// Two settings of the spec that exclude each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The directive of the sandbox.
    pub directive: &'static str,
    /// Which setting excludes it, and why.
    pub why: String,
}

/// The sandbox of a service at a level. `adapter` is the path of svcadapt on the host. It is empty for a target other
/// than systemd.
///
/// # Errors
///
/// If settings of the spec exclude each other: a user namespace and a capability that has no effect in it, or
/// `MemoryDenyWriteExecute=` and a program with a JIT compiler.
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
    let input = HardenInput::new(spec, division, adapter, host, level, network);
    let conflicts = conflicts(&input);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut hardening = Hardening::default();
    for row in ROWS.iter().filter(|row| row.levels.contains(&level)) {
        let values = (row.values)(&input);
        if values.is_empty() {
            continue;
        }
        match omission_reason(&input, row, &values) {
            Some(why) => {
                let open =
                    row.directive == BOUNDING && !is_set(&input, row) && objections::stays_root(&input);
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

/// The directive that limits the rights of root.
const BOUNDING: &str = "CapabilityBoundingSet";

/// Whether the spec sets the directive of a row itself.
fn is_set(input: &HardenInput, row: &SandboxRow) -> bool {
    let mut fields = FIELDS.iter().filter(|field| field.directive == row.directive);
    input.spec.native.has_directive(row.directive)
        || fields.any(|field| !svcadapt_spec::values(input.spec, field.field).is_empty())
}

/// Why a row is left out. `None` if it is not.
fn omission_reason(input: &HardenInput, row: &SandboxRow, values: &[OsString]) -> Option<String> {
    if is_set(input, row) {
        return Some("the service sets it itself".to_owned());
    }
    unsupported(input.host, row.directive, values).or_else(|| (row.objection)(input))
}

/// Why this version or scope of systemd does not support the directive. `None` if it does.
fn unsupported(host: Systemd, name: &str, values: &[OsString]) -> Option<String> {
    let version = host.version;
    let Some(known) = directive(Section::Service, name) else {
        return Some("no version of systemd knows it".to_owned());
    };
    let word = |value: &OsString| value.to_str().is_none_or(|word| known.takes(word, version));
    if !known.known_to(version) {
        Some(match known.until {
            Some(until) if until <= version.number() => format!("systemd {until} has removed it"),
            _ => format!("systemd {version} does not know it; it is new in {}", known.since),
        })
    } else if !values.iter().all(word) {
        Some(format!("systemd {version} does not know this value"))
    } else if host.scope == Scope::User && known.user_since != Some(0) {
        Some("only the system manager supports it on every kernel (systemd.exec(5))".to_owned())
    } else {
        None
    }
}

/// Settings of the spec that exclude each other. If the spec sets only one of them, the other one is left out.
fn conflicts(input: &HardenInput) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    if is_on(input.spec, "PrivateUsers")
        && let Some(why) = objections::ineffective_capability(input)
    {
        conflicts.push(Conflict { directive: "PrivateUsers", why });
    }
    if is_on(input.spec, "MemoryDenyWriteExecute")
        && let Some(why) = objections::writable_code(input)
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
        write!(f, "{}= conflicts with the spec: {}", self.directive, self.why)
    }
}

#[cfg(test)]
mod tests;
