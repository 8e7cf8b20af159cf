//! What the directives of systemd say, in our words (systemd.exec(5), systemd.service(5)).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use svcadapt_spec::{
    Arity, Assignment, DirectoryKind, EnvName, FIELDS, Field, Field as F, FileMode, Origin, Principal,
    RelPath, SpecDraft, ValueError,
};

use super::exec::warn_strange;
use super::read::{Given, Reader, Said};
use super::specifiers::resolve;
use super::words::{Syntax, first, split};
use super::{Kept, Reason, Why};

/// Reads one assignment of a directive that a field bears the name of.
pub(super) fn assign(reader: &mut Reader, given: &Given, field: Field) {
    let text = given.line.value.as_str();
    if text.is_empty() {
        return empty(reader, given, field);
    }
    match field {
        F::SupplementaryGroups => words(reader, given, field, Syntax::Bare),
        F::Environment | F::UnsetEnvironment => words(reader, given, field, Syntax::Command),
        F::PassEnvironment => words(reader, given, field, Syntax::Quoted),
        F::Directory(kind) => directories(reader, given, kind),
        F::EnvironmentFile => environment_file(reader, given),
        F::WorkingDirectory => working_directory(reader, given),
        F::PidFile => pid_file(reader, given),
        F::StandardInput | F::StandardOutput | F::StandardError => stream(reader, given, field),
        F::Type => kind(reader, given),
        F::Description | F::User | F::Group | F::RootDirectory => {
            if let Some(value) = resolved(reader, given, text.as_bytes()) {
                put(reader, given, field, value);
            }
        }
        // umask(2) takes the permission bits of a mode and passes over the others.
        F::Umask => match FileMode::parse_mode(OsStr::new(text)) {
            Ok(mode) => put(reader, given, field, format!("{:03o}", mode.bits() & 0o777).into()),
            Err(_) => put(reader, given, field, text.into()),
        },
        _ => put(reader, given, field, text.into()),
    }
}

/// What an empty value means: to forget, or nothing.
fn empty(reader: &mut Reader, given: &Given, field: Field) {
    match field {
        // The empty set is one.
        F::CapabilityBoundingSet | F::AmbientCapabilities => {
            reader.forget(field);
            reader.kept.retain(|kept| kept.section != "Service" || kept.directive != given.line.key);
            let origin = given.origin.clone();
            reader.values.push(Said { field, value: OsString::new(), origin, written: String::new() });
        }
        F::Umask
        | F::Type
        | F::StandardInput
        | F::StandardOutput
        | F::StandardError
        | F::NoNewPrivileges
        | F::Limit(_)
        | F::DirectoryMode(_)
        | F::TimeoutStartSec
        | F::TimeoutStopSec
        | F::Restart
        | F::RestartSec
        | F::KillSignal
        | F::ReloadSignal => reader.warn(given, "an empty value says nothing here; systemd ignores it"),
        _ => {
            reader.forget(field);
            reader.kept.retain(|kept| kept.section != "Service" || kept.directive != given.line.key);
        }
    }
}

/// Whether a value is one, and why not.
pub(super) fn trial(field: Field, value: &OsStr) -> Result<(), ValueError> {
    // Of a list each word is one value, also where the option would take it for several.
    match field {
        F::Environment => return Assignment::parse(value).map(drop),
        F::PassEnvironment | F::UnsetEnvironment => return EnvName::parse(value).map(drop),
        F::SupplementaryGroups => return Principal::parse(value).map(drop),
        F::Directory(_) => return RelPath::parse(value).map(drop),
        _ => {}
    }
    let mut draft = SpecDraft::new();
    draft.command(vec!["x".into()]);
    draft.assign(field, value, Origin::Option);
    // Of a socket that is not there nothing can be said.
    if field.is_socket_field() && field.arity() == Arity::One || field == F::LaunchdActivation {
        draft.assign(F::ListenStream, "1", Origin::Option);
    }
    if field == F::AmbientCapabilities {
        draft.assign(F::CapabilityBoundingSet, "~", Origin::Option);
    }
    match draft.finish() {
        Ok(_) => Ok(()),
        Err(mut problems) => Err(problems.swap_remove(0).refusal),
    }
}

