//! The directives of systemd that a spec has fields for (systemd.exec(5), systemd.service(5)).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use svcadapt_spec::{
    Arity, Assignment, DirectoryKind, EnvName, FIELDS, Field, Field as F, FileMode, Origin, Principal,
    RelPath, SpecDraft, ValueError,
};

use super::process;
use super::reader::{FieldValue, UnitReader};
use super::site::Site;
use super::specifiers::resolve;
use super::{Unmapped, UnmappedReason};
use svcadapt_spec::command_line::{UNBALANCED, warn_invalid_escape};
use svcadapt_spec::words::{Syntax, first, split};

/// Reads one assignment of a field's directive.
pub(super) fn assign(reader: &mut UnitReader, site: &Site, field: Field) {
    let text = site.line.value.as_str();
    if text.is_empty() {
        return empty(reader, site, field);
    }
    match field {
        F::SupplementaryGroups => words(reader, site, field, Syntax::Bare),
        F::Environment | F::UnsetEnvironment => words(reader, site, field, Syntax::Command),
        F::PassEnvironment
        | F::RestartPreventExitStatus
        | F::RestartForceExitStatus
        | F::SuccessExitStatus => words(reader, site, field, Syntax::Quoted),
        // New in 257; a spec does not have it.
        F::RestartMode if text == "debug" => {
            reader.forget(field);
            discard_unmapped(reader, site);
            reader.keep(site, UnmappedReason::NoField);
        }
        F::RestartMode => {
            discard_unmapped(reader, site);
            put(reader, site, field, text.into());
        }
        F::CpuAffinity => process::affinity(reader, site),
        F::Directory(kind) => directories(reader, site, kind),
        F::EnvironmentFile => environment_file(reader, site),
        F::WorkingDirectory => working_directory(reader, site),
        F::PidFile => pid_file(reader, site),
        F::StandardInput | F::StandardOutput | F::StandardError => stream(reader, site, field),
        F::Type => kind(reader, site),
        F::Description | F::User | F::Group | F::RootDirectory => {
            if let Some(value) = resolved(reader, site, text.as_bytes()) {
                put(reader, site, field, value);
            }
        }
        // umask(2) uses the permission bits of a mode and ignores the others.
        F::Umask => match FileMode::parse_mode(OsStr::new(text)) {
            Ok(mode) => put(reader, site, field, format!("{:03o}", mode.bits() & 0o777).into()),
            Err(_) => put(reader, site, field, text.into()),
        },
        _ => put(reader, site, field, text.into()),
    }
}

/// An empty value resets a directive, or is ignored.
fn empty(reader: &mut UnitReader, site: &Site, field: Field) {
    match field {
        // The empty set is a value.
        F::CapabilityBoundingSet | F::AmbientCapabilities => {
            reader.forget(field);
            reader.unmapped.retain(|line| line.section != "Service" || line.directive != site.line.key);
            let origin = site.origin.clone();
            reader.values.push(FieldValue { field, value: OsString::new(), origin, written: String::new() });
        }
        F::IoSchedulingClass
        | F::IoSchedulingPriority
        | F::CpuSchedulingPolicy
        | F::CpuSchedulingPriority
        | F::CpuSchedulingResetOnFork
        | F::TimerSlackNSec => process::empty(reader, site, field),
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
        | F::ReloadSignal
        | F::RemainAfterExit
        | F::RestartSteps
        | F::RestartMaxDelaySec
        | F::RestartMode
        | F::StartLimitIntervalSec
        | F::StartLimitBurst
        | F::RuntimeMaxSec
        | F::RuntimeRandomizedExtraSec
        | F::TimeoutStartFailureMode
        | F::TimeoutStopFailureMode
        | F::RestartKillSignal
        | F::FinalKillSignal
        | F::WatchdogSignal
        | F::SendSighup
        | F::SendSigkill
        | F::WatchdogSec
        | F::RuntimeDirectoryPreserve
        | F::GuessMainPid
        | F::OomPolicy => reader.warn(site, "systemd ignores an empty value here"),
        _ => {
            reader.forget(field);
            reader.unmapped.retain(|line| line.section != "Service" || line.directive != site.line.key);
        }
    }
}

