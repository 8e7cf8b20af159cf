//! What launchd can do for a service in its system domain (launchd.plist(5)).

use svcadapt_spec::{
    Capabilities, Directive, Field, Field as F, Input, Output, Principal, Probe, Resource, Restart, Scope,
    ServiceSpec, ServiceType, SignalName, Socket, SocketAddress, SocketKind, Timespan, WriteMode,
};

use super::Capability::Host;
use super::keep_alive::{is_of_launchd, says_as_launchd};
use super::native::NO_JOURNAL;
use super::{Capability, Division, Loss, LossKind, Rights, Subject, Target};

/// How launchd honours a field that the spec says. An agent runs as its user, and has no rights but the user's.
pub(super) fn capability(spec: &ServiceSpec, field: Field, scope: Scope) -> Capability {
    match (scope, field) {
        (Scope::User, F::User | F::Group | F::SupplementaryGroups) => {
            Capability::lost("launchd runs every agent as the user whose it is")
        }
        (Scope::User, F::RootDirectory) => Capability::lost("an agent has not the rights for it"),
        (Scope::User, F::Nice) if spec.nice.is_some_and(|level| level < 0) => {
            Capability::lost("an agent cannot put itself before others")
        }
        _ => of_daemon(spec, field),
    }
}

/// How launchd honours it of a daemon.
#[expect(clippy::match_same_arms, reason = "what is the same for different reasons stands apart")]
fn of_daemon(spec: &ServiceSpec, field: Field) -> Capability {
    match field {
        F::Name | F::Umask | F::WorkingDirectory | F::Environment | F::Nice => Host,
        // launchd builds every environment itself, from what `launchctl setenv` gave it and the property list.
        F::CleanEnvironment | F::PassEnvironment => Host,
        // No dump is ever piped on macOS, so a limit of zero prevents it.
        F::PreventCore => Host,
        F::Description => Capability::lost("a property list has no room for it"),
        F::Type => match spec.service_type {
            Some(ServiceType::Notify | ServiceType::NotifyReload) => Capability::approximated(NO_READINESS),
            Some(ServiceType::Oneshot) => {
                Capability::approximated("launchd starts it and does not wait for its end")
            }
            // launchd takes the end of the process that it started for the end of the service.
            Some(ServiceType::Forking) => Capability::Adapter(Rights::OfService),
            _ => Host,
        },
        F::User => principal(spec.user.as_ref()),
        F::Group => principal(spec.group.as_ref()),
        // What a program that forks itself away writes itself is only read.
        F::PidFile if spec.service_type == Some(ServiceType::Forking) => {
            Capability::Adapter(Rights::OfService)
        }
        F::SupplementaryGroups
        | F::RootDirectory
        | F::Directory(_)
        | F::DirectoryMode(_)
        | F::PidFile
        // A file with secrets is often readable by root alone.
        | F::EnvironmentFile => Capability::Adapter(Rights::OfRoot),
        F::UnsetEnvironment | F::ExpandVariables => Capability::Adapter(Rights::OfService),
        F::Argv0 => called(spec),
        F::StandardInput => match spec.standard_input {
            Some(Input::Inherit) => Capability::approximated("launchd gives every job the null device"),
            _ => Host,
        },
        F::StandardOutput => output(spec.standard_output.as_ref()),
        F::StandardError => output(spec.standard_error.as_ref()),
        F::Limit(resource @ (Resource::Nofile | Resource::Nproc)) => Capability::Approximated(format!(
            "launchd sets kern.{} of the whole system with it",
            if resource == Resource::Nofile { "maxfiles" } else { "maxproc" }
        )),
        F::Limit(resource) => match resource_key(resource) {
            Some(_) => Host,
            None => Capability::lost("launchd has no such limit"),
        },
        F::OomScoreAdjust => Capability::lost("macOS has no such score"),
        F::NoNewPrivileges if spec.no_new_privileges == Some(false) => Host,
        F::NoNewPrivileges => Capability::lost("macOS cannot forbid it"),
        F::AmbientCapabilities if spec.ambient_capabilities == Some(Capabilities::EMPTY) => Host,
        F::CapabilityBoundingSet | F::AmbientCapabilities => Capability::lost("macOS has no capabilities"),
        F::FilesPreserve => Capability::lost("launchd starts every job with the standard streams alone"),
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => Capability::lost("macOS has no sockets for packets in sequence"),
        F::Backlog => Capability::lost("launchd itself says how many connections may wait"),
        F::FileDescriptorName
        | F::SocketMode
        | F::SocketUser
        | F::SocketGroup
        | F::BindIPv6Only
        | F::LaunchdActivation
            if !spec.sockets.listen.iter().any(launchd_listens) =>
        {
            Capability::lost("there is no socket left that it could be of")
        }
        F::FileDescriptorName => handed_over(spec),
        F::SocketMode | F::BindIPv6Only | F::LaunchdActivation => Host,
        F::SocketUser => by_number(spec.sockets.user.as_ref()),
        F::SocketGroup => by_number(spec.sockets.group.as_ref()),
        // It follows from the type, with which it is told.
        F::Ready
            if spec.ready == [Probe::Notify] && spec.service_type.is_some_and(ServiceType::notifies) =>
        {
            Host
        }
        F::Ready => Capability::lost(NO_READINESS),
        F::NotificationFd => Capability::lost("launchd waits for no such message"),
        F::TimeoutStartSec => Capability::lost("launchd waits for nothing when it starts a job"),
        F::TimeoutStopSec => match spec.timeout_stop {
            Some(Timespan::Infinity) => {
                Capability::approximated("written as 0, which launchd.plist(5) advises against")
            }
            Some(Timespan::Finite(span)) if span.subsec_nanos() != 0 => {
                Capability::approximated("rounded up to whole seconds")
            }
            _ => Host,
        },
        F::Restart if is_of_launchd(spec) || says_as_launchd(spec) => Host,
        F::Restart => restart(spec.restart),
        F::RestartSec if spec.native.key("KeepAlive").is_some() => Host,
        F::RestartSec => match (spec.restart, spec.restart_delay) {
            (None | Some(Restart::No | Restart::OnWatchdog), _) => Host,
            (_, Some(Timespan::Infinity)) => Capability::lost("launchd waits for no such time"),
            _ => Capability::approximated("launchd keeps the time between two starts, in whole seconds from 1"),
        },
        F::KillSignal => match spec.kill_signal {
            None | Some(SignalName::TERM) => Host,
            // launchd always sends SIGTERM; the adapter stays, and passes it on as this one.
            Some(_) => Capability::Adapter(Rights::OfService),
        },
        F::ReloadSignal => match spec.reload_signal {
            None | Some(SignalName::HUP) => {
                Capability::approximated("launchd has no reload; launchctl kill HUP and the job's name sends it")
            }
            // As `launchctl kill HUP system/LABEL` sends it, whatever the program wants.
            Some(_) => Capability::Adapter(Rights::OfService),
        },
    }
}

