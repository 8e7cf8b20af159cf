//! Reads the `.socket` unit of a service into the service's draft (systemd.socket(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::{Directive, FIELDS, Field, Native, Origin, Socket, SocketOption, SpecError, ValueError};

use super::site::Site;
use super::specifiers::resolve;
use super::unmapped::native;
use super::value::{check_value, permission_bits};
use super::{ParsedUnit, UnitFile, UnitName, Unmapped, UnmappedReason};

/// The directive that adds files and has no field. An empty value of any `Listen…=` resets them all.
const LISTEN_OTHERWISE: &str = "ListenUSBFunction";

/// The field of a directive that adds a socket.
fn listening(directive: &str) -> Option<Field> {
    let mut adding = FIELDS.iter().filter(|row| Socket::kind_of(row.field).is_some());
    adding.find(|row| row.directive == directive).map(|row| row.field)
}

/// The setting of sockets that has this directive.
fn setting(directive: &str) -> Option<Field> {
    let mut settings =
        FIELDS.iter().filter(|row| row.field.is_socket_field() && Socket::kind_of(row.field).is_none());
    // Only the socket unit of a template starts a process for each connection.
    let accept = Field::SocketOption(SocketOption::Accept);
    settings.find(|row| row.field.socket_directive() == directive && row.field != accept).map(|row| row.field)
}

/// Reads the socket unit of `service`, and its drop-ins in the given order, and adds them to the parsed service unit.
///
/// Sockets of another service and sockets with `Accept=yes` are added to [`ParsedUnit::unmapped`], not to the draft. An
/// error is what makes systemd refuse the unit.
pub fn read_socket(
    service: &UnitName,
    unit: &UnitFile,
    drop_ins: &[UnitFile],
    reading: &mut ParsedUnit,
) -> Result<(), Vec<SpecError>> {
    if unit.empty {
        return Ok(());
    }
    let file_name = unit.path.file_name().and_then(|name| name.to_str());
    let accepting = service.accepting_socket().filter(|name| file_name == Some(name.as_str()));
    let mut reader = SocketReader {
        name: accepting.clone().unwrap_or_else(|| service.socket()),
        listen: Vec::new(),
        settings: Vec::new(),
        accepts: None,
        service: None,
        unmapped: Vec::new(),
        warnings: Vec::new(),
    };
    for file in std::iter::once(unit).chain(drop_ins) {
        reader.warnings.extend(file.warnings.iter().cloned());
        for line in &file.lines {
            let origin = Origin::in_file(&file.path, Some(line.spot.clone()));
            reader.line(&Site { file, line, origin });
        }
    }
    if accepting.is_some() {
        reader.take_connections();
    }
    reader.finish(service, unit, reading)
}

/// A value of a field, for the draft.
struct SocketValue {
    field: Field,
    value: OsString,
    /// The line, verbatim.
    line: Unmapped,
}

struct SocketReader {
    name: UnitName,
    listen: Vec<SocketValue>,
    settings: Vec<SocketValue>,
    /// The line `Accept=`.
    accepts: Option<Unmapped>,
    /// The line `Service=`, and its value with specifiers replaced.
    service: Option<(Unmapped, Vec<u8>)>,
    unmapped: Vec<Unmapped>,
    warnings: Vec<SpecError>,
}

impl SocketReader {
    fn line(&mut self, site: &Site) {
        let (key, value) = (site.line.key.as_str(), site.line.value.as_str());
        let section = site.file.section(site.line);
        if section != "Socket" {
            if !section.starts_with("X-") && !["Unit", "Install"].contains(&section) {
                self.warn(site, "unknown section for a socket unit; systemd ignores it");
            }
            return self.keep(site, UnmappedReason::NoField);
        }
        let listen = listening(key);
        let setting = setting(key);
        if value.is_empty() && (listen.is_some() || key == LISTEN_OTHERWISE) {
            self.listen.clear();
            return self.unmapped.retain(|line| !line.directive.starts_with("Listen"));
        }
        match (listen.or(setting), key) {
            (Some(field), _) if value.is_empty() => {
                self.settings.retain(|setting| setting.field != field);
                let resets = matches!(
                    field,
                    Field::FileDescriptorName
                        | Field::SocketUser
                        | Field::SocketGroup
                        | Field::SocketCommand(_)
                        | Field::SocketOption(SocketOption::BindToDevice | SocketOption::TcpCongestion)
                );
                if !resets {
                    self.warn(site, "systemd ignores an empty value here");
                }
            }
            (Some(field), _) => self.field(site, field),
            (None, "Accept") => self.accept(site),
            (None, "Service") => {
                // The instance of a template is not known, and not needed.
                let value = if self.name.is_template() { value.replace("%i", "") } else { value.to_owned() };
                let resolved = resolve(value.as_bytes(), &self.name, &site.file.path);
                let name = resolved.unwrap_or_else(|_| value.into_bytes());
                let cause = "these sockets belong to another service, and are not opened";
                self.service = Some((of_sockets(site, UnmappedReason::Ignored(cause.into())), name));
            }
            (None, _) => self.keep(site, UnmappedReason::NoField),
        }
    }

