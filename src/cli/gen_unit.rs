//! `svcadapt gen-unit`: a service as a systemd unit.

use std::ffi::OsString;
use std::path::Path;

use clap::Arg;
use clap::ArgMatches;
use clap::Command;
use clap::value_parser;

use svcadapt::Error;
use svcadapt::format::Rendered;
use svcadapt::format::unit::write;
use svcadapt::spec::ServiceSpec;
use svcadapt::target::Division;
use svcadapt::target::Systemd;
use svcadapt::target::Target;
use svcadapt::target::Version;

use super::Exit;
use super::generate;
use super::generate::Format;
use super::generate::Problems;
use super::generate::told;

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("gen-unit").about("Writes a systemd unit for a service").defer(options)
}

fn options(command: Command) -> Command {
    generate::options(command).arg(
        Arg::new("systemd-version")
            .long("systemd-version")
            .value_name("N")
            .help("Write what this version of systemd knows, 239 to 262 [252]")
            .help_heading("The file")
            .value_parser(value_parser!(OsString)),
    )
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let version = matches.get_one::<OsString>("systemd-version");
    let version = version.map(|said| {
        Version::parse(said).map_err(|refusal| {
            let error = Error::new("--systemd-version", refusal.cause).of(said.to_string_lossy());
            Error { hint: refusal.hint, ..error }
        })
    });
    let scope = generate::scope(matches);
    generate::run(
        matches,
        version.transpose().map(|version| Unit(Systemd { version: version.unwrap_or_default(), scope })),
    )
}

/// For this systemd.
struct Unit(Systemd);

impl Format for Unit {
    const NATIVE: bool = true;

    fn target(&self) -> Target {
        Target::Systemd(self.0)
    }

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
}
