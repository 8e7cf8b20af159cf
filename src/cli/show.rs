//! `svcadapt show`: prints a service as JSON, or the JSON Schema.

use clap::{Arg, ArgAction, ArgMatches, Command};
use svcadapt_convert::json;

use super::generate::{Problems, messages};
use super::message::{remark_message, spec_message};
use super::report::{print, report_all};
use super::text::json_ascii;
use super::{Exit, args, spec_file};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("show").about("Prints a service as JSON").defer(options)
}

fn options(command: Command) -> Command {
    args::spec_options(command).arg(
        Arg::new("schema")
            .long("schema")
            .action(ArgAction::SetTrue)
            .exclusive(true)
            .help("Print the JSON Schema of the output"),
    )
}

/// Prints the service or the schema.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let text = if matches.get_flag("schema") {
        json::schema()
    } else {
        match spec_json(matches) {
            Ok(text) => text,
            Err(problems) => {
                report_all(&problems);
                return Exit::Status(svcadapt::USAGE);
            }
        }
    };
    print(&json_ascii(&text)).err().unwrap_or(Exit::Status(0))
}

fn spec_json(matches: &ArgMatches) -> Result<String, Problems> {
    let loaded = spec_file::load_with_options(matches).map_err(messages)?;
    let elsewhere = loaded.elsewhere.into_iter().map(remark_message);
    report_all(loaded.warnings.into_iter().map(spec_message).chain(elsewhere));
    let spec = loaded.draft.finish_native().map_err(messages)?;
    Ok(json::write(&spec))
}
