//! `svcadapt gen-plist`: a service as a property list of launchd.

use std::ffi::OsString;
use std::path::Path;

use clap::Arg;
use clap::ArgMatches;
use clap::Command;
use clap::value_parser;

use svcadapt::Error;
use svcadapt::format::Refused;
use svcadapt::format::Rendered;
use svcadapt::format::plist::Label;
use svcadapt::format::plist::write;
use svcadapt::spec::ServiceSpec;
use svcadapt::target::Division;
use svcadapt::target::Target;

use super::Exit;
use super::generate;
use super::generate::Format;

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("gen-plist").about("Write a launchd property list for a service").defer(options)
}

fn options(command: Command) -> Command {
    generate::options(command).arg(
        Arg::new("label")
            .long("label")
            .value_name("LABEL")
            .help("What launchd calls the job, as in org.example.web; the file bears this name")
            .help_heading("The file")
            .required(true)
            .value_parser(value_parser!(OsString)),
    )
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let given = matches.get_one::<OsString>("label").cloned().unwrap_or_default();
    let label = Label::parse(&given).map_err(|refusal| {
        let error = Error::new("--label", refusal.cause).of(given.to_string_lossy());
        Error { hint: refusal.hint, ..error }
    });
    generate::run(matches, label.map(Plist))
}

struct Plist(Label);

impl Format for Plist {
    const TARGET: Target = Target::Launchd;

    fn file(&self, _: &ServiceSpec) -> Result<String, Error> {
        Ok(format!("{}.plist", self.0))
    }

    fn render(
        &self,
        spec: &ServiceSpec,
        division: &Division,
        adapter: &Path,
    ) -> Result<Rendered, Vec<Refused>> {
        write(spec, division, &self.0, adapter)
    }
}
