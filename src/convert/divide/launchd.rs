//! The capabilities of launchd (launchd.plist(5)).

use svcadapt_spec::{
    Capabilities, Directive, Field, Field as F, Principal, Resource, Restart, Scope, ServiceSpec,
    ServiceType, SignalName, Socket, SocketAddress, SocketKind, Timespan,
};

use super::Capability::Host;
use super::keep_alive::{comes_from_keep_alive, has_clean_signals};
use super::{
    Capability, Division, Loss, LossKind, Privileges, Subject, inetd, life, process, resources, streams,
};

/// How well launchd can do a field that is set. An agent runs as its user, with only that user's rights.
pub(super) fn capability(spec: &ServiceSpec, field: Field, scope: Scope) -> Capability {
    match (scope, field) {
        (Scope::User, F::User | F::Group | F::SupplementaryGroups) => {
            Capability::lost("launchd runs an agent as its user")
        }
        (Scope::User, F::RootDirectory) => Capability::lost("an agent does not have the rights for it"),
        (Scope::User, F::Nice) if spec.nice.is_some_and(|level| level < 0) => {
            Capability::lost("an agent cannot raise its priority")
        }
        _ => inetd::on_launchd(spec, field)
            .or_else(|| life::on_launchd(spec, field))
            .or_else(|| process::on_launchd(spec, field))
            .or_else(|| streams::on_launchd(spec, field))
            .or_else(|| resources::on_launchd(field))
            .unwrap_or_else(|| of_daemon(spec, field)),
    }
}

