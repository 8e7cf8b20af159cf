//! The `.socket` beside a service, read into the service's draft (systemd.socket(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::{Directive, Field, Native, Origin, SpecError, ValueError};

use super::fields::{as_taken, trial};
use super::kept::native;
use super::read::{Given, kept};
use super::specifiers::{Why, resolve};
use super::{Kept, Reading, Reason, UnitFile, UnitName};

/// The directives that add a socket.
const LISTEN: [(&str, Field); 3] = [
    ("ListenStream", Field::ListenStream),
    ("ListenDatagram", Field::ListenDatagram),
    ("ListenSequentialPacket", Field::ListenSequentialPacket),
];

/// The others: an empty value of any of all these forgets every one of them.
const LISTEN_OTHERWISE: [&str; 5] =
    ["ListenFIFO", "ListenSpecial", "ListenNetlink", "ListenMessageQueue", "ListenUSBFunction"];

const SETTINGS: [Field; 6] = [
    Field::FileDescriptorName,
    Field::SocketMode,
    Field::SocketUser,
    Field::SocketGroup,
    Field::BindIPv6Only,
    Field::Backlog,
];

/// Reads the unit with the sockets of `service`, and its drop-ins in the order in which they are given, into what the
/// service's own unit says.
///
/// Sockets that are another service's, or that are accepted on before the program is started (`Accept=yes`), are kept
/// and named. An error is what systemd refuses the unit for.
pub fn read_socket(
    service: &UnitName,
    unit: &UnitFile,
    drop_ins: &[UnitFile],
    reading: &mut Reading,
) -> Result<(), Vec<SpecError>> {
    if unit.empty {
        return Ok(());
    }
    let mut reader = Reader {
        name: service.socket(),
        listen: Vec::new(),
        settings: Vec::new(),
        accepts: None,
        service: None,
        kept: Vec::new(),
        warnings: Vec::new(),
    };
    for file in std::iter::once(unit).chain(drop_ins) {
        reader.warnings.extend(file.warnings.iter().cloned());
        for line in &file.lines {
            let origin = Origin::in_file(&file.path, Some(line.spot.clone()));
            reader.line(&Given { file, line, origin });
        }
    }
    reader.settle(service, unit, reading)
}

/// One value for the draft.
struct Said {
    field: Field,
    value: OsString,
    /// As it stands.
    whole: Kept,
}

struct Reader {
    name: UnitName,
    listen: Vec<Said>,
    settings: Vec<Said>,
    /// `Accept=`.
    accepts: Option<Kept>,
    /// `Service=`, and the name in it.
    service: Option<(Kept, Vec<u8>)>,
    kept: Vec<Kept>,
    warnings: Vec<SpecError>,
}

impl Reader {
    fn line(&mut self, given: &Given) {
        let (key, value) = (given.line.key.as_str(), given.line.value.as_str());
        let section = given.file.section(given.line);
        if section != "Socket" {
            if !section.starts_with("X-") && !["Unit", "Install"].contains(&section) {
                self.warn(given, "a unit with sockets has no such section; systemd ignores it");
            }
            return self.keep(given, Reason::NoField);
        }
        let listen = LISTEN.iter().find(|(directive, _)| *directive == key).map(|(_, field)| *field);
        let setting = SETTINGS.into_iter().find(|field| field.directive() == key);
        if value.is_empty() && (listen.is_some() || LISTEN_OTHERWISE.contains(&key)) {
            self.listen.clear();
            return self.kept.retain(|kept| !kept.directive.starts_with("Listen"));
        }
        match (listen.or(setting), key) {
            (Some(field), _) if value.is_empty() => {
                self.settings.retain(|said| said.field != field);
                if !matches!(field, Field::FileDescriptorName | Field::SocketUser | Field::SocketGroup) {
                    self.warn(given, "an empty value says nothing here; systemd ignores it");
                }
            }
            (Some(field), _) => self.field(given, field),
            (None, "Accept") => {
                let yes = svcadapt_spec::boolean(value) == Some(true);
                let cause =
                    "svcadapt starts no process for each connection, and so none of these sockets is opened";
                self.accepts =
                    Some(of_sockets(given, if yes { Reason::Partly(cause.into()) } else { Reason::NoField }));
            }
            (None, "Service") => {
                // Of a template the instance is not known, and not needed.
                let value = if self.name.is_template() { value.replace("%i", "") } else { value.to_owned() };
                let resolved = resolve(value.as_bytes(), &self.name, &given.file.path);
                let name = resolved.unwrap_or_else(|_| value.into_bytes());
                let cause = "these sockets are another service's, and none is opened";
                self.service = Some((of_sockets(given, Reason::Ignored(cause.into())), name));
            }
            (None, _) => self.keep(given, Reason::NoField),
        }
    }

