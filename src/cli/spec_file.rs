//! The spec of a command line: a file, overridden by options.

use std::io;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use svcadapt::StepError;
use svcadapt::internal::{effective_user, untrusted};
use svcadapt_convert::load;
use svcadapt_convert::load::{Loaded, Remark};
use svcadapt_spec::{Field, Scope, SpecDraft};

use super::args;
use super::message::{load_message, spec_message};
use super::not_honoured::NotHonoured;
use super::report::report_all;

/// Loads the file, if one is named, and applies the options and the command. Prints the notes.
pub(crate) fn load_with_options(matches: &ArgMatches) -> Result<Loaded, Vec<StepError>> {
    let mut loaded = match matches.get_one::<PathBuf>(args::SPEC) {
        Some(path) => {
            let path = find(path, scope(matches)).map_err(|error| vec![error])?;
            load::load_with(&path, &read)
                .map_err(|errors| errors.into_iter().map(load_message).collect::<Vec<_>>())?
        }
        None => Loaded::default(),
    };
    let note = |unused| {
        let mut message = spec_message(unused);
        message.stage = String::from("sockets");
        message
    };
    report_all(std::mem::take(&mut loaded.unused_sockets).into_iter().map(note));
    args::apply(&mut loaded.draft, matches);
    Ok(loaded)
}

/// The file that a name means: for root first in the search path of the system's manager, for other users in their own.
pub(crate) fn find(path: &Path, scope: Option<Scope>) -> Result<PathBuf, StepError> {
    let scopes = match scope {
        Some(scope) => vec![scope],
        None if effective_user() == 0 => vec![Scope::System, Scope::User],
        None => vec![Scope::User, Scope::System],
    };
    load::find(path, &scopes).map_err(load_message)
}

/// Reads a regular file. Opening a pipe would block until there is a writer, and opening a device may have effects: the
/// type is checked before, and again after opening without blocking.
pub(crate) fn read(path: &Path, at_most: u64) -> io::Result<Option<Vec<u8>>> {
    Ok(untrusted::read(path, at_most)?.map(|file| file.content))
}

/// The errors of a file whose only commands are `ExecStart=` lines that svcadapt cannot start. They replace the error that
/// there is no program, are removed from `unsupported`, and come with all other errors of the draft.
pub(crate) fn unsupported_commands(loaded: &mut Loaded) -> Vec<StepError> {
    let is_command =
        |remark: &Remark| matches!(remark, Remark::Line { line, .. } if line.directive == "ExecStart");
    if !loaded.unsupported.iter().any(is_command) {
        return Vec::new();
    }
    let Err(problems) = loaded.draft.clone().finish() else { return Vec::new() };
    let (missing, other): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.field.is_none() && problem.value.is_none());
    if missing.is_empty() {
        return Vec::new();
    }
    let (commands, unsupported): (Vec<_>, Vec<_>) =
        std::mem::take(&mut loaded.unsupported).into_iter().partition(is_command);
    loaded.unsupported = unsupported;
    let commands = commands.into_iter().map(|command| NotHonoured::of_remark(command).message());
    other.into_iter().map(spec_message).chain(commands).collect()
}

/// The errors for commands after the program, of a oneshot service, where they are not run: without them the program alone is
/// another service.
pub(crate) fn further_commands(draft: &SpecDraft) -> Vec<StepError> {
    let why = "svcadapt runs one command, and the service has several";
    let commands = draft.in_force(Field::ExecStart).into_iter();
    commands.map(|(_, origin)| NotHonoured::of_field(Field::ExecStart, origin, why).message()).collect()
}

/// The value of `--scope`, if the command has this option and it is set.
fn scope(matches: &ArgMatches) -> Option<Scope> {
    let scope = matches.try_get_one::<String>("scope").ok().flatten()?;
    let is_set = matches.value_source("scope") == Some(ValueSource::CommandLine);
    is_set.then(|| if scope == "user" { Scope::User } else { Scope::System })
}
