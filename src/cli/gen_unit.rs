//! `svcadapt gen-unit`: a service as a systemd unit.

use std::path::Path;

use clap::ArgMatches;
use clap::Command;

use svcadapt::Error;
use svcadapt::format::Rendered;
use svcadapt::format::unit::socket_unit;
use svcadapt::format::unit::write;
use svcadapt::format::unit::write_socket;
use svcadapt::spec::ServiceSpec;
use svcadapt::target::Division;
use svcadapt::target::Target;

use super::Exit;
use super::generate;
use super::generate::Beside;
use super::generate::Format;
use super::generate::Problems;
use super::generate::told;

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("gen-unit")
        .about("Writes a systemd unit for a service, and one for its sockets")
        .defer(generate::options)
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    generate::run(matches, Ok(Unit))
}

struct Unit;

impl Format for Unit {
    const TARGET: Target = Target::Systemd;

    fn file(&self, spec: &ServiceSpec) -> Result<String, Error> {
        match &spec.name {
            Some(name) => Ok(format!("{name}.service")),
            None => {
                Err(Error::new("output", "a file needs a name")
                    .hint("call the service something: --name NAME"))
            }
        }
    }

    fn render(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Problems> {
        write(spec, division, adapter).map_err(told)
    }

    fn beside(&self, spec: &ServiceSpec, division: &Division) -> Result<Option<Beside>, Problems> {
        let Some(text) = write_socket(spec, division).map_err(told)? else { return Ok(None) };
        let Some(name) = socket_unit(spec) else {
            let cause = "the unit of the sockets and that of the service bear one name";
            let error = Error::new("sockets", cause).hint("call the service something: --name NAME");
            return Err(vec![error.to_string()]);
        };
        Ok(Some(Beside { name, text }))
    }
}
