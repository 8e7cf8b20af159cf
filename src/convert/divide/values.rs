//! A spec, said again: the values that would make it, field by field.

use std::ffi::{OsStr, OsString};

use svcadapt_spec::{
    DirectoryKind, EnvironmentBase, Field, Field as F, FileMode, Input, Output, Presence, Probe, ServiceSpec,
    SocketKind,
};

/// The values that have to be given for a field so that the spec comes out as it is; none where the field is not
/// said. The inverse of [`svcadapt_spec::SpecDraft`], byte for byte.
pub fn values(spec: &ServiceSpec, field: Field) -> Vec<OsString> {
    match field {
        F::Name => shown(&spec.name),
        F::Description => shown(&spec.description),
        F::Type => shown(&spec.service_type),
        F::User => shown(&spec.user),
        F::Group => shown(&spec.group),
        F::SupplementaryGroups => shown(&spec.supplementary_groups),
        F::Umask => shown(&spec.umask),
        F::WorkingDirectory => spec.working_directory.iter().map(path).collect(),
        F::RootDirectory => spec.root_directory.iter().map(path).collect(),
        F::Environment => spec
            .environment
            .assignments
            .iter()
            .map(|set| joined(&format!("{}=", set.name), &set.value))
            .collect(),
        F::EnvironmentFile => spec
            .environment
            .files
            .iter()
            .map(|file| match file.presence {
                Presence::Required => path(&file.path),
                Presence::Optional => joined("-", &path(&file.path)),
            })
            .collect(),
        F::PassEnvironment => shown(&spec.environment.pass),
        F::UnsetEnvironment => shown(&spec.environment.unset),
        F::CleanEnvironment => {
            spec.environment.base.iter().map(|base| yes(*base == EnvironmentBase::Clean)).collect()
        }
        F::ExpandVariables => spec.expand_variables.then(|| yes(true)).into_iter().collect(),
        F::Argv0 => spec.argv0.iter().cloned().collect(),
        F::StandardInput => spec.standard_input.iter().map(input).collect(),
        F::StandardOutput => spec.standard_output.iter().map(output).collect(),
        F::StandardError => spec.standard_error.iter().map(output).collect(),
        F::Limit(resource) => shown(spec.limits.get(&resource)),
        F::Nice => shown(&spec.nice),
        F::OomScoreAdjust => shown(&spec.oom_score_adjust),
        F::PreventCore => spec.prevent_core.then(|| yes(true)).into_iter().collect(),
        F::NoNewPrivileges => spec.no_new_privileges.map(yes).into_iter().collect(),
        F::CapabilityBoundingSet => shown(&spec.capability_bounding_set),
        F::AmbientCapabilities => shown(&spec.ambient_capabilities),
        F::Directory(kind) => shown(spec.directories.iter().filter(|d| d.kind == kind).map(|d| &d.path)),
        F::DirectoryMode(kind) => shown(directory_mode(spec, kind).as_ref()),
        F::PidFile => spec.pid_file.iter().map(path).collect(),
        F::FilesPreserve => shown(&spec.files_preserve),
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => listen(spec, SocketKind::SequentialPacket),
        F::FileDescriptorName => shown(&spec.sockets.name),
        F::SocketMode => shown(&spec.sockets.mode),
        F::SocketUser => shown(&spec.sockets.user),
        F::SocketGroup => shown(&spec.sockets.group),
        F::BindIPv6Only => shown(&spec.sockets.bind_ipv6_only),
        F::Backlog => shown(&spec.sockets.backlog),
        F::LaunchdActivation => spec.sockets.launchd_activation.then(|| yes(true)).into_iter().collect(),
        F::Ready => spec.ready.iter().map(probe).collect(),
        F::NotificationFd => shown(&spec.notification_fd),
        F::TimeoutStartSec => shown(&spec.timeout_start),
        F::TimeoutStopSec => shown(&spec.timeout_stop),
        F::Restart => shown(&spec.restart),
        F::RestartSec => shown(&spec.restart_delay),
        F::KillSignal => shown(&spec.kill_signal),
        F::ReloadSignal => shown(&spec.reload_signal),
    }
}

fn listen(spec: &ServiceSpec, kind: SocketKind) -> Vec<OsString> {
    spec.sockets
        .listen
        .iter()
        .filter(|socket| socket.kind == kind)
        .map(|socket| socket.address.written())
        .collect()
}

/// The mode of the directories of a kind, unless it is the one that they have anyway.
fn directory_mode(spec: &ServiceSpec, kind: DirectoryKind) -> Option<FileMode> {
    let first = spec.directories.iter().find(|made| made.kind == kind)?;
    Some(first.mode).filter(|mode| *mode != FileMode::DEFAULT_DIRECTORY)
}

fn shown<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<OsString> {
    values.into_iter().map(|value| value.to_string().into()).collect()
}

fn path(path: impl AsRef<std::path::Path>) -> OsString {
    path.as_ref().as_os_str().to_owned()
}

fn joined(start: &str, end: &OsStr) -> OsString {
    let mut whole = OsString::from(start);
    whole.push(end);
    whole
}

fn yes(said: bool) -> OsString {
    (if said { "yes" } else { "no" }).into()
}

// A path need not be UTF-8, so what is printed for people is not good enough here.