    /// Only the socket unit of a template can start a process for each connection.
    fn accept(&mut self, site: &Site) {
        let field = Field::SocketOption(SocketOption::Accept);
        self.accepts = None;
        self.settings.retain(|setting| setting.field != field);
        if svcadapt_spec::boolean(&site.line.value) == Some(true) {
            let cause = "only of a template, NAME@.service, a process is started for each connection; \
                         these sockets are not opened";
            self.accepts = Some(of_sockets(site, UnmappedReason::Partly(cause.into())));
        } else {
            self.field(site, field);
        }
    }

    /// The service is a template: an instance of it has each connection.
    fn take_connections(&mut self) {
        self.settings.extend(self.accepts.take().map(|line| SocketValue {
            field: Field::SocketOption(SocketOption::Accept),
            value: "yes".into(),
            line: Unmapped { reason: UnmappedReason::NoField, ..line },
        }));
    }

    fn field(&mut self, site: &Site, field: Field) {
        let value = match resolve(site.line.value.as_bytes(), &self.name, &site.file.path) {
            Ok(value) => permission_bits(field, OsString::from_vec(value)),
            Err(error) => {
                if !error.is_unknown_here() {
                    self.warn(site, &error.to_string());
                }
                return self.keep(site, UnmappedReason::Unusable(error.to_string()));
            }
        };
        match check_value(field, &value) {
            Ok(()) => {
                let value = SocketValue { field, value, line: of_sockets(site, UnmappedReason::NoField) };
                if Socket::kind_of(field).is_some() {
                    self.listen.push(value);
                } else {
                    self.settings.push(value);
                }
            }
            // It can be an address that only systemd supports.
            Err(ValueError { cause, .. }) => self.keep(site, UnmappedReason::Unusable(cause)),
        }
    }

    fn keep(&mut self, site: &Site, reason: UnmappedReason) {
        self.unmapped.push(of_sockets(site, reason));
    }

    fn warn(&mut self, site: &Site, what: &str) {
        self.warnings.push(SpecError::at(&site.origin, format!("{}=: {what}", site.line.key)));
    }

    fn finish(
        mut self,
        service: &UnitName,
        unit: &UnitFile,
        reading: &mut ParsedUnit,
    ) -> Result<(), Vec<SpecError>> {
        reading.warnings.append(&mut self.warnings);
        if let Some((line, name)) = self.service.take() {
            let ours =
                name.is_empty() || name == service.as_str().as_bytes() || is_template_of(service, &name);
            if !ours {
                reading.unmapped.push(line);
                return Ok(());
            }
            self.unmapped.push(Unmapped { reason: UnmappedReason::NoField, ..line });
        }
        if self.listen.is_empty() && !self.unmapped.iter().any(|line| line.directive.starts_with("Listen")) {
            let why = "a socket unit needs an address to listen on; systemd refuses this one";
            return Err(vec![SpecError::in_file(&unit.path, None, why)]);
        }
        let accepts = self.accepts.take();
        let each = accepts.is_some();
        self.unmapped.extend(accepts);
        if each || self.listen.is_empty() {
            // Without an address there is no socket that the settings could apply to.
            let all = self.listen.drain(..).chain(self.settings.drain(..));
            self.unmapped.extend(all.map(|value| value.line));
        }
        for SocketValue { field, value, line } in self.listen.into_iter().chain(self.settings) {
            reading.draft.assign(field, value, line.origin);
        }
        // The native lines keep both units complete; only the lines that tie the two together are dropped.
        let mut lines = native(&reading.unmapped);
        lines.extend(native(&self.unmapped));
        let install = format!("{}Install", Native::SOCKET_UNIT_PREFIX);
        if lines.iter().all(|line| line.section() != install) {
            // An explicit empty value keeps the writer from adding its default, WantedBy=sockets.target.
            lines.extend(Directive::new(&install, "WantedBy", ""));
        }
        reading.draft.native(Native { systemd: Some(Native::group_directives(lines)), launchd: Vec::new() });
        let own = self.name.as_str().as_bytes();
        reading.unmapped.retain(|line| !ties(line, own, service));
        reading.unmapped.extend(self.unmapped);
        Ok(())
    }
}

/// The line with a section that marks it as one of the socket unit.
fn of_sockets(site: &Site, reason: UnmappedReason) -> Unmapped {
    let line = site.unmapped(reason);
    Unmapped { section: format!("{}{}", Native::SOCKET_UNIT_PREFIX, line.section), ..line }
}

/// Whether `name` is the template of the service: `web@.service` for `web@1.service`.
fn is_template_of(service: &UnitName, name: &[u8]) -> bool {
    service.template().is_some_and(|template| template.as_str().as_bytes() == name)
}