/// To launchd only status 0 is a success, and a crash is one of seven signals.
fn restart(restart: Option<Restart>) -> Capability {
    match restart {
        None | Some(Restart::No | Restart::Always) => Host,
        Some(Restart::OnSuccess) => {
            Capability::approximated("an end by a signal is no success there, also by SIGTERM")
        }
        Some(Restart::OnFailure) => {
            Capability::approximated("an end by SIGHUP, SIGINT, SIGTERM or SIGPIPE is a failure there")
        }
        Some(Restart::OnAbnormal | Restart::OnAbort) => Capability::approximated(
            "only after SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV or SIGSYS; SIGKILL is no crash there",
        ),
        Some(Restart::OnWatchdog) => Capability::lost("launchd has no watchdog"),
    }
}

const NO_READINESS: &str = "launchd has no readiness: the job counts as started when its process runs";

/// The name of a limit in `SoftResourceLimits` and `HardResourceLimits`; none where launchd has none.
pub fn resource_key(resource: Resource) -> Option<&'static str> {
    match resource {
        Resource::Cpu => Some("CPU"),
        Resource::Fsize => Some("FileSize"),
        Resource::Data => Some("Data"),
        Resource::Stack => Some("Stack"),
        Resource::Core => Some("Core"),
        Resource::Rss => Some("ResidentSetSize"),
        Resource::Nofile => Some("NumberOfFiles"),
        Resource::Nproc => Some("NumberOfProcesses"),
        Resource::Memlock => Some("MemoryLock"),
        Resource::As
        | Resource::Locks
        | Resource::Sigpending
        | Resource::Msgqueue
        | Resource::Nice
        | Resource::Rtprio
        | Resource::Rttime => None,
    }
}

