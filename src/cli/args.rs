//! What was typed: a file, options from the table of fields, and the command after `--`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use clap::builder::ValueParser;
use clap::value_parser;

use svcadapt::host::Asked;
use svcadapt::spec::FIELDS;
use svcadapt::spec::Field;
use svcadapt::spec::FieldRow;
use svcadapt::spec::Origin;
use svcadapt::spec::SpecDraft;

/// What a switch without a value says.
pub(crate) const YES: &str = "yes";

/// The words of the command, as clap knows them.
const WORDS: &str = "command";

/// The file that describes the service, as clap knows it.
pub(crate) const SPEC: &str = "spec";

/// Adds the file and every option that describes a service, and the command after `--`.
pub(crate) fn spec_options(command: Command) -> Command {
    let file = Arg::new(SPEC)
        .value_name("SPEC")
        .help("A file that describes the service, .service, .plist or .json; what is said besides is laid over it")
        .value_parser(value_parser!(PathBuf));
    command.arg(file).args(FIELDS.iter().map(option)).arg(
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
        "BOOL" => arg.num_args(0..=1).require_equals(true).default_missing_value(YES),
        _ => arg,
    }
}

/// Lays what was typed over what a file says.
pub(crate) fn lay(draft: &mut SpecDraft, matches: &ArgMatches) {
    for row in &FIELDS {
        for value in matches.get_many::<OsString>(row.option).into_iter().flatten() {
            draft.assign(row.field, value, Origin::Option);
        }
    }
    if let Some(words) = matches.get_many::<OsString>(WORDS) {
        command(draft, words.cloned().collect());
    }
}

/// Notes the command.
pub(crate) fn command(draft: &mut SpecDraft, mut words: Vec<OsString>) {
    if let Some(program) = words.first_mut() {
        *program = from_here(program);
    }
    draft.command(words);
}

/// `--mode`, which [`asked`] reads.
pub(crate) fn mode(help: &'static str) -> Arg {
    Arg::new("mode")
        .long("mode")
        .value_name("MODE")
        .value_parser(Asked::ALL.map(Asked::name))
        .default_value(Asked::Auto.name())
        .help(help)
}

/// How to be a service, as asked for with `--mode`.
pub(crate) fn asked(matches: &ArgMatches) -> Asked {
    matches.get_one::<String>("mode").and_then(|name| Asked::from_name(name)).unwrap_or(Asked::Auto)
}

/// `./server` is meant as a shell means it: from the directory that we are called in.
fn from_here(program: &OsString) -> OsString {
    let relative = program.as_bytes().contains(&b'/') && !Path::new(program).is_absolute();
    match relative.then(std::env::current_dir) {
        Some(Ok(here)) => here.join(program).components().collect::<PathBuf>().into_os_string(),
        Some(Err(_)) | None => program.clone(),
    }
}
