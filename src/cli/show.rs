//! `svcadapt show`: a service as the neutral model, and the model's schema.

use clap::{Arg, ArgAction, ArgMatches, Command};
use svcadapt_convert::json;

use super::generate::{Problems, told};
use super::plain::json_ascii;
use super::report::{print, report_all};
use super::{Exit, args, spec_file};

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("show").about("Prints a service as JSON, whatever describes it").defer(options)
}

fn options(command: Command) -> Command {
    args::spec_options(command).arg(
        Arg::new("schema")
            .long("schema")
            .action(ArgAction::SetTrue)
            .exclusive(true)
            .help("Print the JSON Schema of what is printed"),
    )
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let text = if matches.get_flag("schema") {
        json::schema()
    } else {
        match shown(matches) {
            Ok(text) => text,
            Err(problems) => {
                report_all(&problems);
                return Exit::Status(svcadapt::USAGE);
            }
        }
    };
    print(&json_ascii(&text)).err().unwrap_or(Exit::Status(0))
}

fn shown(matches: &ArgMatches) -> Result<String, Problems> {
    let loaded = spec_file::given(matches).map_err(told)?;
    report_all(loaded.warnings.iter().chain(&loaded.elsewhere));
    let spec = loaded.draft.finish_native().map_err(told)?;
    Ok(json::write(&spec))
}