/// `Program` has the path of a program beside its name, and nothing searches that.
fn called(spec: &ServiceSpec) -> Capability {
    if spec.command.program.as_encoded_bytes().starts_with(b"/") {
        Host
    } else {
        Capability::Adapter(Rights::OfService)
    }
}

/// `UserName` and `GroupName` are looked up by name only.
fn principal(principal: Option<&Principal>) -> Capability {
    match principal {
        Some(Principal::Id(_)) => Capability::Adapter(Rights::OfRoot),
        _ => Host,
    }
}

/// Whether launchd can have the socket.
pub fn launchd_listens(socket: &Socket) -> bool {
    socket.kind != SocketKind::SequentialPacket && unheard(socket).is_none()
}

/// Why nobody can listen at this address on macOS.
fn unheard(socket: &Socket) -> Option<&'static str> {
    /// `sun_path` has 104 bytes there (unix(4)), with its NUL.
    const LONGEST: usize = 103;
    match &socket.address {
        SocketAddress::Abstract(_) => Some("macOS has no abstract sockets"),
        SocketAddress::Path(path) if path.as_path().as_os_str().len() > LONGEST => {
            Some("the path of a socket has at most 103 bytes on macOS")
        }
        SocketAddress::Path(_) | SocketAddress::Port(_) | SocketAddress::Inet(_) => None,
    }
}

/// launchd listens in any case; the adapter takes the sockets and hands them on as `LISTEN_FDS`.
fn listen(spec: &ServiceSpec, kind: SocketKind) -> Capability {
    let of_kind = || spec.sockets.listen.iter().filter(|socket| socket.kind == kind);
    match of_kind().find_map(unheard) {
        Some(why) if !of_kind().any(launchd_listens) => Capability::lost(why),
        _ => handed_over(spec),
    }
}

fn handed_over(spec: &ServiceSpec) -> Capability {
    if spec.sockets.launchd_activation { Host } else { Capability::Adapter(Rights::OfService) }
}

/// `SockPathOwner` and `SockPathGroup` are numbers.
fn by_number(principal: Option<&Principal>) -> Capability {
    match principal {
        Some(Principal::Name(_)) => Capability::lost("launchd takes the number of an owner, and no name"),
        _ => Host,
    }
}

/// Where launchd can have only some of the sockets of a kind.
pub(super) fn about_sockets(spec: &ServiceSpec, division: &mut Division) {
    for (field, kind) in [(F::ListenStream, SocketKind::Stream), (F::ListenDatagram, SocketKind::Datagram)] {
        let of_kind = || spec.sockets.listen.iter().filter(|socket| socket.kind == kind);
        if of_kind().any(launchd_listens)
            && let Some((left_out, why)) = of_kind().find_map(|socket| Some((socket, unheard(socket)?)))
        {
            let how = format!("without {}: {why}", left_out.address);
            division.losses.push(Loss::of(field, LossKind::Approximated(how)));
        }
    }
}

/// Whether launchd starts the job at once, and not on demand: what a unit is without any target that wants it
/// (systemd.unit(5), "\[Install\] Section Options"). What is kept alive is started at once (launchd.plist(5)).
pub fn starts_at_load(spec: &ServiceSpec) -> bool {
    spec.native.systemd.is_none() || wanted_by(spec).next().is_some() || is_kept_alive(spec)
}