/// How well launchd can do a field of a daemon.
#[expect(clippy::match_same_arms, reason = "equal results with different reasons are separate")]
fn of_daemon(spec: &ServiceSpec, field: Field) -> Capability {
    match field {
        F::Name | F::Umask | F::WorkingDirectory | F::Environment | F::Nice => Host,
        // launchd builds each environment itself, from `launchctl setenv` and the property list.
        F::CleanEnvironment | F::PassEnvironment => Host,
        // macOS never pipes a core dump, so a limit of zero prevents it.
        F::PreventCore => Host,
        F::Description => Capability::lost("a property list has no key for it"),
        F::Type => match spec.service_type {
            // The adapter hears its notifications.
            Some(ServiceType::Notify | ServiceType::NotifyReload) => Capability::Adapter(Privileges::Root),
            Some(ServiceType::Oneshot) => {
                Capability::approximated("launchd starts it but does not wait for its end")
            }
            // launchd takes the end of the first process as the end of the service.
            Some(ServiceType::Forking) => Capability::Adapter(Privileges::Service),
            _ => Host,
        },
        F::User => principal(spec.user.as_ref()),
        F::Group => principal(spec.group.as_ref()),
        // A program that forks writes the PID file itself; the adapter only reads it.
        F::PidFile if spec.service_type == Some(ServiceType::Forking) => {
            Capability::Adapter(Privileges::Service)
        }
        F::SupplementaryGroups
        | F::RootDirectory
        | F::Directory(_)
        | F::DirectoryMode(_)
        | F::PidFile
        // A file with secrets is often readable only by root.
        | F::EnvironmentFile => Capability::Adapter(Privileges::Root),
        F::Argv0 => argv0(spec),
        F::Limit(resource @ (Resource::Nofile | Resource::Nproc)) => Capability::Approximated(format!(
            "launchd also sets kern.{} of the whole system",
            if resource == Resource::Nofile { "maxfiles" } else { "maxproc" }
        )),
        F::Limit(resource) => match resource_key(resource) {
            Some(_) => Host,
            None => Capability::lost("launchd has no such limit"),
        },
        F::OomScoreAdjust => Capability::lost("macOS has no OOM score"),
        F::DynamicUser if spec.dynamic_user == Some(false) => Host,
        F::DynamicUser => Capability::lost("macOS has no dynamic users"),
        F::NoNewPrivileges if spec.no_new_privileges == Some(false) => Host,
        F::NoNewPrivileges => Capability::lost("macOS has no such restriction"),
        F::AmbientCapabilities if spec.ambient_capabilities == Some(Capabilities::EMPTY) => Host,
        F::CapabilityBoundingSet | F::AmbientCapabilities => Capability::lost("macOS has no capabilities"),
        F::FilesPreserve => Capability::lost("launchd passes only the standard streams to a job"),
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => Capability::lost("macOS has no SOCK_SEQPACKET sockets"),
        field if Socket::kind_of(field).is_some() => {
            Capability::lost("launchd opens only TCP, UDP and Unix sockets for a job")
        }
        F::SocketOption(_) => Capability::lost("launchd sets no such option"),
        F::SocketCommand(_) => Capability::lost("launchd opens the sockets, and executes no commands for that"),
        F::Backlog => Capability::lost("launchd sets the backlog itself"),
        field
            if (field.is_socket_field() || field == F::LaunchdActivation)
                && !spec.sockets.listen.iter().any(launchd_listens) =>
        {
            Capability::lost("there is no socket that it applies to")
        }
        F::FileDescriptorName => passed_sockets(spec),
        F::IdleExit => Capability::lost("launchd stops no job because it is idle"),
        F::StartOnConnect => Capability::lost("launchd starts a job at once with RunAtLoad, else on demand"),
        F::SocketMode | F::BindIPv6Only | F::LaunchdActivation => Host,
        F::SocketUser => by_number(spec.sockets.user.as_ref()),
        F::SocketGroup => by_number(spec.sockets.group.as_ref()),
        F::Ready if spec.service_type == Some(ServiceType::Oneshot) => {
            Capability::lost("a oneshot service is ready when it has ended")
        }
        // launchd has no readiness: the adapter watches the probes, and keeps the result in root's record.
        F::Ready => Capability::Adapter(Privileges::Root),
        F::ReopenSignal => Capability::lost("launchctl kill SIGNAL system/LABEL sends it"),
        F::NotificationFd => Capability::lost("launchd takes no notifications"),
        F::TimeoutStartSec if adapter_waits(spec) => Capability::Adapter(Privileges::Service),
        F::TimeoutStartSec => Capability::lost("launchd does not wait when it starts a job"),
        F::TimeoutStopSec => match spec.timeout_stop {
            Some(Timespan::Infinity) => {
                Capability::approximated("written as 0, which launchd.plist(5) advises against")
            }
            Some(Timespan::Finite(span)) if span.subsec_nanos() != 0 => {
                Capability::approximated("rounded up to whole seconds")
            }
            _ => Host,
        },
        F::Restart | F::RestartSec if life::adapter_restarts(spec) => Capability::Adapter(Privileges::Service),
        F::Restart if comes_from_keep_alive(spec) || has_clean_signals(spec) => Host,
        F::Restart => restart(spec.restart),
        F::RestartSec if spec.native.key("KeepAlive").is_some() => Host,
        F::RestartSec => match (spec.restart, spec.restart_delay) {
            (None | Some(Restart::No | Restart::OnWatchdog), _) => Host,
            (_, Some(Timespan::Infinity)) => Capability::lost("launchd cannot wait without a limit"),
            _ => Capability::approximated("launchd measures it from start to start, in whole seconds, at least 1"),
        },
        F::KillSignal => match spec.kill_signal {
            None | Some(SignalName::TERM) => Host,
            // launchd always sends SIGTERM; the adapter stays and forwards it as this signal.
            Some(_) => Capability::Adapter(Privileges::Service),
        },
        F::ReloadSignal => match spec.reload_signal {
            None | Some(SignalName::HUP) => {
                Capability::approximated("launchd has no reload; launchctl kill HUP system/LABEL sends the signal")
            }
            // The adapter forwards the SIGHUP of `launchctl kill HUP system/LABEL` as this signal.
            Some(_) => Capability::Adapter(Privileges::Service),
        },
        // launchd has no key for any other field.
        _ => Capability::Adapter(Privileges::Service),
    }
}

/// For launchd only status 0 is a success, and a crash is one of seven signals.
fn restart(restart: Option<Restart>) -> Capability {
    match restart {
        None | Some(Restart::No | Restart::Always) => Host,
        Some(Restart::OnSuccess) => {
            Capability::approximated("launchd takes an end by a signal, even SIGTERM, as a failure")
        }
        Some(Restart::OnFailure) => Capability::approximated(
            "launchd takes an end by SIGHUP, SIGINT, SIGTERM or SIGPIPE as a failure",
        ),
        Some(Restart::OnAbnormal | Restart::OnAbort) => Capability::approximated(
            "only after SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV or SIGSYS; for launchd SIGKILL is not a crash",
        ),
        Some(Restart::OnWatchdog) => Capability::lost("launchd has no watchdog"),
    }
}

/// Whether an adapter stays that has something to wait for at the start.
fn adapter_waits(spec: &ServiceSpec) -> bool {
    let oneshot = spec.service_type == Some(ServiceType::Oneshot);
    let commands = &spec.commands;
    spec.service_type == Some(ServiceType::Forking)
        || !spec.ready.is_empty() && !oneshot
        || [&commands.condition, &commands.start_pre, &commands.start_post].iter().any(|all| !all.is_empty())
}

