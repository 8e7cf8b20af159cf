//! The socket unit: whether it is there, what it says, and whom it is for.

use std::path::Path;

use svcadapt_spec::boolean;

use super::token::raw_words;
use super::{At, Source, Unit, directive, unit_paths};
use crate::divide::Systemd;
use crate::lint::rules::directive::RAW;
use crate::lint::rules::life::{NO_LISTEN, NO_SERVICE, NO_SOCKET};
use crate::lint::rules::rights::{GROUP, USER};
use crate::lint::{Findings, Machine, file};
use crate::unit::UnitFile;

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let service = unit.service;
    if let Some(socket) = &service.socket {
        says(socket, service.host, unit.machine, findings);
    }
    let own = format!("{}.socket", service.name.prefix());
    let missing = |name: &str| {
        let beside = service.socket.is_some() && name == own;
        !beside && absent(unit.machine, &service.unit.file, name)
    };
    if let Some(at) = unit.last("StandardInput").filter(|at| at.value() == "socket" && missing(&own)) {
        findings.add(&NO_SOCKET, at.origin(), format!("there is no {own} that would give it a connection"));
    }
    for (section, key) in
        [("Service", "Sockets"), ("Unit", "Requires"), ("Unit", "BindsTo"), ("Install", "Also")]
    {
        for at in unit.all(section, key) {
            for (offset, word) in raw_words(at.value()) {
                if word.ends_with(".socket") && !word.contains('%') && missing(word) {
                    findings.add(&NO_SOCKET, at.within(offset), format!("there is no {word}"));
                }
            }
        }
    }
}

/// A socket unit that was named alone.
pub(super) fn alone(socket: &Source, host: Systemd, machine: &dyn Machine, findings: &mut Findings) {
    says(socket, host, machine, findings);
    let lines = || socket.file.lines.iter().map(|line| At { file: &socket.file, line });
    let last = |key: &str| lines().rfind(|at| at.section() == "Socket" && at.key() == key);
    let stem = socket.file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let service = match (last("Service"), last("Accept")) {
        (Some(at), _) => at.value().to_owned(),
        (None, Some(at)) if boolean(at.value()) == Some(true) => format!("{stem}@.service"),
        _ => format!("{stem}.service"),
    };
    if absent(machine, &socket.file, &service) {
        let origin = last("Service").map_or_else(|| file::whole(&socket.file.path), |at| at.origin());
        findings.add(&NO_SERVICE, origin, format!("there is no {service} for it"));
    }
}

fn says(socket: &Source, host: Systemd, machine: &dyn Machine, findings: &mut Findings) {
    file::unit(&socket.file.path, machine, findings);
    directive::file(socket, directive::SOCKET, host.version, findings);
    values(socket, machine, findings);
    let listens =
        |at: At| at.section() == "Socket" && at.key().starts_with("Listen") && !at.value().is_empty();
    if !socket.text.is_empty()
        && !socket.file.lines.iter().any(|line| listens(At { file: &socket.file, line }))
    {
        findings.add(&NO_LISTEN, file::whole(&socket.file.path), "no Listen directive says where");
    }
}

/// Quotes around an address, and users whom nobody knows.
fn values(socket: &Source, machine: &dyn Machine, findings: &mut Findings) {
    for line in &socket.file.lines {
        let at = At { file: &socket.file, line };
        let (key, value) = (at.key(), at.value());
        if at.section() != "Socket" || value.contains('%') || is_number(value) {
            continue;
        }
        if key.starts_with("Listen") && value.starts_with(['"', '\'']) {
            findings.add(&RAW, at.origin(), format!("the quotes in {key}= would be a part of the address"));
        } else if key == "SocketUser" && machine.user(value).missing() {
            findings.add(&USER, at.origin(), format!("there is no user '{}' here", value.escape_debug()));
        } else if key == "SocketGroup" && machine.group(value).missing() {
            findings.add(&GROUP, at.origin(), format!("there is no group '{}' here", value.escape_debug()));
        }
    }
}

/// Whether it is a number, or nothing.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a unit is nowhere where systemd would look for it.
fn absent(machine: &dyn Machine, file: &UnitFile, name: &str) -> bool {
    let template = name.split_once('@').map(|(prefix, rest)| {
        let suffix = Path::new(rest).extension().unwrap_or_default().to_string_lossy();
        format!("{prefix}@.{suffix}")
    });
    let names = [Some(name.to_owned()), template];
    names.iter().flatten().all(|name| unit_paths(file, name).iter().all(|path| machine.inode(path).missing()))
}
