//! Writes the socket unit of a service (systemd.socket(5)).

use std::ffi::OsString;

use svcadapt_spec::{Directive, FIELDS, Field, Native, ServiceName, ServiceSpec, Socket};

use super::quote;
use crate::WriteError;
use crate::divide::{Division, Place, Systemd, Target, is_known, loss_on_systemd};

/// The file name of the socket unit: the name of the service with `.socket`, so that systemd ties the two. `None` if
/// the service has no sockets or no name.
pub fn socket_unit(spec: &ServiceSpec) -> Option<String> {
    let name = spec.name.as_ref().filter(|_| has_unit(spec))?.as_str();
    // The socket unit of a template has its name without the `@`.
    let template = name.strip_suffix('@').filter(|_| spec.sockets.accepts());
    Some(format!("{}.socket", template.unwrap_or(name)))
}

/// The same name, quoted for the service unit. Each instance of a template has its own sockets.
fn required(name: &ServiceName) -> String {
    let instance = if name.as_str().ends_with('@') { "%i" } else { "" };
    format!("{}{instance}.socket", name.as_str().replace('%', "%%"))
}

fn has_unit(spec: &ServiceSpec) -> bool {
    !spec.sockets.listen.is_empty() || natives(spec).next().is_some()
}

/// The native lines of the socket unit, each with its section.
fn natives(spec: &ServiceSpec) -> impl Iterator<Item = (&str, &Directive)> {
    let lines = spec.native.systemd.iter().flatten();
    lines.filter_map(|line| Some((line.section().strip_prefix(Native::SOCKET_UNIT_PREFIX)?, line)))
}

/// Writes the `.socket` file of a service for the systemd of `division`. `None` if the service has no sockets.
///
/// `sockets.target` wants it, so that at boot all sockets exist before the first service starts (daemon(7),
/// "Socket-Based Activation"). Native lines keep their section.
///
/// # Errors
/// Every value that a unit cannot represent.
pub fn write_socket(spec: &ServiceSpec, division: &Division) -> Result<Option<String>, Vec<WriteError>> {
    let host = match division.target {
        Target::Systemd(host) => host,
        _ => Systemd::default(),
    };
    write_known(spec, division, |line| loss_on_systemd(&spec.native, line, host).is_none())
}

/// Writes a socket unit as it was read, including native lines that the systemd of `division` does not know.
pub(super) fn write_socket_unchanged(
    spec: &ServiceSpec,
    division: &Division,
) -> Result<Option<String>, Vec<WriteError>> {
    write_known(spec, division, is_known)
}

fn write_known(
    spec: &ServiceSpec,
    division: &Division,
    is_known: impl Fn(&Directive) -> bool,
) -> Result<Option<String>, Vec<WriteError>> {
    if !has_unit(spec) {
        return Ok(None);
    }
    let mut unit = UnitWriter { text: String::new(), errors: Vec::new() };
    let of = |wanted: &str| -> Vec<&Directive> {
        let nothing = |line: &Directive| line.name() == "WantedBy" && line.value().is_empty();
        let known = |line: &Directive| is_known(line) && !nothing(line);
        let here = natives(spec).filter(|(section, line)| *section == wanted && known(line));
        here.map(|(_, line)| line).collect()
    };
    let install = !natives(spec).any(|(section, _)| section == "Install");
    unit.section("Unit", &[], &of("Unit"));
    // In the order of the descriptors, which differs from the order of the fields.
    let listen = spec.sockets.listen.iter().map(|socket| (socket.field(), socket.address.written()));
    let fields = FIELDS
        .iter()
        .map(|row| row.field)
        .filter(|field| field.is_socket_field() && Socket::kind_of(*field).is_none());
    let values: Vec<_> = listen
        .chain(fields.flat_map(|field| {
            svcadapt_spec::values(spec, field).into_iter().map(move |value| (field, value))
        }))
        .filter(|(field, _)| division.host.contains(field))
        .collect();
    unit.section("Socket", &values, &of("Socket"));
    unit.section("Install", &[], &of("Install"));
    if install {
        let gap = if unit.text.is_empty() { "" } else { "\n" };
        unit.text.extend([gap, "[Install]\nWantedBy=sockets.target\n"]);
    }
    let mut others: Vec<&str> = Vec::new();
    for (section, _) in natives(spec) {
        if !["Unit", "Socket", "Install"].contains(&section) && !others.contains(&section) {
            others.push(section);
            unit.section(section, &[], &of(section));
        }
    }
    if unit.errors.is_empty() { Ok(Some(unit.text)) } else { Err(unit.errors) }
}