fn is_kept_alive(spec: &ServiceSpec) -> bool {
    let restarts = !matches!(spec.restart, None | Some(Restart::No | Restart::OnWatchdog));
    restarts || spec.native.key("KeepAlive").is_some()
}

/// What has a unit started with it.
fn wanted_by(spec: &ServiceSpec) -> impl Iterator<Item = &str> {
    wanting(spec).flat_map(|line| line.value().split_ascii_whitespace())
}

/// The lines that say it.
fn wanting(spec: &ServiceSpec) -> impl Iterator<Item = &Directive> {
    let lines = spec.native.systemd.iter().flatten();
    let wants = |name: &str| ["WantedBy", "RequiredBy", "UpheldBy"].contains(&name);
    lines.filter(move |line| line.section() == "Install" && wants(line.name()))
}

/// Targets that are reached whenever the system, or a session, is there.
const REACHED: [&str; 3] = ["multi-user.target", "graphical.target", "default.target"];

/// When launchd starts what a unit says.
pub(super) fn about_start(spec: &ServiceSpec, division: &mut Division) {
    let how = if !starts_at_load(spec) {
        if !spec.sockets.listen.is_empty() {
            return;
        }
        "no target wants it, so that launchd, too, starts it on demand only: launchctl kickstart and its label".into()
    } else if spec.native.systemd.is_none() {
        return;
    } else if wanted_by(spec).next().is_none() {
        "no target wants it, but launchd starts at once what it keeps alive".into()
    } else if let Some(other) = wanted_by(spec).find(|target| !REACHED.contains(target))
        && !wanted_by(spec).any(|target| REACHED.contains(&target))
    {
        format!("launchd knows no {other}: it starts the job when it is loaded")
    } else {
        return;
    };
    let line = wanting(spec).next().cloned().unwrap_or_else(|| Directive::missing("Install", "WantedBy"));
    division.losses.push(Loss { subject: Subject::Directive(line), kind: LossKind::Approximated(how) });
}

/// launchd appends, and nothing else.
fn output(output: Option<&Output>) -> Capability {
    match output {
        Some(Output::Descriptor(3..)) => Capability::Adapter(Rights::OfRoot),
        Some(Output::Inherit | Output::Descriptor(_)) => {
            Capability::approximated("launchd gives the null device; what is written there is gone")
        }
        Some(Output::File(WriteMode::Overwrite | WriteMode::Truncate, _)) => {
            Capability::Adapter(Rights::OfRoot)
        }
        _ => Host,
    }
}

/// Whether the adapter stays beside the program: launchd follows nobody but the process that it has started, and sends
/// it no signal but SIGTERM by itself.
pub(super) fn adapter_stays(division: &Division) -> bool {
    let needs = |field: &F| matches!(field, F::Type | F::KillSignal | F::ReloadSignal);
    matches!(division.target, Target::Launchd(_)) && division.adapter.iter().any(needs)
}

/// Known only when it is known who settles the identity: launchd opens files as the user that it starts the job as.
pub(super) fn about_streams(spec: &ServiceSpec, division: &mut Division) {
    let other_user = division.host.contains(&F::User) || division.host.contains(&F::Group);
    for (field, output) in
        [(F::StandardOutput, &spec.standard_output), (F::StandardError, &spec.standard_error)]
    {
        if other_user && matches!(output, Some(Output::File(WriteMode::Append, _))) {
            let how =
                "launchd opens it as the service's user, who must be able to; else the job never starts";
            division.losses.push(Loss::of(field, LossKind::Approximated(how.into())));
        }
    }
}