/// The key of a limit in `SoftResourceLimits` and `HardResourceLimits`. `None` if launchd does not have the limit.
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

/// With a name of its own, the program needs a path in `Program`, which is not searched for.
fn argv0(spec: &ServiceSpec) -> Capability {
    if spec.command.program.as_encoded_bytes().starts_with(b"/") {
        Host
    } else {
        Capability::Adapter(Privileges::Service)
    }
}

/// `UserName` and `GroupName` take only names.
fn principal(principal: Option<&Principal>) -> Capability {
    match principal {
        Some(Principal::Id(_)) => Capability::Adapter(Privileges::Root),
        _ => Host,
    }
}

/// Whether launchd can listen on the socket.
pub fn launchd_listens(socket: &Socket) -> bool {
    matches!(socket.kind, SocketKind::Stream | SocketKind::Datagram) && unsupported(socket).is_none()
}

/// Why macOS cannot listen at this address. `None` if it can.
fn unsupported(socket: &Socket) -> Option<&'static str> {
    /// `sun_path` has 104 bytes there (unix(4)), with its NUL.
    const MAX_PATH_BYTES: usize = 103;
    match &socket.address {
        SocketAddress::Abstract(_) => Some("macOS has no abstract sockets"),
        SocketAddress::Path(path) if path.as_path().as_os_str().len() > MAX_PATH_BYTES => {
            Some("the path of a socket has at most 103 bytes on macOS")
        }
        SocketAddress::Path(_)
        | SocketAddress::Port(_)
        | SocketAddress::Inet(_)
        | SocketAddress::Netlink(..)
        | SocketAddress::Queue(_) => None,
    }
}

/// launchd listens; the adapter passes the sockets on as `LISTEN_FDS`, unless the program uses launch_activate_socket(3).
fn listen(spec: &ServiceSpec, kind: SocketKind) -> Capability {
    let of_kind = || spec.sockets.listen.iter().filter(|socket| socket.kind == kind);
    match of_kind().find_map(unsupported) {
        Some(why) if !of_kind().any(launchd_listens) => Capability::lost(why),
        _ => passed_sockets(spec),
    }
}

fn passed_sockets(spec: &ServiceSpec) -> Capability {
    if spec.sockets.launchd_activation || inetd::is_inetd(spec) {
        Host
    } else {
        Capability::Adapter(Privileges::Service)
    }
}

/// `SockPathOwner` and `SockPathGroup` take only numbers.
fn by_number(principal: Option<&Principal>) -> Capability {
    match principal {
        Some(Principal::Name(_)) => Capability::lost("launchd takes only a numeric owner"),
        _ => Host,
    }
}

/// Adds the loss of single sockets that launchd cannot listen on.
pub(super) fn add_socket_losses(spec: &ServiceSpec, division: &mut Division) {
    for (field, kind) in [(F::ListenStream, SocketKind::Stream), (F::ListenDatagram, SocketKind::Datagram)] {
        let of_kind = || spec.sockets.listen.iter().filter(|socket| socket.kind == kind);
        if of_kind().any(launchd_listens)
            && let Some((left_out, why)) = of_kind().find_map(|socket| Some((socket, unsupported(socket)?)))
        {
            let how = format!("without {}: {why}", left_out.address);
            division.losses.push(Loss::of(field, LossKind::Approximated(how)));
        }
    }
}

/// Whether launchd starts the job at once, not on demand. A unit that no target wants is started on demand
/// (systemd.unit(5), "\[Install\] Section Options"), but a job with `KeepAlive` starts at once (launchd.plist(5)).
pub fn starts_at_load(spec: &ServiceSpec) -> bool {
    if inetd::is_inetd(spec) {
        return false;
    }
    spec.native.systemd.is_none() || wanted_by(spec).next().is_some() || is_kept_alive(spec)
}

fn is_kept_alive(spec: &ServiceSpec) -> bool {
    let restarts = !matches!(spec.restart, None | Some(Restart::No | Restart::OnWatchdog));
    restarts && !life::adapter_restarts(spec) || spec.native.key("KeepAlive").is_some()
}

/// The units that start this unit.
fn wanted_by(spec: &ServiceSpec) -> impl Iterator<Item = &str> {
    wanting(spec).flat_map(|line| line.value().split_ascii_whitespace())
}

/// The lines of `[Install]` that name them.
fn wanting(spec: &ServiceSpec) -> impl Iterator<Item = &Directive> {
    let lines = spec.native.systemd.iter().flatten();
    let wants = |name: &str| ["WantedBy", "RequiredBy", "UpheldBy"].contains(&name);
    lines.filter(move |line| line.section() == "Install" && wants(line.name()))
}