/// Whether an assignment only ties the service to its sockets.
fn ties(line: &Unmapped, own: &[u8], service: &UnitName) -> bool {
    let is_dependency = matches!(
        (line.section.as_str(), line.directive.as_str()),
        ("Unit", "Requires" | "After" | "Wants" | "BindsTo" | "Requisite")
            | ("Service", "Sockets")
            | ("Install", "Also")
    );
    let path = match &line.origin {
        Origin::File { path, .. } => path.as_path(),
        Origin::Option => return false,
    };
    is_dependency && resolve(line.value.as_bytes(), service, path).is_ok_and(|value| value == own)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use svcadapt_spec::ServiceSpec;

    use super::super::read;
    use super::*;

    fn reading(service: &str, socket: &str) -> Result<ParsedUnit, Vec<String>> {
        let texts = |faults: Vec<SpecError>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        let name = UnitName::parse("web.service").unwrap();
        let service = format!("[Service]\nExecStart=/bin/web\n{service}");
        let service = UnitFile::parse(Path::new("/u/web.service"), service.as_bytes()).map_err(texts)?;
        let socket = UnitFile::parse(Path::new("/u/web.socket"), socket.as_bytes()).map_err(texts)?;
        let mut reading = read(&name, &service, &[]).map_err(texts)?;
        read_socket(&name, &socket, &[], &mut reading).map_err(texts)?;
        Ok(reading)
    }

    fn spec(socket: &str) -> ServiceSpec {
        reading("", socket).unwrap().draft.finish().unwrap()
    }

    fn not_honoured(service: &str, socket: &str) -> Vec<String> {
        let reading = reading(service, socket).unwrap();
        reading
            .not_honoured()
            .iter()
            .map(|line| format!("{}={} {}", line.directive, line.value, line.cause()))
            .collect()
    }

    fn addresses(socket: &str) -> Vec<String> {
        spec(socket).sockets.listen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn empty_address_resets_all_addresses() {
        let text = "[Socket]\nListenStream=80\nListenDatagram=1.2.3.4:53\nListenSequentialPacket=@%N\n\
                    SocketMode=0660\nSocketUser=www\nFileDescriptorName=%n\nBindIPv6Only=both\nBacklog=5\n";
        let sockets = spec(text).sockets;
        assert_eq!(sockets.listen.len(), 3);
        assert_eq!(sockets.listen[2].address.to_string(), "@web");
        assert_eq!(sockets.name.unwrap().as_str(), "web.socket");
        assert_eq!((sockets.mode.unwrap().bits(), sockets.backlog), (0o660, Some(5)));
        assert_eq!(addresses(&format!("{text}ListenDatagram=\nListenStream=/a%%b\n")), ["/a%b"]);
        assert_eq!(addresses(&format!("{text}ListenFIFO=\nListenStream=1\n")), ["1"]);
    }

    #[test]
    fn unsupported_socket_settings_are_reported() {
        let text = "[Unit]\nDescription=x\nAfter=a\n[Socket]\nListenStream=80\nListenStream=vsock:2:80\nListenUSBFunction=/f\n\
                    Timestamping=us\nAccept=no\nRemoveOnStop=no\n[Install]\nWantedBy=sockets.target\n";
        assert_eq!(addresses(text), ["80"]);
        let lines: Vec<_> =
            not_honoured("", text).iter().map(|line| line[..line.find(' ').unwrap()].to_owned()).collect();
        assert_eq!(lines, ["After=a", "ListenStream=vsock:2:80", "ListenUSBFunction=/f", "Timestamping=us"]);
        let order = "[Socket]\nListenDatagram=53\nListenStream=53\n";
        assert_eq!(addresses(order), ["53 for datagrams", "53"]);
    }

    #[test]
    fn sockets_of_another_service_or_with_accept_are_not_opened() {
        let text = |line: &str| format!("[Socket]\nListenStream=80\nSocketMode=600\n{line}\n");
        for (line, count) in [("Accept=yes", 3), ("Service=other.service", 1)] {
            assert_eq!(addresses(&text(line)), [""; 0]);
            let all = not_honoured("", &text(line));
            assert!(all.len() == count && all[0].starts_with(line), "{all:?}");
        }
        assert_eq!(addresses("[Socket]\nListenStream=80\nService=%N.service\n"), ["80"]);
        assert_eq!(addresses("[Socket]\nListenStream=80\nAccept=yes\nAccept=no\n"), ["80"]);
    }

    #[test]
    fn dependency_on_own_socket_unit_is_not_reported() {
        let ties =
            "Sockets=web.socket\n[Unit]\nRequires=%N.socket\nAfter=web.socket\n[Install]\nAlso=web.socket\n";
        assert_eq!(not_honoured(ties, "[Socket]\nListenStream=80\n"), [""; 0]);
        assert_eq!(not_honoured("[Unit]\nRequires=other.socket\n", "[Socket]\nListenStream=80\n").len(), 1);
    }

    #[test]
    fn socket_unit_without_address_is_refused_and_an_empty_file_is_ignored() {
        assert_eq!(
            reading("", "[Socket]\nSocketMode=600\n").unwrap_err(),
            ["/u/web.socket: a socket unit needs an address to listen on; systemd refuses this one"]
        );
        assert_eq!(addresses(""), [""; 0]);
    }
}
