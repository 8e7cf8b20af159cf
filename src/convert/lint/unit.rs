//! The checks of a service unit with its drop-ins and its socket, one file per topic.

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
mod lifecycle;
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
mod unit_paths;
mod value;
mod variable;
mod view;
mod word;

pub(super) use environment::variable;
pub(super) use secret::is_secret;
pub use source::{ServiceFiles, UnitSource};
use view::{UnitLine, UnitView};

use super::{Finding, Findings, Machine};
use crate::divide::Systemd;

/// Appends the findings of one topic.
type Check = fn(&UnitView, &mut Findings);

const CHECKS: [Check; 23] = [
    file::check,
    directive::check,
    scope::check,
    raw::check,
    absolute::check,
    specifier::check,
    variable::check,
    command::check,
    word::check,
    program::check,
    environment::check,
    secret::check,
    account::check,
    pid_file::check,
    sandbox::check,
    path::check,
    lifecycle::check,
    background::check,
    install::check,
    dependency::check,
    socket::check,
    // Must run after the checks above: it drops what they have found in the words of a comment.
    comment::check,
    // Must run last: it adds only what no other check has reported.
    refused::check,
];

/// Checks a unit. The findings are sorted by file and place.
pub fn unit(service: &ServiceFiles, machine: &dyn Machine) -> Vec<Finding> {
    let (unit, mut findings) = (UnitView::new(service, machine), Findings::default());
    for check in CHECKS {
        check(&unit, &mut findings);
    }
    let mut findings = findings.sorted();
    secret::hide(&mut findings);
    findings
}

/// Checks a socket unit that was named without its service. The findings are sorted by place.
pub fn socket_unit(socket: &UnitSource, host: Systemd, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings = Findings::default();
    socket::without_service(socket, host, machine, &mut findings);
    findings.sorted()
}
