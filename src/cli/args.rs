//! What was typed: a file, options from the table of fields, and the command after `--`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use clap::builder::ValueParser;

use svcadapt::spec::FIELDS;
use svcadapt::spec::Field;
use svcadapt::spec::FieldRow;
use svcadapt::spec::Origin;
use svcadapt::spec::SpecDraft;

use super::spec_file;

/// The words of the command, as clap knows them.
const WORDS: &str = "command";

/// Adds everything that describes a service: a file, options, and the command after `--`.
pub(crate) fn spec_options(command: Command) -> Command {
    command.args(FIELDS.iter().map(option)).arg(spec_file::argument()).arg(
        Arg::new(WORDS)
            .value_name("PROGRAM")
            .help("The program and its arguments")
            .last(true)
            .num_args(1..)
            .value_parser(ValueParser::os_string()),
    )
}

fn option(row: &FieldRow) -> Arg {
    let arg = Arg::new(row.option)
        .long(row.option)
        .value_name(row.value)
        .help(row.help)
        .help_heading("The service")
        .action(ArgAction::Append)
        .value_parser(ValueParser::os_string())
        // `-5` is a nice level, and `-/etc/default/x` a file that may be missing.
        .allow_negative_numbers(true)
        .allow_hyphen_values(row.field == Field::EnvironmentFile);
    let arg = match row.short {
        Some(letter) => arg.short(letter),
        None => arg,
    };
    match row.value {
        "BOOL" => arg.num_args(0..=1).require_equals(true).default_missing_value("yes"),
        _ => arg,
    }
}

/// Reads what was typed.
pub(crate) fn draft(matches: &ArgMatches) -> SpecDraft {
    let mut draft = SpecDraft::new();
    for row in &FIELDS {
        for value in matches.get_many::<OsString>(row.option).into_iter().flatten() {
            draft.assign(row.field, value, Origin::Option);
        }
    }
    if let Some(words) = matches.get_many::<OsString>(WORDS) {
        let mut words: Vec<OsString> = words.cloned().collect();
        if let Some(program) = words.first_mut() {
            *program = from_here(program);
        }
        draft.command(words);
    }
    draft
}

/// `./server` is meant as a shell means it: from the directory that we are called in.
fn from_here(program: &OsString) -> OsString {
    let relative = program.as_bytes().contains(&b'/') && !Path::new(program).is_absolute();
    match std::env::current_dir() {
        Ok(here) if relative => {
            here.join(program).components().collect::<std::path::PathBuf>().into_os_string()
        }
        _ => program.clone(),
    }
}