fn put(reader: &mut Reader, given: &Given, field: Field, value: OsString) {
    let value = as_taken(field, value);
    match trial(field, &value) {
        Ok(()) => reader.values.push(Said {
            field,
            value,
            origin: given.origin.clone(),
            written: if again(field) { given.line.value.clone() } else { String::new() },
        }),
        Err(refusal) if fatal(field, &value) => reader.refuse(given, &refusal.cause),
        Err(refusal) if odd_name(field) => {
            reader.warn(given, &refusal.cause);
            reader.keep_once(given, Reason::Unusable(refusal.cause));
        }
        Err(refusal) => unusable(reader, given, refusal.cause),
    }
}

/// Whether systemd takes what we do not.
fn odd_name(field: Field) -> bool {
    matches!(field, F::User | F::Group | F::SupplementaryGroups | F::Description)
}

/// Whether systemd refuses the whole unit for a value that we cannot use. Most it only ignores.
fn fatal(field: Field, value: &OsStr) -> bool {
    match field {
        F::RootDirectory | F::WorkingDirectory => true,
        // A blank or an odd sign it takes; such names exist in directories of other systems (systemd.exec(5)).
        F::User | F::Group | F::SupplementaryGroups => {
            let name = value.as_bytes();
            let digits = name.strip_prefix(b"-").unwrap_or(name).iter().all(u8::is_ascii_digit);
            let sign = name.iter().any(|byte| byte.is_ascii_control() || matches!(byte, b':' | b'/'));
            let blank = name.starts_with(b" ") || name.ends_with(b" ");
            digits || sign || blank || matches!(name, b"." | b"..")
        }
        _ => false,
    }
}

/// Whether it may turn out later that the draft cannot have it.
fn again(field: Field) -> bool {
    matches!(field, F::PidFile | F::StandardInput | F::StandardOutput | F::StandardError)
}

fn unusable(reader: &mut Reader, given: &Given, cause: String) {
    reader.warn(given, &cause);
    reader.keep_once(given, Reason::Ignored(cause));
}

/// The text with its specifiers replaced; where that cannot be, the assignment is kept.
/// systemd takes modes up to 7777, also where only permissions count.
pub(super) fn as_taken(field: Field, value: OsString) -> OsString {
    match FileMode::parse_mode(&value) {
        Ok(mode) if matches!(field, F::Umask | F::SocketMode) && mode != mode.permissions() => {
            mode.permissions().to_string().into()
        }
        _ => value,
    }
}

fn resolved(reader: &mut Reader, given: &Given, text: &[u8]) -> Option<OsString> {
    match resolve(text, reader.name, &given.file.path) {
        Ok(bytes) => Some(OsString::from_vec(bytes)),
        Err(why) => {
            // systemd knows it, or will: nothing is wrong.
            let field = FIELDS.iter().find(|row| row.directive == given.line.key).map(|row| row.field);
            if matches!(why.why, Why::OfTheHost | Why::OfTheInstance) {
                reader.keep_once(given, Reason::Unusable(why.to_string()));
            } else if field.is_some_and(|field| fatal(field, OsStr::new(":"))) {
                reader.refuse(given, &why.to_string());
            } else {
                unusable(reader, given, why.to_string());
            }
            None
        }
    }
}

fn words(reader: &mut Reader, given: &Given, field: Field, syntax: Syntax) {
    let Ok(words) = split(&given.line.value, syntax) else {
        return unusable(reader, given, "a quote that is never closed".into());
    };
    for word in words {
        if !reader.has_room(given) {
            return;
        }
        let mut strange = Vec::new();
        warn_strange(&word.bytes, word.strange, &mut strange);
        for what in &strange {
            reader.warn(given, what);
        }
        let Some(value) = resolved(reader, given, &word.bytes) else { continue };
        if field == F::UnsetEnvironment && value.as_bytes().contains(&b'=') {
            reader.keep_once(given, Reason::Partly(format!("'{}' with its value", value.display())));
        } else {
            put(reader, given, field, value);
        }
    }
}

