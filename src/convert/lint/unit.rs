//! A service unit with everything that belongs to it, and the finders that look at it, one file an idea.

mod absolute;
mod account;
mod background;
mod command;
mod comment;
mod dependency;
mod directive;
mod environment;
mod file;
mod install;
mod life;
mod path;
mod pid_file;
mod program;
mod raw;
mod refused;
mod sandbox;
mod scope;
mod secret;
mod socket;
mod source;
mod specifier;
mod token;
mod value;
mod variable;
mod view;
mod word;

use std::path::PathBuf;

pub(super) use environment::variable;
pub(super) use secret::is_secret;
pub use source::Source;
use view::{At, Unit};

use super::{Finding, Findings, Machine};
use crate::divide::Systemd;
use crate::unit::{UnitFile, UnitName};

/// A service unit, its drop-ins and its socket.
#[derive(Debug, Clone)]
pub struct Service {
    /// The unit's name; that of an instance, if one is meant.
    pub name: UnitName,
    /// The unit file.
    pub unit: Source,
    /// Its drop-ins, in the order in which they are read.
    pub drop_ins: Vec<Source>,
    /// The socket unit beside it.
    pub socket: Option<Source>,
    /// Who will read it.
    pub host: Systemd,
}

/// Looks for one idea.
type Finder = fn(&Unit, &mut Findings);

const FINDERS: [Finder; 23] = [
    file::find,
    directive::find,
    scope::find,
    raw::find,
    absolute::find,
    specifier::find,
    variable::find,
    command::find,
    word::find,
    program::find,
    environment::find,
    secret::find,
    account::find,
    pid_file::find,
    sandbox::find,
    path::find,
    life::find,
    background::find,
    install::find,
    dependency::find,
    socket::find,
    // It takes away what others have found in the words of a comment.
    comment::find,
    // It tells only what no other one has told.
    refused::find,
];

/// Everything that is wrong with a unit.
pub fn unit(service: &Service, machine: &dyn Machine) -> Vec<Finding> {
    let (unit, mut findings) = (Unit::new(service, machine), Findings::default());
    for finder in FINDERS {
        finder(&unit, &mut findings);
    }
    let mut findings = findings.sorted();
    secret::hide(&mut findings);
    findings
}

/// Everything that is wrong with a socket unit that stands alone.
pub fn socket_unit(socket: &Source, host: Systemd, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings = Findings::default();
    socket::alone(socket, host, machine, &mut findings);
    findings.sorted()
}

/// Where a unit of this name may lie: beside this file, and where systemd looks (systemd.unit(5)).
fn unit_paths(file: &UnitFile, name: &str) -> Vec<PathBuf> {
    const BASES: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
    let beside = file.path.parent().map(|folder| folder.join(name));
    let folders = ["systemd/system", "systemd/user"].into_iter();
    let known = folders.flat_map(|folder| BASES.map(|base| PathBuf::from(base).join(folder).join(name)));
    beside.into_iter().chain(known).collect()
}