    fn field(&mut self, given: &Given, field: Field) {
        let value = match resolve(given.line.value.as_bytes(), &self.name, &given.file.path) {
            Ok(value) => as_taken(field, OsString::from_vec(value)),
            Err(why) => {
                if !matches!(why.why, Why::OfTheHost | Why::OfTheInstance) {
                    self.warn(given, &why.to_string());
                }
                return self.keep(given, Reason::Unusable(why.to_string()));
            }
        };
        match trial(field, &value) {
            Ok(()) => {
                let said = Said { field, value, whole: of_sockets(given, Reason::NoField) };
                if LISTEN.iter().any(|(_, listen)| *listen == field) {
                    self.listen.push(said);
                } else {
                    self.settings.push(said);
                }
            }
            // It may be an address that only systemd knows.
            Err(ValueError { cause, .. }) => self.keep(given, Reason::Unusable(cause)),
        }
    }

    fn keep(&mut self, given: &Given, reason: Reason) {
        self.kept.push(of_sockets(given, reason));
    }

    fn warn(&mut self, given: &Given, what: &str) {
        self.warnings.push(SpecError::at(&given.origin, format!("{}=: {what}", given.line.key)));
    }

    fn settle(
        mut self,
        service: &UnitName,
        unit: &UnitFile,
        reading: &mut Reading,
    ) -> Result<(), Vec<SpecError>> {
        reading.warnings.append(&mut self.warnings);
        if let Some((whole, name)) = self.service.take() {
            let ours =
                name.is_empty() || name == service.as_str().as_bytes() || is_template_of(service, &name);
            if !ours {
                reading.kept.push(whole);
                return Ok(());
            }
            self.kept.push(Kept { reason: Reason::NoField, ..whole });
        }
        if self.listen.is_empty() && !self.kept.iter().any(|kept| kept.directive.starts_with("Listen")) {
            let why = "a socket unit needs an address to listen on; systemd refuses it";
            return Err(vec![SpecError::in_file(&unit.path, None, why)]);
        }
        let accepts = self.accepts.take();
        let each = accepts.as_ref().is_some_and(|whole| whole.reason != Reason::NoField);
        self.kept.extend(accepts);
        if each || self.listen.is_empty() {
            // Nothing is left that the others could be said of.
            let all = self.listen.drain(..).chain(self.settings.drain(..));
            self.kept.extend(all.map(|said| said.whole));
        }
        for said in self.listen.into_iter().chain(self.settings) {
            reading.draft.assign(said.field, said.value, said.whole.origin);
        }
        // Written again, each unit says what it said; and that the two belong together is no news.
        let mut lines = native(&reading.kept);
        lines.extend(native(&self.kept));
        let install = format!("{}Install", Native::SOCKET_UNIT_PREFIX);
        if lines.iter().all(|line| line.section() != install) {
            // Nothing wants these sockets, which is said so that nobody says that something does.
            lines.extend(Directive::new(&install, "WantedBy", ""));
        }
        reading.draft.native(Native { systemd: Some(Native::group_directives(lines)), launchd: Vec::new() });
        let own = self.name.as_str().as_bytes();
        reading.kept.retain(|kept| !ties(kept, own, service));
        reading.kept.extend(self.kept);
        Ok(())
    }
}

