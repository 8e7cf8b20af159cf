//! What was typed: a file, options from the table of fields, and the command after `--`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use svcadapt::detect::ModeOption;
use svcadapt_spec::{FIELDS, Field, FieldRow, Origin, SpecDraft};

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
        .help("A file that describes the service, .service, .plist or .json, or the name of a unit; what is said besides is laid over it")
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
            draft.assign(row.field, typed(row.field, value), Origin::Option);
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
        .value_parser(ModeOption::ALL.map(ModeOption::name))
        .default_value(ModeOption::Auto.name())
        .help(help)
}

/// How to be a service, as asked for with `--mode`.
pub(crate) fn asked(matches: &ArgMatches) -> ModeOption {
    matches.get_one::<String>("mode").and_then(|name| ModeOption::from_name(name)).unwrap_or(ModeOption::Auto)
}

/// `./server` is meant as a shell means it: from the directory that we are called in.
fn from_here(program: &OsString) -> OsString {
    if program.as_bytes().contains(&b'/') { absolute(program) } else { program.clone() }
}

/// A value as a person means it who types it: a relative path begins in the directory that we are called in. What stands in
/// a file is left as the file's host takes it.
pub(super) fn typed(field: Field, value: &OsStr) -> OsString {
    let bytes = value.as_bytes();
    let behind = |prefix: &str| {
        let path = bytes.strip_prefix(prefix.as_bytes())?;
        let mut whole = OsString::from(prefix);
        whole.push(absolute(OsStr::from_bytes(path)));
        Some(whole)
    };
    let first = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| behind(prefix));
    let found = match field {
        Field::WorkingDirectory | Field::RootDirectory | Field::PidFile => Some(absolute(value)),
        Field::EnvironmentFile => behind("-").or_else(|| Some(absolute(value))),
        Field::StandardInput => behind("file:"),
        Field::StandardOutput | Field::StandardError => first(&["file:", "append:", "truncate:"])
            .or_else(|| (!STREAMS.contains(&bytes) && !bytes.contains(&b':')).then(|| absolute(value))),
        Field::Ready => first(&["unix:", "file:"]),
        // Without a slash it is a port, a host or an abstract name.
        Field::ListenStream | Field::ListenDatagram | Field::ListenSequentialPacket
            if bytes.contains(&b'/') && !bytes.starts_with(b"@") =>
        {
            Some(absolute(value))
        }
        _ => None,
    };
    found.unwrap_or_else(|| value.to_owned())
}

/// What systemd and we call a stream, which is no file (systemd.exec(5)).
const STREAMS: [&[u8]; 12] = [
    b"null",
    b"inherit",
    b"journal",
    b"journal+console",
    b"kmsg",
    b"kmsg+console",
    b"syslog",
    b"syslog+console",
    b"tty",
    b"socket",
    b"fd",
    b"none",
];

/// Where a relative path leads from here. `..` is followed now: later a link on the way may lead elsewhere.
fn absolute(path: &OsStr) -> OsString {
    let given = Path::new(path);
    if path.is_empty() || given.is_absolute() {
        return path.to_owned();
    }
    let Ok(here) = std::env::current_dir() else { return path.to_owned() };
    let whole: PathBuf = here.join(given).components().collect();
    if !whole.components().any(|part| part == Component::ParentDir) {
        return whole.into_os_string();
    }
    let parent = || Some(whole.parent()?.canonicalize().ok()?.join(whole.file_name()?));
    whole.canonicalize().ok().or_else(parent).unwrap_or(whole).into_os_string()
}
