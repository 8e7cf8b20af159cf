//! The socket unit: whether it exists, its directives, and its service.

use std::path::Path;

use svcadapt_spec::boolean;

use super::token::raw_words;
use super::unit_paths::unit_paths;
use super::{UnitLine, UnitSource, UnitView, directive};
use crate::divide::Systemd;
use crate::lint::rules::directive::RAW;
use crate::lint::rules::lifecycle::{NO_LISTEN, NO_SERVICE, NO_SOCKET};
use crate::lint::rules::rights::{GROUP, USER};
use crate::lint::{Findings, Machine, file};
use crate::unit::UnitFile;

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let service = unit.service;
    if let Some(socket) = &service.socket {
        check_socket(socket, service.host, unit.machine, findings);
    }
    let own_socket = format!("{}.socket", service.name.prefix());
    let missing = |name: &str| {
        let found = service.socket.is_some() && name == own_socket;
        !found && is_absent(unit.machine, &service.unit.file, name)
    };
    if let Some(at) = unit.last("StandardInput").filter(|at| at.value() == "socket" && missing(&own_socket)) {
        findings.add(
            &NO_SOCKET,
            at.origin(),
            format!("{own_socket} does not exist, so the service gets no connection"),
        );
    }
    for (section, key) in
        [("Service", "Sockets"), ("Unit", "Requires"), ("Unit", "BindsTo"), ("Install", "Also")]
    {
        for at in unit.all(section, key) {
            for (offset, word) in raw_words(at.value()) {
                if word.ends_with(".socket") && !word.contains('%') && missing(word) {
                    findings.add(&NO_SOCKET, at.within(offset), format!("{word} does not exist"));
                }
            }
        }
    }
}

/// Checks a socket unit that was named without its service.
pub(super) fn without_service(
    socket: &UnitSource,
    host: Systemd,
    machine: &dyn Machine,
    findings: &mut Findings,
) {
    check_socket(socket, host, machine, findings);
    let lines = || socket.file.lines.iter().map(|line| UnitLine { file: &socket.file, line });
    let last = |key: &str| lines().rfind(|at| at.section() == "Socket" && at.key() == key);
    let stem = socket.file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let service = match (last("Service"), last("Accept")) {
        (Some(at), _) => at.value().to_owned(),
        (None, Some(at)) if boolean(at.value()) == Some(true) => format!("{stem}@.service"),
        _ => format!("{stem}.service"),
    };
    if is_absent(machine, &socket.file, &service) {
        let origin = last("Service").map_or_else(|| file::whole(&socket.file.path), |at| at.origin());
        findings.add(&NO_SERVICE, origin, format!("service {service} of this socket does not exist"));
    }
}

fn check_socket(socket: &UnitSource, host: Systemd, machine: &dyn Machine, findings: &mut Findings) {
    file::unit(&socket.file.path, machine, findings);
    directive::file(socket, directive::SOCKET, host.version, findings);
    check_values(socket, machine, findings);
    let listens =
        |at: UnitLine| at.section() == "Socket" && at.key().starts_with("Listen") && !at.value().is_empty();
    if !socket.text.is_empty()
        && !socket.file.lines.iter().any(|line| listens(UnitLine { file: &socket.file, line }))
    {
        findings.add(&NO_LISTEN, file::whole(&socket.file.path), "socket has no Listen directive");
    }
}

/// Reports quotes around an address, and users and groups that do not exist.
fn check_values(socket: &UnitSource, machine: &dyn Machine, findings: &mut Findings) {
    for line in &socket.file.lines {
        let at = UnitLine { file: &socket.file, line };
        let (key, value) = (at.key(), at.value());
        if at.section() != "Socket" || value.contains('%') || is_number(value) {
            continue;
        }
        if key.starts_with("Listen") && value.starts_with(['"', '\'']) {
            findings.add(&RAW, at.origin(), format!("quotes in {key}= are part of the address"));
        } else if key == "SocketUser" && machine.user(value).is_missing() {
            findings.add(
                &USER,
                at.origin(),
                format!("user '{}' does not exist on this machine", value.escape_debug()),
            );
        } else if key == "SocketGroup" && machine.group(value).is_missing() {
            findings.add(
                &GROUP,
                at.origin(),
                format!("group '{}' does not exist on this machine", value.escape_debug()),
            );
        }
    }
}

/// Whether a text is a number, or empty.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a unit is missing in every directory where systemd looks for it.
fn is_absent(machine: &dyn Machine, file: &UnitFile, name: &str) -> bool {
    let template = name.split_once('@').map(|(prefix, rest)| {
        let suffix = Path::new(rest).extension().unwrap_or_default().to_string_lossy();
        format!("{prefix}@.{suffix}")
    });
    let names = [Some(name.to_owned()), template];
    names
        .iter()
        .flatten()
        .all(|name| unit_paths(file, name).iter().all(|path| machine.inode(path).is_missing()))
}