/// The line, kept apart from those of the service.
fn of_sockets(given: &Given, reason: Reason) -> Kept {
    let whole = kept(given, reason);
    Kept { section: format!("{}{}", Native::SOCKET_UNIT_PREFIX, whole.section), ..whole }
}

/// `web@.service`, for `web@1.service`.
fn is_template_of(service: &UnitName, name: &[u8]) -> bool {
    service.template().is_some_and(|template| template.as_str().as_bytes() == name)
}

/// Whether an assignment of the service says no more than that these are its sockets.
fn ties(kept: &Kept, own: &[u8], service: &UnitName) -> bool {
    let where_it_may = matches!(
        (kept.section.as_str(), kept.directive.as_str()),
        ("Unit", "Requires" | "After" | "Wants" | "BindsTo" | "Requisite")
            | ("Service", "Sockets")
            | ("Install", "Also")
    );
    let path = match &kept.origin {
        Origin::File { path, .. } => path.as_path(),
        Origin::Option => return false,
    };
    where_it_may && resolve(kept.value.as_bytes(), service, path).is_ok_and(|value| value == own)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use svcadapt_spec::ServiceSpec;

    use super::super::read;
    use super::*;

    fn reading(service: &str, socket: &str) -> Result<Reading, Vec<String>> {
        let told = |faults: Vec<SpecError>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
        let name = UnitName::parse("web.service").unwrap();
        let service = format!("[Service]\nExecStart=/bin/web\n{service}");
        let service = UnitFile::parse(Path::new("/u/web.service"), service.as_bytes()).map_err(told)?;
        let socket = UnitFile::parse(Path::new("/u/web.socket"), socket.as_bytes()).map_err(told)?;
        let mut reading = read(&name, &service, &[]).map_err(told)?;
        read_socket(&name, &socket, &[], &mut reading).map_err(told)?;
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
            .map(|kept| format!("{}={} {}", kept.directive, kept.value, kept.cause()))
            .collect()
    }

    fn addresses(socket: &str) -> Vec<String> {
        spec(socket).sockets.listen.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_address_is_read_and_an_empty_one_forgets_all() {
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
    fn what_is_not_acted_on_is_named() {
        let text = "[Unit]\nDescription=x\nAfter=a\n[Socket]\nListenStream=80\nListenStream=vsock:2:80\nListenFIFO=/f\n\
                    KeepAlive=yes\nAccept=no\nRemoveOnStop=no\n[Install]\nWantedBy=sockets.target\n";
        assert_eq!(addresses(text), ["80"]);
        let told: Vec<_> =
            not_honoured("", text).iter().map(|told| told[..told.find(' ').unwrap()].to_owned()).collect();
        assert_eq!(told, ["After=a", "ListenStream=vsock:2:80", "ListenFIFO=/f", "KeepAlive=yes"]);
        let order = "[Socket]\nListenDatagram=53\nListenStream=53\n";
        assert_eq!(addresses(order), ["53 for datagrams", "53"]);
    }

    #[test]
    fn sockets_of_somebody_else_and_for_one_connection_each_are_none() {
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
    fn what_ties_the_units_together_is_no_news() {
        let ties =
            "Sockets=web.socket\n[Unit]\nRequires=%N.socket\nAfter=web.socket\n[Install]\nAlso=web.socket\n";
        assert_eq!(not_honoured(ties, "[Socket]\nListenStream=80\n"), [""; 0]);
        assert_eq!(not_honoured("[Unit]\nRequires=other.socket\n", "[Socket]\nListenStream=80\n").len(), 1);
    }

    #[test]
    fn a_unit_that_listens_nowhere_is_refused_and_a_masked_one_is_none() {
        assert_eq!(
            reading("", "[Socket]\nSocketMode=600\n").unwrap_err(),
            ["/u/web.socket: a socket unit needs an address to listen on; systemd refuses it"]
        );
        assert_eq!(addresses(""), [""; 0]);
    }
}