/// `NAME`, or `NAME:LINK` for a symbolic link to it beside.
fn directories(reader: &mut Reader, given: &Given, kind: DirectoryKind) {
    let Ok(tuples) = split(&given.line.value, Syntax::Tuple) else {
        return unusable(reader, given, "a quote that is never closed".into());
    };
    for tuple in tuples {
        if !reader.has_room(given) {
            return;
        }
        let Ok(Some((name, link))) = first(&tuple.bytes, Syntax::Command, b":") else {
            unusable(reader, given, "not the name of a directory".into());
            continue;
        };
        let Some(name) = resolved(reader, given, &name.bytes) else { continue };
        if !link.is_empty() {
            reader.keep_once(given, Reason::Partly(format!("the link to '{}'", name.display())));
        }
        put(reader, given, F::Directory(kind), name);
    }
}

/// A pattern (glob(7)). One that names a single file is that file; the others mean whatever is there later.
fn environment_file(reader: &mut Reader, given: &Given) {
    let Some(pattern) = resolved(reader, given, given.line.value.as_bytes()) else { return };
    let (mut path, mut bytes) = (Vec::new(), pattern.as_bytes().iter());
    while let Some(&byte) = bytes.next() {
        match byte {
            b'*' | b'?' | b'[' | b'{' => {
                return reader.keep(given, Reason::Unusable("a pattern may name any number of files".into()));
            }
            b'\\' => path.extend(bytes.next()),
            _ => path.push(byte),
        }
    }
    put(reader, given, F::EnvironmentFile, OsString::from_vec(path));
}

