//! What people type, in the form that clap reads: `svcadapt -- PROGRAM` and `run PROGRAM ARGUMENT`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use clap::Command;

use super::args;

/// The ends of the names of files that describe a service.
const SPEC_SUFFIXES: [&[u8]; 4] = [b".service", b".socket", b".plist", b".json"];

/// Adds the command `run` and the `--` before the program where they are not written. `command` has all subcommands.
pub(crate) fn as_for_clap(mut arguments: Vec<OsString>, command: impl FnOnce() -> Command) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|word| word == "--") {
        arguments.insert(1, "run".into());
        return arguments;
    }
    if let Some(index) = program(&arguments, command) {
        arguments.insert(index, "--".into());
    }
    arguments
}

/// Where the program begins, if no `--` is before it.
fn program(arguments: &[OsString], command: impl FnOnce() -> Command) -> Option<usize> {
    let name = arguments.get(1)?;
    let mut command = command().find_subcommand(name)?.clone();
    command.build();
    command.get_arguments().find(|argument| argument.get_id() == args::COMMAND)?;
    let mut index = 2;
    loop {
        let word = arguments.get(index)?.as_bytes();
        if word == b"--" {
            return None;
        }
        if !word.starts_with(b"-") || word == b"-" {
            let is_spec = SPEC_SUFFIXES.iter().any(|suffix| word.ends_with(suffix));
            return (!is_spec && may_be_program(arguments.get(index)?)).then_some(index);
        }
        index += words_of_option(&command, word)?;
    }
}

/// Whether a word is not the name of something here that cannot be executed, such as `web.toml` or a directory.
fn may_be_program(word: &OsStr) -> bool {
    fs::metadata(word).map_or(true, |known| known.is_file() && known.mode() & 0o111 != 0)
}

/// The number of words of an option with its value. `None` if the command has no such option: clap reports it.
fn words_of_option(command: &Command, word: &[u8]) -> Option<usize> {
    let word = OsStr::from_bytes(word).to_str()?;
    let arguments = || command.get_arguments();
    let (argument, has_value) = if let Some(long) = word.strip_prefix("--") {
        let (long, value) = long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value)));
        (arguments().find(|argument| argument.get_long() == Some(long)), value.is_some())
    } else {
        let short = word.chars().nth(1);
        (arguments().find(|argument| argument.get_short() == short), word.chars().nth(2).is_some())
    };
    let argument = argument?;
    let takes_next = argument.get_action().takes_values() && !argument.is_require_equals_set() && !has_value;
    Some(if takes_next { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        let read = as_for_clap(arguments, super::super::command);
        read.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn missing_words_before_the_program_are_added() {
        for (line, wanted) in [
            ("s -- sleep 5", "s run -- sleep 5"),
            ("s run sleep 5", "s run -- sleep 5"),
            (
                "s run --name a -u nobody -EA=1 --dry-run sleep --name b",
                "s run --name a -u nobody -EA=1 --dry-run -- sleep --name b",
            ),
            ("s run --no-new-privileges ./a -- b", "s run --no-new-privileges -- ./a -- b"),
            ("s gen-unit --umask=022 /bin/a -x", "s gen-unit --umask=022 -- /bin/a -x"),
        ] {
            assert_eq!(read(line), wanted);
        }
    }

    #[test]
    fn other_command_lines_stay() {
        for line in [
            "s",
            "s run",
            "s run --",
            "s run -- sleep",
            "s run web.service",
            "s run web.service -- sleep",
            "s run ./web.json --umask 022",
            "s run --unknown x sleep",
            "s run --name",
            "s status sleep",
            "s nosuch sleep",
            "s --help",
        ] {
            assert_eq!(read(line), line);
        }
    }
}