/// What a unit does not say of its output is the journal's (systemd.exec(5), `StandardOutput=`). Errors go where the
/// output goes, so that it is told once.
pub(super) fn about_journal(spec: &ServiceSpec, division: &mut Division) {
    let silent = spec.standard_output.is_none() && !spec.native.has_directive(F::StandardOutput.directive());
    if spec.native.systemd.is_some() && silent {
        let line = Directive::missing("Service", F::StandardOutput.directive());
        let kind = LossKind::Lost(NO_JOURNAL.into());
        division.losses.push(Loss { subject: Subject::Directive(line), kind });
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::divide::{Target, divide};

    fn division(values: &[(Field, &str)]) -> Division {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        divide(&draft.finish().unwrap(), Target::Launchd(Scope::System))
    }

    #[test]
    fn a_user_by_number_is_the_adapters_and_by_name_launchds() {
        assert_eq!(division(&[(F::User, "www"), (F::Group, "www")]).adapter, []);
        assert_eq!(division(&[(F::User, "70"), (F::Group, "www")]).adapter, [F::User, F::Group]);
    }

    #[test]
    fn socket_with_a_path_that_macos_has_no_room_for_is_lost() {
        let [fits, long] = [103, 104].map(|length| format!("/{}", "x".repeat(length - 1)));
        let told = |values: &[(Field, &str)]| {
            division(values).losses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(told(&[(F::ListenStream, &fits)]), "");
        let lost = "--listen-stream: lost: the path of a socket has at most 103 bytes on macOS";
        assert_eq!(told(&[(F::ListenStream, &long)]), lost);
        assert!(
            told(&[(F::ListenStream, "80"), (F::ListenStream, &long)]).contains(&format!("without {long}: "))
        );
    }

    #[test]
    fn secrets_are_read_before_the_identity_changes() {
        let said = [(F::User, "www"), (F::EnvironmentFile, "/etc/secret"), (F::UnsetEnvironment, "X")];
        assert_eq!(division(&said).adapter, [F::User, F::EnvironmentFile, F::UnsetEnvironment]);
        assert_eq!(division(&[said[0], said[2]]).host, [F::User]);
    }

    #[test]
    fn a_file_is_opened_by_whoever_settles_the_identity() {
        let log = (F::StandardOutput, "append:/var/log/x");
        assert_eq!(division(&[log]).losses, []);
        assert_eq!(division(&[log, (F::User, "www")]).losses.len(), 1);
        assert_eq!(division(&[log, (F::User, "www"), (F::PidFile, "/var/run/x.pid")]).losses, []);
    }

    #[test]
    fn only_what_keeps_rights_small_is_a_loss_of_security() {
        let lost = division(&[(F::Ready, "notify"), (F::NoNewPrivileges, "yes"), (F::OomScoreAdjust, "5")]);
        let weak: Vec<_> = lost.losses.iter().filter(|loss| loss.weakens_security()).collect();
        assert_eq!(lost.losses.len(), 3);
        assert_eq!(weak.len(), 1);
        assert_eq!(
            weak[0].to_string(),
            "--no-new-privileges: lost, weakens security: macOS cannot forbid it"
        );
    }

    #[test]
    fn the_adapter_stays_for_what_launchd_cannot_send_or_follow_and_has_the_time_to_stop() {
        let stop = (F::TimeoutStopSec, "10");
        for (said, adapter) in [
            (&[(F::KillSignal, "SIGQUIT"), stop][..], &[F::TimeoutStopSec, F::KillSignal][..]),
            (&[(F::KillSignal, "SIGTERM"), stop], &[]),
            (&[(F::ReloadSignal, "SIGUSR1"), stop], &[F::TimeoutStopSec, F::ReloadSignal]),
            (&[(F::ReloadSignal, "SIGHUP"), stop], &[]),
            (&[(F::Type, "forking"), (F::PidFile, "/var/run/x.pid")], &[F::Type, F::PidFile]),
        ] {
            let divided = division(said);
            assert_eq!(divided.adapter, adapter);
            assert_eq!(divided.adapter_stays(), !adapter.is_empty());
            // The identity stays launchd's.
            let mut said = said.to_vec();
            said.push((F::User, "www"));
            assert!(division(&said).host.contains(&F::User));
        }
    }
}
