//! The arguments that describe a service: a file, options from the table of fields, and the command after `--`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::help;
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use svcadapt::detect::ModeOption;
use svcadapt_spec::{FIELDS, Field, FieldRow, Origin, SWITCH_ON, SpecDraft};

/// clap's id of the words after `--`.
pub(crate) const COMMAND: &str = "command";

/// clap's id of the file that describes the service.
pub(crate) const SPEC: &str = "spec";

/// Adds the file, every option that describes a service, and the command after `--`.
pub(crate) fn spec_options(command: Command) -> Command {
    let file = Arg::new(SPEC)
        .value_name("SPEC")
        .help("File that describes the service (.service, .plist or .json), or the name of a unit; options override it")
        .value_parser(value_parser!(PathBuf));
    command.arg(file).args(FIELDS.iter().map(option)).arg(
        Arg::new(COMMAND)
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
        .action(ArgAction::Append)
        .value_parser(ValueParser::os_string())
        // `-5` is a nice level; `-/etc/default/x` is an environment file that may be missing.
        .allow_negative_numbers(true)
        .allow_hyphen_values(row.field == Field::EnvironmentFile);
    let arg = match row.short {
        Some(letter) => arg.short(letter),
        None => arg,
    };
    let arg = help::placed(row, arg);
    match row.value {
        "BOOL" => arg.num_args(0..=1).require_equals(true).default_missing_value(SWITCH_ON),
        _ => arg,
    }
}

/// Applies the options and the command to a draft; they override the values of a file.
pub(crate) fn apply(draft: &mut SpecDraft, matches: &ArgMatches) {
    for row in &FIELDS {
        for value in matches.get_many::<OsString>(row.option).into_iter().flatten() {
            draft.assign(row.field, from_shell(row.field, value), Origin::Option);
        }
    }
    if let Some(words) = matches.get_many::<OsString>(COMMAND) {
        command(draft, words.cloned().collect());
    }
}

/// Sets the command. A program with a slash, such as `./server`, is relative to the current directory, as in a shell.
pub(crate) fn command(draft: &mut SpecDraft, mut words: Vec<OsString>) {
    if let Some(program) = words.first_mut()
        && program.as_bytes().contains(&b'/')
    {
        *program = absolute(program);
    }
    draft.command(words);
}

/// The option `--mode`, which [`mode_option`] reads.
pub(crate) fn mode(help: &'static str) -> Arg {
    Arg::new("mode")
        .long("mode")
        .value_name("MODE")
        .value_parser(ModeOption::ALL.map(ModeOption::name))
        .default_value(ModeOption::Auto.name())
        .help(help)
}

/// The value of `--mode`.
pub(crate) fn mode_option(matches: &ArgMatches) -> ModeOption {
    matches.get_one::<String>("mode").and_then(|name| ModeOption::from_name(name)).unwrap_or(ModeOption::Auto)
}

/// Makes a relative path in an option value absolute, from the current directory. (Paths in a file are not changed:
/// there the host's rules apply.)
pub(super) fn from_shell(field: Field, value: &OsStr) -> OsString {
    let bytes = value.as_bytes();
    let after = |prefix: &str| {
        let path = bytes.strip_prefix(prefix.as_bytes())?;
        let mut text = OsString::from(prefix);
        text.push(absolute(OsStr::from_bytes(path)));
        Some(text)
    };
    let after_any = |prefixes: &[&str]| prefixes.iter().find_map(|prefix| after(prefix));
    let resolved = match field {
        Field::WorkingDirectory
        | Field::RootDirectory
        | Field::PidFile
        | Field::RemovePidFile
        | Field::ListenFifo
        | Field::ListenSpecial
        | Field::TtyPath => Some(absolute(value)),
        Field::EnvironmentFile => after("-").or_else(|| Some(absolute(value))),
        Field::StandardInput => after("file:"),
        Field::StandardOutput | Field::StandardError => after_any(&["file:", "append:", "truncate:"])
            .or_else(|| (!STREAMS.contains(&bytes) && !bytes.contains(&b':')).then(|| absolute(value))),
        // The name of the variable in which dinit passes the number (`ready-notification = pipevar:NAME`, dinit-service(5)).
        Field::NotificationFd if !bytes.first().is_some_and(u8::is_ascii_digit) => std::env::var_os(value),
        Field::Ready | Field::WatchdogProbe => after_any(&["unix:", "file:"]),
        // Without a slash the value is a port, a host or an abstract name.
        Field::ListenStream | Field::ListenDatagram | Field::ListenSequentialPacket
            if bytes.contains(&b'/') && !bytes.starts_with(b"@") =>
        {
            Some(absolute(value))
        }
        _ => None,
    };
    resolved.unwrap_or_else(|| value.to_owned())
}

/// Values of an output that are not files, in systemd (systemd.exec(5)) or here.
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

/// The absolute form of a path relative to the current directory. `..` is resolved now, because a link on the way may
/// change later.
fn absolute(path: &OsStr) -> OsString {
    let relative = Path::new(path);
    if path.is_empty() || relative.is_absolute() {
        return path.to_owned();
    }
    let Ok(here) = std::env::current_dir() else { return path.to_owned() };
    let joined: PathBuf = here.join(relative).components().collect();
    if !joined.components().any(|part| part == Component::ParentDir) {
        return joined.into_os_string();
    }
    let parent = || Some(joined.parent()?.canonicalize().ok()?.join(joined.file_name()?));
    joined.canonicalize().ok().or_else(parent).unwrap_or(joined).into_os_string()
}