fn input(input: &Input) -> OsString {
    match input {
        Input::File(file) => joined("file:", &path(file)),
        Input::Null | Input::Inherit => input.to_string().into(),
    }
}

fn output(output: &Output) -> OsString {
    use svcadapt_spec::WriteMode;
    match output {
        Output::File(WriteMode::Overwrite, file) => joined("file:", &path(file)),
        Output::File(WriteMode::Append, file) => joined("append:", &path(file)),
        Output::File(WriteMode::Truncate, file) => joined("truncate:", &path(file)),
        Output::Null | Output::Inherit | Output::Descriptor(_) => output.to_string().into(),
    }
}

fn probe(probe: &Probe) -> OsString {
    match probe {
        Probe::Unix(socket) => joined("unix:", &path(socket)),
        Probe::File(file) => joined("file:", &path(file)),
        Probe::Notify | Probe::Fd(_) | Probe::Tcp(..) | Probe::Exec(_) => probe.to_string().into(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::ffi::OsStrExt;

    use svcadapt_spec::{FIELDS, Origin, Resource, SpecDraft};

    use super::*;

    /// A spec that says everything there is.
    pub(in crate::divide) fn everything() -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into(), "a b".into()]);
        for row in &FIELDS {
            let values: &[&[u8]] = match row.field {
                F::Name => &[b"web@1"],
                F::Description => &[b"-100 % \"sure\""],
                F::Type => &[b"exec"],
                F::User => &[b"DOMAIN\\web"],
                F::Group => &[b"33"],
                F::SupplementaryGroups => &[b"ssl", b"7"],
                F::Umask => &[b"027"],
                F::WorkingDirectory | F::RootDirectory | F::PidFile => &[b"/a \xff$%"],
                F::Environment => &[b"A=\xfe=\n", b"B="],
                F::EnvironmentFile => &[b"-/a*b", b"/c"],
                F::PassEnvironment | F::UnsetEnvironment => &[b"LANG", b"TZ"],
                F::CleanEnvironment => &[b"no"],
                F::StandardInput => &[b"file:/\xff"],
                F::StandardOutput => &[b"truncate:/\xff:"],
                F::StandardError => &[b"inherit"],
                F::Limit(Resource::Cpu) => &[b"1min:infinity"],
                F::Limit(Resource::Nice | Resource::Rtprio) => &[b"3:4"],
                F::Limit(_) => &[b"1:2"],
                F::Nice => &[b"-5"],
                F::OomScoreAdjust => &[b"-1000"],
                F::ExpandVariables | F::PreventCore | F::NoNewPrivileges | F::LaunchdActivation => &[b"yes"],
                F::Argv0 => &[b"-\xff a"],
                F::CapabilityBoundingSet => &[b"CAP_CHOWN CAP_KILL"],
                F::AmbientCapabilities => &[b"CAP_KILL"],
                F::Directory(_) => &[b"web", b"web/data"],
                F::DirectoryMode(_) => &[b"2750"],
                F::FilesPreserve => &[b"14", b"15"],
                F::ListenStream => &[b"80", b"[::1]:80", b"/a \xff$%", b"@\xff"],
                F::ListenDatagram => &[b"127.0.0.1:53"],
                F::ListenSequentialPacket => &[b"@x", b"/-"],
                F::FileDescriptorName => &[b"-web %"],
                F::SocketMode => &[b"660"],
                F::SocketUser => &[b"7"],
                F::SocketGroup => &[b"ssl"],
                F::BindIPv6Only => &[b"ipv6-only"],
                F::Backlog => &[b"4294967295"],
                F::Ready => &[b"notify", b"tcp:[::1]:80", b"unix:/\xff", b"exec:a; b", b"fd:13"],
                F::NotificationFd => &[b"9"],
                F::TimeoutStartSec => &[b"1500ms"],
                F::TimeoutStopSec => &[b"infinity"],
                F::Restart => &[b"on-abnormal"],
                F::RestartSec => &[b"0"],
                F::KillSignal => &[b"SIGRTMIN+3"],
                F::ReloadSignal => &[b"USR1"],
            };
            for value in values {
                draft.assign(row.field, OsStr::from_bytes(value), Origin::Option);
            }
        }
        draft.finish().unwrap()
    }

    fn said_again(spec: &ServiceSpec) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(spec.command.argv().map(OsStr::to_owned).collect());
        for row in &FIELDS {
            for value in values(spec, row.field) {
                draft.assign(row.field, value, Origin::Option);
            }
        }
        draft.finish().unwrap()
    }

    #[test]
    fn a_spec_that_is_said_again_is_the_same_spec() {
        let spec = everything();
        assert_eq!(said_again(&spec), spec);
        assert!(FIELDS.iter().all(|row| !values(&spec, row.field).is_empty()));
    }

    #[test]
    fn what_is_not_said_has_no_value_and_an_empty_set_has_one() {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        let bare = draft.clone().finish().unwrap();
        assert!(FIELDS.iter().all(|row| values(&bare, row.field).is_empty()));
        draft.assign(F::CapabilityBoundingSet, "", Origin::Option);
        let spec = draft.finish().unwrap();
        assert_eq!(values(&spec, F::CapabilityBoundingSet), [""]);
        assert_eq!(said_again(&spec), spec);
    }
}