/// Checks whether a value is valid for the field.
pub(super) fn check_value(field: Field, value: &OsStr) -> Result<(), ValueError> {
    // In a list each word is one value, even if the option would split it into several.
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
    // A setting of sockets is valid only with a socket.
    if field.is_socket_field() && field.arity() == Arity::One || field == F::LaunchdActivation {
        draft.assign(F::ListenStream, "1", Origin::Option);
    }
    if field == F::AmbientCapabilities {
        draft.assign(F::CapabilityBoundingSet, "~", Origin::Option);
    }
    match draft.finish() {
        Ok(_) => Ok(()),
        Err(mut problems) => Err(problems.swap_remove(0).error),
    }
}

pub(super) fn put(reader: &mut UnitReader, site: &Site, field: Field, value: OsString) {
    let value = permission_bits(field, value);
    match check_value(field, &value) {
        Ok(()) => reader.values.push(FieldValue {
            field,
            value,
            origin: site.origin.clone(),
            written: if may_be_rejected_later(field) { site.line.value.clone() } else { String::new() },
        }),
        Err(error) if fatal(field, &value) => reader.refuse(site, &error.cause),
        Err(error) if systemd_accepts(field) => {
            reader.warn(site, &error.cause);
            reader.keep_once(site, UnmappedReason::Unusable(error.cause));
        }
        Err(error) => unusable(reader, site, error.cause),
    }
}

/// Whether systemd accepts values that svcadapt rejects.
fn systemd_accepts(field: Field) -> bool {
    matches!(field, F::User | F::Group | F::SupplementaryGroups | F::Description)
}

