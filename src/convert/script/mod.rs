//! Files of hosts that start services with shell scripts: OpenRC, runit, s6 and System V. One file a host, with what it
//! reads; they share how a word is quoted for a shell (`shell`) and which ends are final (`finish`).

mod file;
mod finish;
mod openrc;
mod runit;
mod s6;
mod shell;
mod sysv;

use std::ffi::OsStr;
use std::path::Path;

pub use file::ScriptFile;
use svcadapt_spec::{Field, ServiceName, ServiceSpec};

use crate::divide::{Division, Place, Target};
use crate::{QuoteError, WriteError};

/// Writes the files of a division for OpenRC, runit, s6 or System V: their paths below the directory of that host's
/// services. `adapter` is the path of svcadapt on the host. Errors: every value that they cannot have, and a name that is
/// missing. For any other host there is no file.
pub fn write(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
) -> Result<Vec<ScriptFile>, Vec<WriteError>> {
    let service =
        Service { spec, division, adapter, name: name(spec, division.target).map_err(|error| vec![error])? };
    match division.target {
        Target::OpenRc => openrc::files(&service),
        Target::Runit => runit::files(&service),
        Target::S6 => s6::files(&service),
        Target::SysV => sysv::files(&service),
        Target::Systemd(_) | Target::Launchd(_) | Target::Classic => Ok(Vec::new()),
    }
}

/// The paths of files that the host reads, whether or not they are written for this service.
pub fn paths(target: Target, name: &ServiceName) -> Vec<String> {
    let files: &[&str] = match target {
        Target::Runit => runit::FILES,
        Target::S6 => s6::FILES,
        _ => &[],
    };
    files.iter().map(|file| format!("{name}/{file}")).collect()
}

/// A service, and who does what.
struct Service<'a> {
    spec: &'a ServiceSpec,
    division: &'a Division,
    adapter: &'a Path,
    name: &'a ServiceName,
}

impl Service<'_> {
    /// The name and the description, for a comment.
    fn title(&self) -> String {
        let description = self.spec.description.iter().map(|text| format!(": {text}"));
        let title = format!("{}{}", self.name, description.collect::<String>());
        title.replace(char::is_control, " ")
    }

    /// The command that the host starts; a line that continues it begins with so many blanks.
    fn command(&self, indent: usize) -> Result<Vec<u8>, Vec<WriteError>> {
        shell::command(&crate::divide::command(self.spec, self.division, self.adapter), indent)
    }

    /// A command about the service: `svcadapt WORDS... NAME`.
    fn ask(&self, words: &[&str]) -> Result<Vec<u8>, Vec<WriteError>> {
        let words = words.iter().copied().chain([self.name.as_str()]).map(OsStr::new);
        let quoted = std::iter::once(self.adapter.as_os_str()).chain(words);
        let quoted: Result<Vec<_>, _> = quoted.map(|word| shell::word(Place::Adapter, word)).collect();
        Ok(quoted.map_err(|error| vec![error])?.join(&b' '))
    }

    /// Whether `svcadapt reload` reloads it.
    fn reloads(&self) -> bool {
        crate::divide::reload_signal(self.spec).is_some() || !self.spec.commands.reload.is_empty()
    }
}

/// The name of the file or the directory.
fn name(spec: &ServiceSpec, target: Target) -> Result<&ServiceName, WriteError> {
    let place = Place::Field(Field::Name);
    let Some(name) = &spec.name else {
        return Err(QuoteError::new(0, "the service has no name").in_value(place, OsStr::new("")));
    };
    let text = name.as_str();
    let is_script = matches!(target, Target::OpenRc | Target::SysV);
    match text.strip_suffix(".sh") {
        Some(stem) if is_script => {
            let why = "a script of this name would be read into the shell of the boot, not executed";
            Err(QuoteError::new(stem.len(), why).in_value(place, text.as_ref()))
        }
        _ => Ok(name),
    }
}