/// Targets of each normal boot, or of each session.
const BOOT_TARGETS: [&str; 3] = ["multi-user.target", "graphical.target", "default.target"];

/// Adds the loss of the start condition of a unit.
pub(super) fn add_start_loss(spec: &ServiceSpec, division: &mut Division) {
    let how = if !starts_at_load(spec) {
        if !spec.sockets.listen.is_empty() {
            return;
        }
        "no target starts it, so launchd starts it only on demand, with launchctl kickstart and its label"
            .into()
    } else if spec.native.systemd.is_none() {
        return;
    } else if wanted_by(spec).next().is_none() {
        "no target starts it, but launchd starts a job with KeepAlive at once".into()
    } else if let Some(other) = wanted_by(spec).find(|target| !BOOT_TARGETS.contains(target))
        && !wanted_by(spec).any(|target| BOOT_TARGETS.contains(&target))
    {
        format!("launchd has no {other}: it starts the job when it is loaded")
    } else {
        return;
    };
    let line = wanting(spec).next().cloned().unwrap_or_else(|| Directive::missing("Install", "WantedBy"));
    division.losses.push(Loss { subject: Subject::Directive(line), kind: LossKind::Approximated(how) });
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
    fn numeric_user_is_done_by_the_adapter_and_named_user_by_launchd() {
        assert_eq!(division(&[(F::User, "www"), (F::Group, "www")]).adapter, []);
        assert_eq!(division(&[(F::User, "70"), (F::Group, "www")]).adapter, [F::User, F::Group]);
    }

    #[test]
    fn socket_path_too_long_for_macos_is_lost() {
        let [fits, long] = [103, 104].map(|length| format!("/{}", "x".repeat(length - 1)));
        let losses = |values: &[(Field, &str)]| {
            division(values).losses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(losses(&[(F::ListenStream, &fits)]), "");
        let lost = "--listen-stream: lost: the path of a socket has at most 103 bytes on macOS";
        assert_eq!(losses(&[(F::ListenStream, &long)]), lost);
        assert!(
            losses(&[(F::ListenStream, "80"), (F::ListenStream, &long)])
                .contains(&format!("without {long}: "))
        );
    }

    #[test]
    fn environment_file_is_read_before_the_identity_changes() {
        let values = [(F::User, "www"), (F::EnvironmentFile, "/etc/secret"), (F::UnsetEnvironment, "X")];
        assert_eq!(division(&values).adapter, [F::User, F::EnvironmentFile, F::UnsetEnvironment]);
        assert_eq!(division(&[values[0], values[2]]).host, [F::User]);
    }

    #[test]
    fn log_is_opened_by_the_side_that_changes_the_identity() {
        let log = (F::StandardOutput, "append:/var/log/x");
        assert_eq!(division(&[log]).losses, []);
        assert_eq!(division(&[log, (F::User, "www")]).losses.len(), 1);
        assert_eq!(division(&[log, (F::User, "www"), (F::PidFile, "/var/run/x.pid")]).losses, []);
    }

    #[test]
    fn only_lost_restriction_of_rights_weakens_security() {
        let lost = division(&[(F::Ready, "notify"), (F::NoNewPrivileges, "yes"), (F::OomScoreAdjust, "5")]);
        let weak: Vec<_> = lost.losses.iter().filter(|loss| loss.weakens_security()).collect();
        assert_eq!(lost.losses.len(), 2);
        assert_eq!(weak.len(), 1);
        assert_eq!(
            weak[0].to_string(),
            "--no-new-privileges: lost, weakens security: macOS has no such restriction"
        );
    }

    #[test]
    fn adapter_stays_for_signals_and_forks_and_gets_the_stop_timeout() {
        let stop = (F::TimeoutStopSec, "10");
        for (values, adapter) in [
            (&[(F::KillSignal, "SIGQUIT"), stop][..], &[F::TimeoutStopSec, F::KillSignal][..]),
            (&[(F::KillSignal, "SIGTERM"), stop], &[]),
            (&[(F::ReloadSignal, "SIGUSR1"), stop], &[F::TimeoutStopSec, F::ReloadSignal]),
            (&[(F::ReloadSignal, "SIGHUP"), stop], &[]),
            (&[(F::Type, "forking"), (F::PidFile, "/var/run/x.pid")], &[F::Type, F::PidFile]),
        ] {
            let divided = division(values);
            assert_eq!(divided.adapter, adapter);
            assert_eq!(divided.adapter_stays(), !adapter.is_empty());
            // The identity stays launchd's.
            let mut values = values.to_vec();
            values.push((F::User, "www"));
            assert!(division(&values).host.contains(&F::User));
        }
    }
}
