//! LINT: what a host will refuse, ignore or misread in a spec, reported before it is installed.
//!
//! `systemd-analyze verify` and `plutil -lint` report files that are not valid. This room reports valid lines that mean
//! something other than what they seem to mean. Each such mistake is a [`Rule`] with a stable code, a summary, the
//! reason why it matters and a hint ([`rules`] is the table of all); each place that breaks a rule is a [`Finding`].
//!
//! [`unit()`], [`job()`] and [`json()`] are pure: facts about the machine (users, files, their modes) come from a
//! [`Machine`]. [`NoMachine`] knows nothing, and [`MachineData`] is one as data. What a machine does not know is never
//! reported as missing.
//!
//! Deliberately absent: losses of a conversion to another host (the writers report them), and style.

mod file;
mod finding;
mod fork_behavior;
mod job;
mod json;
mod machine;
mod rule;
pub mod rules;
mod unit;

pub use finding::Finding;
use finding::Findings;
pub use job::{JobFile, job};
pub use json::json;
pub use machine::{FileInfo, FileKind, Lookup, Machine, MachineData, MachineUser, NoMachine};
pub use rule::{Rule, Severity};
pub use unit::{ServiceFiles, UnitSource, socket_unit, unit};

#[cfg(test)]
mod tests;
