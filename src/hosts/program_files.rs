//! The files of a program that installs itself, for each manager.

use std::path::Path;

use svcadapt::StepError;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Division, Systemd, Target, divide};
use svcadapt_convert::plist::{Label, write as write_job};
use svcadapt_convert::script::ScriptFile;
use svcadapt_convert::{WriteError, script, unit};
use svcadapt_spec::{Restart, ServiceSpec, ServiceType};

use super::{Host, OutputFile, ServiceManager, systemd};

/// The files of a service whose program does itself what the manager leaves to svcadapt.
pub(crate) fn files(spec: &ServiceSpec, manager: ServiceManager) -> Result<Vec<OutputFile>, StepError> {
    let target = target(manager);
    let mut spec = spec.clone();
    match target {
        // What enters a service reports its readiness.
        Target::Systemd(_) => spec.service_type = Some(ServiceType::Notify),
        // supervise-daemon starts a program again after every end.
        Target::OpenRc => spec.restart = Some(Restart::Always),
        _ => {}
    }
    // `Daemon::run` does in the program what `svcadapt run` would do before it.
    let division = Division { adapter: Vec::new(), ..divide(&spec, target) };
    written(&spec, &division).map_err(|causes| {
        StepError::new("service", causes).of(spec.name.iter().map(ToString::to_string).collect::<String>())
    })
}

/// The files; the error is why a file cannot have this service.
fn written(spec: &ServiceSpec, division: &Division) -> Result<Vec<OutputFile>, String> {
    let name = spec.name.as_ref().map(ToString::to_string).unwrap_or_default();
    // There is no adapter.
    let adapter = Path::new("");
    let failed =
        |errors: Vec<WriteError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match division.target {
        Target::Systemd(_) => {
            let service = unit::write(spec, division, adapter).map_err(failed)?;
            let service = OutputFile::read_only(format!("{name}.service"), service.text.into_bytes());
            let sockets = unit::write_socket(spec, division).map_err(failed)?;
            let sockets = sockets.zip(unit::socket_unit(spec));
            let sockets = sockets.map(|(text, name)| OutputFile::read_only(name, text.into_bytes()));
            Ok([service].into_iter().chain(sockets).collect())
        }
        Target::Launchd(_) => {
            let label = Label::parse(name.as_ref()).map_err(|error| error.cause)?;
            let job = write_job(spec, division, &label, adapter).map_err(failed)?;
            Ok(vec![OutputFile::read_only(format!("{label}.plist"), job.text.into_bytes())])
        }
        Target::OpenRc | Target::Runit | Target::S6 | Target::SysV | Target::Classic => {
            let files = script::write(spec, division, adapter).map_err(failed)?;
            let is_supervised = |file: &ScriptFile| {
                file.text.split(|byte| *byte == b'\n').any(|line| line == b"supervisor=supervise-daemon")
            };
            let needs_adapter = match division.target {
                Target::OpenRc => !files.iter().all(is_supervised),
                target => matches!(target, Target::SysV | Target::Classic),
            };
            if needs_adapter {
                return Err("an init script would need svcadapt to start and stop the program".to_owned());
            }
            let output = |ScriptFile { path, mode, text }| OutputFile { path, mode, text };
            Ok(files.into_iter().map(output).collect())
        }
    }
}

fn target(manager: ServiceManager) -> Target {
    match manager.host {
        Host::Systemd => {
            let installed = systemd::version().map(|version| version.to_string());
            let version = installed.and_then(|version| Version::parse(version.as_ref()).ok());
            Target::Systemd(Systemd { version: version.unwrap_or_default(), scope: manager.scope })
        }
        Host::Launchd => Target::Launchd(manager.scope),
        Host::OpenRc => Target::OpenRc,
        Host::Runit => Target::Runit,
        Host::S6 => Target::S6,
        Host::Daemontools | Host::Supervisord | Host::SysV => Target::SysV,
    }
}