struct UnitWriter {
    text: String,
    errors: Vec<WriteError>,
}

impl UnitWriter {
    /// Writes a section, unless it is empty.
    fn section(&mut self, name: &str, values: &[(Field, OsString)], native: &[&Directive]) {
        let mut lines = String::new();
        for (field, value) in values {
            match quote::raw(value) {
                Ok(quoted) => lines.extend([field.socket_directive(), "=", &quoted, "\n"]),
                Err(error) => self.errors.push(error.in_value(Place::Field(*field), value)),
            }
        }
        for line in native {
            lines.extend([line.name(), "=", line.value(), "\n"]);
        }
        if !lines.is_empty() {
            let gap = if self.text.is_empty() { "" } else { "\n" };
            self.text.extend([gap, "[", name, "]\n", &lines]);
        }
    }
}

/// The socket unit that the service unit must require, because the program cannot open the sockets itself. `None` if
/// the spec comes from a unit, which has its own dependencies.
pub(super) fn required_socket_unit(spec: &ServiceSpec) -> Option<String> {
    let listens = !spec.sockets.listen.is_empty() && natives(spec).next().is_none();
    spec.name.as_ref().filter(|_| listens).map(required)
}

/// Whether a field belongs to the socket unit, not to the service unit.
pub(super) fn belongs_to_socket_unit(field: Field) -> bool {
    field.is_socket_field() || field == Field::LaunchdActivation
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::divide::divide;
    use crate::unit::write;

    fn units(values: &[(Field, &str)]) -> (String, Result<Option<String>, Vec<String>>) {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/web".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let division = divide(&spec, Target::Systemd(Systemd::default()));
        let service = write(&spec, &division, Path::new("/usr/bin/svcadapt")).unwrap().text;
        let texts = |all: Vec<WriteError>| all.iter().map(ToString::to_string).collect();
        (service, write_socket(&spec, &division).map_err(texts))
    }

    #[test]
    fn service_and_socket_unit_refer_to_each_other() {
        let values = [
            (Field::Name, "web"),
            (Field::ListenDatagram, "53"),
            (Field::ListenStream, "[::1]:80"),
            (Field::ListenStream, "/run/a %b"),
            (Field::SocketMode, "660"),
            (Field::BindIPv6Only, "both"),
            (Field::User, "www"),
        ];
        let (service, socket) = units(&values);
        assert!(service.starts_with("[Unit]\nRequires=web.socket\n\n[Service]\n"), "{service}");
        assert!(service.ends_with("[Install]\nWantedBy=multi-user.target\nAlso=web.socket\n"), "{service}");
        assert!(!service.contains("Listen") && !service.contains("svcadapt"), "{service}");
        assert_eq!(
            socket.unwrap().unwrap(),
            "[Socket]\nListenDatagram=53\nListenStream=[::1]:80\nListenStream=/run/a %%b\nSocketMode=0660\n\
             BindIPv6Only=both\n\n[Install]\nWantedBy=sockets.target\n"
        );
    }

    #[test]
    fn instances_of_a_template_have_their_own_sockets() {
        let (service, _) = units(&[(Field::Name, "web@"), (Field::ListenStream, "@x")]);
        assert!(service.contains("Requires=web@%i.socket\n"), "{service}");
        assert!(service.contains("Also=web@%i.socket\n"), "{service}");
    }

    #[test]
    fn service_without_sockets_has_no_socket_unit() {
        assert_eq!(units(&[(Field::Name, "web")]).1, Ok(None));
        assert_eq!(
            units(&[(Field::ListenStream, "/a\nb")]).1,
            Err(vec!["--listen-stream '/a\\nb': byte 2: a value cannot contain a line break".to_owned()])
        );
    }
}
