//! Changes an existing unit line by line.
//!
//! The writer is called twice: for the unit as it was read, and for the unit as it has to become. The difference
//! between the two texts, directive by directive, is applied to the user's text. Comments, order, quoting and line ends
//! of all other lines are kept.

mod edit;

use std::collections::BTreeMap;
use std::path::Path;

use svcadapt_spec::{Directive, ServiceSpec, values};

use super::write::write_unchanged;
use super::write_socket::write_socket_unchanged;
use super::{UnitFile, UnitName, UnitText, read, read_socket, write, write_socket};
use crate::directive::Version;
use crate::divide::{Division, Loss, Subject, Systemd, Target, divide, is_known, loss_on_systemd};
use crate::{Rendered, Rewritten};

/// A service unit and its socket unit as they are on disk, without drop-ins.
#[derive(Debug, Clone)]
pub struct OriginalUnit {
    /// The name of the service unit.
    pub name: UnitName,
    /// The service unit.
    pub service: UnitText,
    /// The socket unit.
    pub socket: Option<UnitText>,
}

impl OriginalUnit {
    /// Changes these files so that they mean `spec`; `service` and `socket` are the writers' texts for `spec`.
    ///
    /// `None` if that is not possible line by line; then use the writers' texts.
    pub fn rewrite(
        &self,
        spec: &ServiceSpec,
        division: &Division,
        adapter: &Path,
        service: &Rendered,
        socket: Option<&str>,
    ) -> Option<Rewritten> {
        let Target::Systemd(host) = division.target else { return None };
        let own = self.socket.as_ref();
        let before = spec_of(&self.name, &self.service.file, own.map(|own| &own.file))?;
        let newest = Target::Systemd(Systemd { version: Version::NEWEST, ..Systemd::default() });
        let divided = divide(&before, newest);
        let text =
            edit::edit(&self.service, &write_unchanged(&before, &divided, adapter).ok()?, &service.text)?;
        let sibling = match (own, socket) {
            (Some(own), Some(after)) => {
                let before = write_socket_unchanged(&before, &divided).ok()?.unwrap_or_default();
                Some(edit::edit(own, &before, after)?)
            }
            (_, after) => after.map(|after| after.as_bytes().to_vec()),
        };
        let (unknown_lines, losses): (Vec<_>, Vec<_>) =
            division.losses.iter().cloned().partition(|loss| !line(loss).is_none_or(is_known));
        let is_so = |loss: &Loss| {
            let same = match loss.subject {
                Subject::Field(field) => values(&before, field) == values(spec, field),
                Subject::Directive(ref line) => loss_on_systemd(&spec.native, line, host).is_none(),
                Subject::Key(_) => true,
            };
            same && divided.losses.contains(loss)
        };
        let losses = losses.into_iter().filter(|loss| !is_so(loss)).collect();
        let rewritten = Rewritten { text, sibling, losses, unknown_lines };
        // Compared under the new name, because specifiers can depend on it.
        let named = spec.name.as_ref().and_then(|name| UnitName::parse(&format!("{name}.service")));
        let renamed = Self { name: named?, ..self.clone() };
        let meant =
            renamed.meaning(service.text.as_bytes(), socket.map(str::as_bytes), division.target, adapter);
        let means = renamed.meaning(&rewritten.text, rewritten.sibling.as_deref(), division.target, adapter);
        // An old version can leave too few lines for a valid unit.
        (meant == means).then_some(rewritten)
    }

    /// The meaning of two files: what the writers make of them. Proves that an edited text has the required meaning.
    fn meaning(
        &self,
        service: &[u8],
        socket: Option<&[u8]>,
        target: Target,
        adapter: &Path,
    ) -> Option<[Meaning; 2]> {
        let service = UnitFile::parse(&self.service.file.path, service).ok()?;
        let path = self.socket.as_ref().map_or(Path::new(""), |own| &own.file.path);
        let socket = socket.map(|socket| UnitFile::parse(path, socket)).transpose().ok()?;
        let spec = spec_of(&self.name, &service, socket.as_ref())?;
        let division = divide(&spec, target);
        let service = write(&spec, &division, adapter).ok()?.text;
        let socket = write_socket(&spec, &division).ok()?.unwrap_or_default();
        Some([directives(&service)?, directives(&socket)?])
    }
}

/// The spec of a unit without drop-ins.
fn spec_of(name: &UnitName, service: &UnitFile, socket: Option<&UnitFile>) -> Option<ServiceSpec> {
    let mut reading = read(name, service, &[]).ok()?;
    if let Some(socket) = socket {
        read_socket(name, socket, &[], &mut reading).ok()?;
    }
    reading.draft.finish_native().ok()
}

fn line(loss: &Loss) -> Option<&Directive> {
    match &loss.subject {
        Subject::Directive(line) => Some(line),
        Subject::Field(_) | Subject::Key(_) => None,
    }
}

/// The values of each section and directive.
type Meaning = BTreeMap<(String, String), Vec<String>>;

fn directives(text: &str) -> Option<Meaning> {
    let file = UnitFile::parse(Path::new(""), text.as_bytes()).ok()?;
    let mut all = Meaning::new();
    for line in &file.lines {
        let key = (file.section(line).to_owned(), line.key.clone());
        all.entry(key).or_default().push(line.value.clone());
    }
    Some(all)
}