/// Whether systemd refuses the whole unit for a value that svcadapt rejects. It ignores most invalid values.
fn fatal(field: Field, value: &OsStr) -> bool {
    match field {
        F::RootDirectory | F::WorkingDirectory => true,
        // Other blanks and signs are accepted: directory services have such names (systemd.exec(5)).
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

/// Whether a later line can make the value unusable for the draft.
fn may_be_rejected_later(field: Field) -> bool {
    matches!(field, F::PidFile | F::StandardInput | F::StandardOutput | F::StandardError)
}

fn unusable(reader: &mut UnitReader, site: &Site, cause: String) {
    reader.warn(site, &cause);
    reader.keep_once(site, UnmappedReason::Ignored(cause));
}

/// The value with only the permission bits of a mode: systemd accepts modes up to 7777 for every field.
pub(super) fn permission_bits(field: Field, value: OsString) -> OsString {
    match FileMode::parse_mode(&value) {
        Ok(mode) if matches!(field, F::Umask | F::SocketMode) && mode != mode.permissions() => {
            mode.permissions().to_string().into()
        }
        _ => value,
    }
}

/// The text with its specifiers replaced. If that is not possible the assignment is kept.
fn resolved(reader: &mut UnitReader, site: &Site, text: &[u8]) -> Option<OsString> {
    match resolve(text, reader.name, &site.file.path) {
        Ok(bytes) => Some(OsString::from_vec(bytes)),
        Err(error) => {
            let field = FIELDS.iter().find(|row| row.directive == site.line.key).map(|row| row.field);
            if error.is_unknown_here() {
                reader.keep_once(site, UnmappedReason::Unusable(error.to_string()));
            } else if field.is_some_and(|field| fatal(field, OsStr::new(":"))) {
                reader.refuse(site, &error.to_string());
            } else {
                unusable(reader, site, error.to_string());
            }
            None
        }
    }
}

fn words(reader: &mut UnitReader, site: &Site, field: Field, syntax: Syntax) {
    let Ok(words) = split(&site.line.value, syntax) else {
        return unusable(reader, site, UNBALANCED.into());
    };
    for word in words {
        if !reader.has_room(site) {
            return;
        }
        let mut warnings = Vec::new();
        warn_invalid_escape(&word, &mut warnings);
        for warning in &warnings {
            reader.warn(site, warning);
        }
        let Some(value) = resolved(reader, site, &word.bytes) else { continue };
        if field == F::UnsetEnvironment && value.as_bytes().contains(&b'=') {
            reader.keep_once(site, UnmappedReason::Partly(format!("'{}' with its value", value.display())));
        } else {
            put(reader, site, field, value);
        }
    }
}

/// `NAME`, or `NAME:LINK` with a symbolic link to it.
fn directories(reader: &mut UnitReader, site: &Site, kind: DirectoryKind) {
    let Ok(tuples) = split(&site.line.value, Syntax::Tuple) else {
        return unusable(reader, site, UNBALANCED.into());
    };
    for tuple in tuples {
        if !reader.has_room(site) {
            return;
        }
        let Ok(Some((name, link))) = first(&tuple.bytes, Syntax::Command, b":") else {
            unusable(reader, site, "not a valid name of a directory".into());
            continue;
        };
        let Some(name) = resolved(reader, site, &name.bytes) else { continue };
        if !link.is_empty() {
            reader.keep_once(site, UnmappedReason::Partly(format!("the link to '{}'", name.display())));
        }
        put(reader, site, F::Directory(kind), name);
    }
}

/// A pattern (glob(7)). It is kept unless it names exactly one file, because the matches are known only at the start.
fn environment_file(reader: &mut UnitReader, site: &Site) {
    let Some(pattern) = resolved(reader, site, site.line.value.as_bytes()) else { return };
    let (mut path, mut bytes) = (Vec::new(), pattern.as_bytes().iter());
    while let Some(&byte) = bytes.next() {
        match byte {
            b'*' | b'?' | b'[' | b'{' => {
                return reader.keep(
                    site,
                    UnmappedReason::Unusable("svcadapt does not expand patterns of file names".into()),
                );
            }
            b'\\' => path.extend(bytes.next()),
            _ => path.push(byte),
        }
    }
    put(reader, site, F::EnvironmentFile, OsString::from_vec(path));
}

fn working_directory(reader: &mut UnitReader, site: &Site) {
    let text = site.line.value.as_str();
    let (optional, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if text == "~" {
        reader.forget(F::WorkingDirectory);
        return reader
            .keep(site, UnmappedReason::Unusable("the home directory of the user is not known here".into()));
    }
    let Some(path) = resolved(reader, site, text.as_bytes()) else { return };
    if optional && let Err(error) = check_value(F::WorkingDirectory, &path) {
        return unusable(reader, site, error.cause);
    }
    if optional {
        reader.keep(site, UnmappedReason::Partly("the prefix '-' (the directory may be missing)".into()));
    }
    put(reader, site, F::WorkingDirectory, path);
}

/// A relative path is below `/run`; `/var/run` is a link to `/run`.
fn pid_file(reader: &mut UnitReader, site: &Site) {
    let Some(path) = resolved(reader, site, site.line.value.as_bytes()) else { return };
    let bytes = path.as_bytes();
    let path = match bytes.strip_prefix(b"/var/run/") {
        Some(rest) => [b"/run/", rest].concat(),
        None if bytes.starts_with(b"/") => bytes.to_vec(),
        None => [b"/run/", bytes].concat(),
    };
    put(reader, site, F::PidFile, OsString::from_vec(path));
}

/// A stream that is connected to the journal, a terminal or a socket has no field.
fn stream(reader: &mut UnitReader, site: &Site, field: Field) {
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
    let text = site.line.value.as_str();
    if SYSTEMD_ONLY.contains(&text) || text.starts_with("fd:") {
        reader.forget(field);
        return reader.keep(site, UnmappedReason::NoField);
    }
    if text == "inherit" && field != F::StandardInput {
        // Its meaning depends on lines that may follow.
        let (value, origin) = (text.into(), site.origin.clone());
        let value = FieldValue { field, value, origin, written: text.into() };
        discard_unmapped(reader, site);
        return reader.values.push(value);
    }
    let good = text == "null" || ["file:", "append:", "truncate:"].iter().any(|kind| text.starts_with(kind));
    if !good {
        return unusable(reader, site, "not a valid stream".into());
    }
    let Some(value) = resolved(reader, site, text.as_bytes()) else { return };
    discard_unmapped(reader, site);
    put(reader, site, field, value);
}

/// Discards the kept lines of a directive that a later line overrides.
fn discard_unmapped(reader: &mut UnitReader, site: &Site) {
    reader.unmapped.retain(|line| line.section != "Service" || line.directive != site.line.key);
}

fn kind(reader: &mut UnitReader, site: &Site) {
    let text = site.line.value.as_str();
    let (value, missing) = match text {
        "simple" | "exec" | "notify" | "notify-reload" | "forking" | "oneshot" => (text, None),
        "idle" => ("simple", Some("it does not wait for other jobs")),
        "dbus" => ("simple", Some("the bus name is not waited for")),
        _ => return unusable(reader, site, "not a valid type of service".into()),
    };
    discard_unmapped(reader, site);
    reader.forget(F::Type);
    if let Some(missing) = missing {
        reader.keep(site, UnmappedReason::Partly(missing.into()));
    }
    let origin = site.origin.clone();
    reader.values.push(FieldValue { field: F::Type, value: value.into(), origin, written: text.into() });
}

/// Resolves the fields that depend on several directives.
pub(super) fn finish(reader: &mut UnitReader) {
    let last =
        |reader: &UnitReader, field| reader.values.iter().rev().find(|value| value.field == field).cloned();
    let input = last(reader, F::StandardInput);
    let quiet = input.is_none_or(|value| value.value == "null")
        && !reader.unmapped.iter().any(|line| line.section == "Service" && line.directive == "StandardInput");
    // For output, "inherit" duplicates standard input; for errors it duplicates standard output, and is the default.
    let null = |value: FieldValue| FieldValue { value: "null".into(), ..value };
    if let Some(value) = last(reader, F::StandardOutput).filter(|value| value.value == "inherit") {
        reader.forget(F::StandardOutput);
        if quiet {
            reader.values.push(null(value));
        } else {
            keep(reader, value, "Service", UnmappedReason::NoField);
        }
    }
    let error = last(reader, F::StandardError);
    let elsewhere =
        reader.unmapped.iter().any(|line| line.section == "Service" && line.directive == "StandardError");
    if !elsewhere && error.as_ref().is_none_or(|value| value.value == "inherit") {
        reader.forget(F::StandardError);
        match (last(reader, F::StandardOutput), error) {
            (Some(value), _) => reader.values.push(FieldValue { field: F::StandardError, ..value }),
            (None, Some(value)) => keep(reader, value, "Service", UnmappedReason::NoField),
            (None, None) => {}
        }
    }
    modes(reader);
    // The program reports its readiness whatever Type= [X-Svcadapt] sets.
    let kind = last(reader, F::Type);
    if let Some(value) =
        kind.clone().filter(|value| value.value == "notify" || value.value == "notify-reload")
    {
        reader.values.push(FieldValue { field: F::Ready, value: "notify".into(), ..value });
    }
    // systemd reads the pid file of Type=forking to find the main process. It never writes one.
    if kind.is_none_or(|value| value.value != "forking")
        && let Some(value) = last(reader, F::PidFile)
    {
        reader.forget(F::PidFile);
        let why = "the program writes this file, and only systemd reads it";
        keep(reader, value, "Service", UnmappedReason::Unusable(why.into()));
    }
}

/// Keeps the mode of directories that are kept themselves.
fn modes(reader: &mut UnitReader) {
    for kind in DirectoryKind::ALL {
        let is_set = |field| reader.values.iter().any(|value| value.field == field);
        let (directory, mode) = (F::Directory(kind), F::DirectoryMode(kind));
        if !is_set(directory)
            && let Some(at) = reader.values.iter().rposition(|value| value.field == mode)
        {
            let value = reader.values.swap_remove(at);
            reader.forget(mode);
            let written = value.value.to_string_lossy().into_owned();
            keep(reader, FieldValue { written, ..value }, "Service", UnmappedReason::NoField);
        }
    }
}

fn keep(reader: &mut UnitReader, value: FieldValue, section: &str, reason: UnmappedReason) {
    let FieldValue { field, origin, written, .. } = value;
    let (section, directive) = (section.to_owned(), field.directive().to_owned());
    reader.unmapped.push(Unmapped { section, directive, value: written, origin, reason });
}
