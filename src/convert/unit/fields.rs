//! The directives of systemd that a spec has fields for (systemd.exec(5), systemd.service(5)).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use svcadapt_spec::{DirectoryKind, Field, Field as F, FileMode};

use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::value::{check_value, discard_unmapped, keep, last, put, resolved, unusable};
use super::{UnmappedReason, bus_name, process, streams};
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
        F::IgnoreSigpipe => process::ignore_sigpipe(reader, site),
        // A spec has no mask in hexadecimal.
        F::AllowedCpus | F::AllowedMemoryNodes if text.starts_with("0x") => {
            reader.keep(site, UnmappedReason::NoField);
        }
        F::Directory(kind) => directories(reader, site, kind),
        F::EnvironmentFile => environment_file(reader, site),
        F::WorkingDirectory => working_directory(reader, site),
        F::PidFile => pid_file(reader, site),
        F::StandardInput | F::StandardOutput | F::StandardError => streams::stream(reader, site, field),
        F::StandardInputText => streams::text(reader, site),
        F::Type => kind(reader, site),
        F::SetCredential => process::credential(reader, site),
        F::Description
        | F::User
        | F::Group
        | F::RootDirectory
        | F::TtyPath
        | F::SyslogIdentifier
        | F::LoadCredential
        | F::ImportCredential => {
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
            reader.values.push(UnitValue { field, value: OsString::new(), origin, written: String::new() });
        }
        F::IoSchedulingClass
        | F::IoSchedulingPriority
        | F::CpuSchedulingPolicy
        | F::CpuSchedulingPriority
        | F::CpuSchedulingResetOnFork
        | F::TimerSlackNSec
        | F::IgnoreSigpipe
        | F::KeyringMode
        | F::NumaPolicy => process::empty(reader, site, field),
        F::StandardInputText | F::StandardInputData => {
            reader.forget(F::StandardInputText);
            reader.forget(F::StandardInputData);
        }
        F::Umask
        | F::Type
        | F::TtyReset
        | F::TtyVHangup
        | F::TtyVtDisallocate
        | F::SyslogFacility
        | F::SyslogLevel
        | F::SyslogLevelPrefix
        | F::StandardInput
        | F::StandardOutput
        | F::StandardError
        | F::NoNewPrivileges
        | F::DynamicUser
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
        | F::FileDescriptorStoreMax
        | F::FileDescriptorStorePreserve
        | F::GuessMainPid
        | F::OomPolicy => reader.warn(site, "systemd ignores an empty value here"),
        _ => {
            reader.forget(field);
            reader.unmapped.retain(|line| line.section != "Service" || line.directive != site.line.key);
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

fn kind(reader: &mut UnitReader, site: &Site) {
    let text = site.line.value.as_str();
    let (value, missing) = match text {
        "simple" | "exec" | "notify" | "notify-reload" | "forking" | "oneshot" => (text, None),
        // Outside of systemd no other job is waited for.
        "idle" => ("simple", Some(UnmappedReason::Elsewhere)),
        "dbus" => ("simple", Some(UnmappedReason::Partly("the bus name is not waited for".into()))),
        _ => return unusable(reader, site, "not a valid type of service".into()),
    };
    discard_unmapped(reader, site);
    reader.forget(F::Type);
    if let Some(reason) = missing {
        reader.keep(site, reason);
    }
    let origin = site.origin.clone();
    reader.values.push(UnitValue { field: F::Type, value: value.into(), origin, written: text.into() });
}

/// Resolves the fields that depend on several directives.
pub(super) fn finish(reader: &mut UnitReader) {
    streams::finish(reader);
    modes(reader);
    // The program reports its readiness whatever Type= [X-Svcadapt] sets.
    let kind = last(reader, F::Type);
    if let Some(value) =
        kind.clone().filter(|value| value.value == "notify" || value.value == "notify-reload")
    {
        reader.values.push(UnitValue { field: F::Ready, value: "notify".into(), ..value });
    }
    bus_name::probe(reader, kind.as_ref());
    // systemd reads the pid file of Type=forking to find the main process. It never writes one, and always removes it.
    if kind.is_none_or(|value| value.value != "forking")
        && let Some(value) = last(reader, F::PidFile)
    {
        reader.forget(F::PidFile);
        reader.values.push(UnitValue { field: F::RemovePidFile, ..value });
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
            keep(reader, UnitValue { written, ..value }, "Service", UnmappedReason::NoField);
        }
    }
}
