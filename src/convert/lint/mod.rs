//! LINT: what a host will refuse, ignore or misread in a spec, told before it is installed.
//!
//! `systemd-analyze verify` and `plutil -lint` tell what is no unit and no property list. What costs people their
//! evenings is the rest: what is read without a word and means something else. Each such thing is a [`Rule`] with a
//! code that stays the same, a sentence, the reason why it matters and the cure ([`rules`] is the table of all of
//! them); where it is met it is a [`Finding`] with its place.
//!
//! [`unit()`], [`job()`] and [`json()`] decide, and do nothing else: what they have to know of the machine (users,
//! files, their modes) they ask a [`Machine`]. [`NoMachine`] knows nothing, and [`Facts`] is one
//! as data. What a machine does not know is never found wanting.
//!
//! Deliberately absent: what a conversion to another host loses (the writers tell that), and style.

mod file;
mod finding;
mod habit;
mod job;
mod json;
mod machine;
mod rule;
pub mod rules;
mod unit;

pub use finding::Finding;
use finding::Findings;
pub use job::{Job, job};
pub use json::json;
pub use machine::{Account, Facts, Inode, Kind, Lookup, Machine, NoMachine};
pub use rule::{Rule, Severity};
pub use unit::{Service, Source, socket_unit, unit};

#[cfg(test)]
mod tests;