fn working_directory(reader: &mut Reader, given: &Given) {
    let text = given.line.value.as_str();
    let (optional, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if text == "~" {
        reader.forget(F::WorkingDirectory);
        return reader.keep(given, Reason::Unusable("the user's home is not known here".into()));
    }
    let Some(path) = resolved(reader, given, text.as_bytes()) else { return };
    if optional && let Err(refusal) = trial(F::WorkingDirectory, &path) {
        return unusable(reader, given, refusal.cause);
    }
    if optional {
        reader.keep(given, Reason::Partly("that it may be missing".into()));
    }
    put(reader, given, F::WorkingDirectory, path);
}

/// A relative path lies below `/run`, which is what `/var/run` is.
fn pid_file(reader: &mut Reader, given: &Given) {
    let Some(path) = resolved(reader, given, given.line.value.as_bytes()) else { return };
    let bytes = path.as_bytes();
    let path = match bytes.strip_prefix(b"/var/run/") {
        Some(rest) => [b"/run/", rest].concat(),
        None if bytes.starts_with(b"/") => bytes.to_vec(),
        None => [b"/run/", bytes].concat(),
    };
    put(reader, given, F::PidFile, OsString::from_vec(path));
}

/// What goes to a journal, a terminal or a socket has no counterpart.
fn stream(reader: &mut Reader, given: &Given, field: Field) {
    const SYSTEMD_ONLY: [&str; 12] = [
        "journal",
        "journal+console",
        "kmsg",
        "kmsg+console",
        "syslog",
        "syslog+console",
        "tty",
        "tty-force",
        "tty-fail",
        "socket",
        "data",
        "fd",
    ];
    let text = given.line.value.as_str();
    if SYSTEMD_ONLY.contains(&text) || text.starts_with("fd:") {
        reader.forget(field);
        return reader.keep(given, Reason::NoField);
    }
    if text == "inherit" && field != F::StandardInput {
        // What that is depends on lines that may follow.
        let (value, origin) = (text.into(), given.origin.clone());
        let value = Said { field, value, origin, written: text.into() };
        superseded(reader, given);
        return reader.values.push(value);
    }
    let good = text == "null" || ["file:", "append:", "truncate:"].iter().any(|kind| text.starts_with(kind));
    if !good {
        return unusable(reader, given, "no kind of stream".into());
    }
    let Some(value) = resolved(reader, given, text.as_bytes()) else { return };
    superseded(reader, given);
    put(reader, given, field, value);
}

/// A value that is kept has been for nothing when another one follows.
fn superseded(reader: &mut Reader, given: &Given) {
    reader.kept.retain(|kept| kept.section != "Service" || kept.directive != given.line.key);
}

fn kind(reader: &mut Reader, given: &Given) {
    let text = given.line.value.as_str();
    let (ours, missing) = match text {
        "simple" | "exec" | "notify" | "notify-reload" | "forking" | "oneshot" => (text, None),
        "idle" => ("simple", Some("that it waits for other jobs")),
        "dbus" => ("simple", Some("that it is ready when its bus name is there")),
        _ => return unusable(reader, given, "no type of service".into()),
    };
    superseded(reader, given);
    reader.forget(F::Type);
    if let Some(missing) = missing {
        reader.keep(given, Reason::Partly(missing.into()));
    }
    let origin = given.origin.clone();
    reader.values.push(Said { field: F::Type, value: ours.into(), origin, written: text.into() });
}

/// What depends on several directives.
pub(super) fn settle(reader: &mut Reader) {
    let last =
        |reader: &Reader, field| reader.values.iter().rev().find(|value| value.field == field).cloned();
    let input = last(reader, F::StandardInput);
    let quiet = input.is_none_or(|value| value.value == "null")
        && !reader.kept.iter().any(|kept| kept.section == "Service" && kept.directive == "StandardInput");
    // systemd's "inherit" is standard input once more for output, and standard output once more for errors, which is
    // also what errors get where nothing is said.
    let null = |value: Said| Said { value: "null".into(), ..value };
    if let Some(value) = last(reader, F::StandardOutput).filter(|value| value.value == "inherit") {
        reader.forget(F::StandardOutput);
        if quiet {
            reader.values.push(null(value));
        } else {
            keep(reader, value, "Service", Reason::NoField);
        }
    }
    let error = last(reader, F::StandardError);
    let elsewhere =
        reader.kept.iter().any(|kept| kept.section == "Service" && kept.directive == "StandardError");
    if !elsewhere && error.as_ref().is_none_or(|value| value.value == "inherit") {
        reader.forget(F::StandardError);
        match (last(reader, F::StandardOutput), error) {
            (Some(value), _) => reader.values.push(Said { field: F::StandardError, ..value }),
            (None, Some(value)) => keep(reader, value, "Service", Reason::NoField),
            (None, None) => {}
        }
    }
    modes(reader);
    // A program that tells its readiness does so whatever [X-Svcadapt] calls it.
    let kind = last(reader, F::Type);
    if let Some(value) =
        kind.clone().filter(|value| value.value == "notify" || value.value == "notify-reload")
    {
        reader.values.push(Said { field: F::Ready, value: "notify".into(), ..value });
    }
    // systemd reads a pid file, where one is needed to find the main process. It never writes one.
    if kind.is_none_or(|value| value.value != "forking")
        && let Some(value) = last(reader, F::PidFile)
    {
        reader.forget(F::PidFile);
        let why = "the program writes this file itself, and only systemd reads it";
        keep(reader, value, "Service", Reason::Unusable(why.into()));
    }
}

/// The mode of directories that only systemd knows the names of stays with them.
fn modes(reader: &mut Reader) {
    for kind in DirectoryKind::ALL {
        let said = |field| reader.values.iter().any(|value| value.field == field);
        let (directory, mode) = (F::Directory(kind), F::DirectoryMode(kind));
        if !said(directory)
            && let Some(at) = reader.values.iter().rposition(|value| value.field == mode)
        {
            let value = reader.values.swap_remove(at);
            reader.forget(mode);
            let written = value.value.to_string_lossy().into_owned();
            keep(reader, Said { written, ..value }, "Service", Reason::NoField);
        }
    }
}

fn keep(reader: &mut Reader, value: Said, section: &str, reason: Reason) {
    let Said { field, origin, written, .. } = value;
    let (section, directive) = (section.to_owned(), field.directive().to_owned());
    reader.kept.push(Kept { section, directive, value: written, origin, reason });
}
