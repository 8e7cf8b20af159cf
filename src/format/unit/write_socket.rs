//! The sockets of a service as a unit of their own (systemd.socket(5)).

use crate::format::Refused;
use crate::spec::FIELDS;
use crate::spec::Field;
use crate::spec::ServiceName;
use crate::spec::ServiceSpec;
use crate::target::Division;
use crate::target::Place;
use crate::target::values;

use super::quote;

/// The name of the unit with a service's sockets: it lies beside the service's and bears its name, so that systemd
/// knows the one by the other. None where there are no sockets, or no name.
pub fn socket_unit(spec: &ServiceSpec) -> Option<String> {
    let name = spec.name.as_ref().filter(|_| !spec.sockets.listen.is_empty())?;
    Some(format!("{name}.socket"))
}

/// The same name, as the service's unit has to write it: a template's instances have each its own sockets.
pub(super) fn required(name: &ServiceName) -> String {
    let instance = if name.as_str().ends_with('@') { "%i" } else { "" };
    format!("{}{instance}.socket", name.as_str().replace('%', "%%"))
}

/// Writes the `.socket` file of a service; none where it has no sockets.
///
/// It is wanted by `sockets.target`, so that at boot all sockets are there before the first service
/// (daemon(7), "Socket-Based Activation").
pub fn write_socket(spec: &ServiceSpec, division: &Division) -> Result<Option<String>, Vec<Refused>> {
    if spec.sockets.listen.is_empty() {
        return Ok(None);
    }
    let (mut text, mut refused) = ("[Socket]\n".to_owned(), Vec::new());
    let fields = FIELDS.iter().map(|row| row.field).filter(|field| field.of_socket());
    for field in fields.filter(|field| division.host.contains(field)) {
        for value in values(spec, field) {
            match quote::raw(&value) {
                Ok(quoted) => text.extend([field.directive(), "=", &quoted, "\n"]),
                Err(unfit) => refused.push(unfit.of(Place::Field(field), &value)),
            }
        }
    }
    text.push_str("\n[Install]\nWantedBy=sockets.target\n");
    if refused.is_empty() { Ok(Some(text)) } else { Err(refused) }
}

/// Whether a field stands in a unit at all, but not in the service's.
pub(super) fn elsewhere(field: Field) -> bool {
    field.of_socket() || field == Field::LaunchdActivation
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::format::unit::write;
    use crate::spec::Origin;
    use crate::spec::SpecDraft;
    use crate::target::Target;
    use crate::target::divide;

    use super::*;

    fn units(values: &[(Field, &str)]) -> (String, Result<Option<String>, Vec<String>>) {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/web".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let division = divide(&spec, Target::Systemd);
        let service = write(&spec, &division, Path::new("/usr/bin/svcadapt")).unwrap().text;
        let told = |all: Vec<Refused>| all.iter().map(ToString::to_string).collect();
        (service, write_socket(&spec, &division).map_err(told))
    }

    #[test]
    fn a_service_and_its_sockets_know_each_other() {
        let said = [
            (Field::Name, "web"),
            (Field::ListenDatagram, "53"),
            (Field::ListenStream, "[::1]:80"),
            (Field::ListenStream, "/run/a %b"),
            (Field::SocketMode, "660"),
            (Field::BindIPv6Only, "both"),
            (Field::User, "www"),
        ];
        let (service, socket) = units(&said);
        assert!(service.starts_with("[Unit]\nRequires=web.socket\n\n[Service]\n"), "{service}");
        assert!(service.ends_with("[Install]\nWantedBy=multi-user.target\nAlso=web.socket\n"), "{service}");
        assert!(!service.contains("Listen") && !service.contains("svcadapt"), "{service}");
        assert_eq!(
            socket.unwrap().unwrap(),
            "[Socket]\nListenStream=[::1]:80\nListenStream=/run/a %%b\nListenDatagram=53\nSocketMode=0660\n\
             BindIPv6Only=both\n\n[Install]\nWantedBy=sockets.target\n"
        );
    }

    #[test]
    fn each_instance_of_a_template_has_its_own_sockets() {
        let (service, _) = units(&[(Field::Name, "web@"), (Field::ListenStream, "@x")]);
        assert!(service.contains("Requires=web@%i.socket\n"), "{service}");
        assert!(service.contains("Also=web@%i.socket\n"), "{service}");
    }

    #[test]
    fn without_sockets_there_is_no_unit_and_what_cannot_be_written_is_refused() {
        assert_eq!(units(&[(Field::Name, "web")]).1, Ok(None));
        assert_eq!(
            units(&[(Field::ListenStream, "/a\nb")]).1,
            Err(vec!["--listen-stream '/a\\nb': byte 2: a line break ends the line".to_owned()])
        );
    }
}
