//! The capabilities of systemd (systemd.service(5), systemd.exec(5)).

use svcadapt_spec::{
    AbsPath, Capabilities, DirectoryKind, Field, Field as F, Input, Output, Preserve, Probe, Restart, Scope,
    ServiceSpec, ServiceType, SignalName, SocketAddress, SocketKind, SocketOption, WriteMode,
};

use super::Capability::Host;
use super::keep_alive::comes_from_keep_alive;
use super::{Capability, Privileges, Systemd, life, resources};
use crate::directive::{Section, Version, directive};

/// How well systemd can do a field that is set.
pub(super) fn capability(spec: &ServiceSpec, field: Field, host: Systemd) -> Capability {
    match (host.scope, field) {
        // A user manager has only the rights of its user (systemd.exec(5), for each of these).
        (Scope::User, F::User | F::Group | F::SupplementaryGroups) => {
            Capability::lost("a user manager runs everything as its user")
        }
        (Scope::User, F::DynamicUser) if spec.dynamic_user == Some(true) => {
            Capability::lost("a user manager does not have the rights for it")
        }
        (Scope::User, F::AmbientCapabilities) if spec.ambient_capabilities == Some(Capabilities::EMPTY) => {
            Host
        }
        (
            Scope::User,
            F::RootDirectory
            | F::CapabilityBoundingSet
            | F::AmbientCapabilities
            | F::SocketUser
            | F::SocketGroup,
        ) => Capability::lost("a user manager does not have the rights for it"),
        (Scope::User, F::Nice) if spec.nice.is_some_and(|level| level < 0) => {
            Capability::lost("a user manager cannot raise a priority")
        }
        (Scope::User, F::OomScoreAdjust) if spec.oom_score_adjust.is_some_and(|score| score < 0) => {
            Capability::lost("a user manager cannot lower the OOM score")
        }
        (Scope::User, F::ListenStream) if takes_low_port(spec, SocketKind::Stream) => low_port(),
        (Scope::User, F::ListenDatagram) if takes_low_port(spec, SocketKind::Datagram) => low_port(),
        // The directories are in the user's home, but otherwise the same.
        _ => life::on_systemd(spec, field, host)
            .or_else(|| resources::on_systemd(spec, field, host))
            .unwrap_or_else(|| of_system(spec, field, host)),
    }
}

/// Whether this version of systemd has a directive of the field's name.
fn is_directive(field: Field, version: Version) -> bool {
    let row = |section| directive(section, field.directive());
    [Section::Unit, Section::Service, Section::Socket]
        .into_iter()
        .filter_map(row)
        .any(|row| row.known_to(version))
}

/// How well the system manager can do a field.
#[expect(clippy::match_same_arms, reason = "equal results with different reasons are separate")]
fn of_system(spec: &ServiceSpec, field: Field, host: Systemd) -> Capability {
    match field {
        F::Name => Host,
        // systemd builds each environment itself and passes on nothing of its own.
        F::CleanEnvironment => Host,
        // systemd.service(5), "Command lines" and the prefix '@'.
        F::ExpandVariables | F::Argv0 => Host,
        // The kernel takes a limit of exactly one byte as "never", even if dumps are piped to a helper (core(5)).
        F::PreventCore => Host,
        F::StandardInput => input(spec, host),
        F::StandardOutput => output(spec, spec.standard_output.as_ref(), host),
        F::StandardError => output(spec, spec.standard_error.as_ref(), host),
        F::Restart => restart(spec, host),
        F::RestartSec if spec.native.key("KeepAlive").is_some() => Capability::approximated(
            "systemd waits this time after each end, launchd from one start to the next",
        ),
        F::RestartSec => Host,
        F::ReloadSignal => match spec.service_type {
            Some(ServiceType::NotifyReload)
                if !needs_readiness_check(spec) && host.version.has(NOTIFY_RELOAD) =>
            {
                Host
            }
            _ if !spec.commands.reload.is_empty() || spec.native.has_directive("ExecReload") => {
                Capability::lost("systemctl reload runs the unit's own ExecReload=")
            }
            Some(ServiceType::NotifyReload) if !needs_readiness_check(spec) => Host,
            _ => Capability::approximated("systemctl reload sends it, but does not wait for the reload"),
        },
        F::Type => service_type(spec, host),
        F::Ready => match spec.service_type {
            Some(ServiceType::Oneshot) => Capability::lost("a oneshot service is ready when it has ended"),
            _ if spec.ready.iter().any(|probe| matches!(probe, Probe::Log(_))) => {
                Capability::lost("systemd has the output of the service, which svcadapt cannot read")
            }
            _ if needs_readiness_check(spec) => by_adapter(),
            kind if spec.watchdog_probe.is_some() && !kind.is_some_and(ServiceType::notifies) => by_adapter(),
            _ => Host,
        },
        F::WatchdogProbe => match spec.service_type {
            Some(ServiceType::Oneshot | ServiceType::Forking) => {
                Capability::lost("no process of svcadapt stays with a program of this type")
            }
            _ => by_adapter(),
        },
        // systemd only reads a PID file, to find the main process of a program that forks.
        F::PidFile => match spec.service_type {
            Some(ServiceType::Forking) if needs_readiness_check(spec) => by_adapter(),
            Some(ServiceType::Forking) => Host,
            _ => Capability::Adapter(Privileges::Root),
        },
        F::FilesPreserve => Capability::lost(
            "systemd passes only the standard streams to a service; a .socket unit passes sockets",
        ),
        F::SocketOption(SocketOption::Accept)
            if spec.sockets.accepts()
                && spec.name.as_ref().is_none_or(|name| !name.as_str().ends_with('@')) =>
        {
            Capability::lost("systemd starts instances of a template for connections, NAME@.service")
        }
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => listen(spec, SocketKind::SequentialPacket),
        F::ListenFifo => listen(spec, SocketKind::Fifo),
        F::SocketCommand(_) | F::SocketOption(SocketOption::SocketTimeoutSec) => Host,
        F::IdleExit => Capability::lost("systemd stops no service because it is idle"),
        F::StartOnConnect => {
            Capability::lost("systemd starts the service on demand if only its socket unit is enabled")
        }
        F::LaunchdActivation => Capability::approximated(
            "systemd passes sockets as LISTEN_FDS (sd_listen_fds(3)), which the program must support",
        ),
        F::LogRotateSize | F::LogRotateAge | F::LogKeep | F::LogCompress | F::LogTimestamps => {
            Capability::lost("systemd writes the log itself: journald rotates, or logrotate(8)")
        }
        F::ReopenSignal => Capability::lost("systemctl kill --signal=SIGNAL sends it"),
        F::NotificationFd => Capability::lost("systemd takes notifications only at its own NOTIFY_SOCKET"),
        // A field that is named after a directive is systemd's own; any other is the adapter's.
        _ if is_directive(field, host.version) => Host,
        _ => by_adapter(),
    }
}

fn restart(spec: &ServiceSpec, host: Systemd) -> Capability {
    match (spec.service_type, spec.restart) {
        (Some(ServiceType::Oneshot), Some(Restart::Always | Restart::OnSuccess)) => {
            Capability::lost("systemd refuses it for a oneshot service, which succeeds by ending")
        }
        (Some(ServiceType::Oneshot), Some(restart)) if restart != Restart::No && !host.version.has(244) => {
            Capability::lost("systemd before 244 refuses it for a oneshot service")
        }
        (_, Some(Restart::OnAbort)) if comes_from_keep_alive(spec) => Capability::approximated(
            "a crash is one of seven signals for launchd, and any signal but SIGHUP, SIGINT, SIGTERM and SIGPIPE for systemd",
        ),
        _ => Host,
    }
}

fn service_type(spec: &ServiceSpec, host: Systemd) -> Capability {
    match spec.service_type {
        // An adapter that feeds the watchdog leaves readiness to the program.
        Some(ServiceType::Notify | ServiceType::NotifyReload)
            if spec.watchdog_probe.is_some() && !needs_readiness_check(spec) =>
        {
            by_adapter()
        }
        Some(ServiceType::NotifyReload) if needs_readiness_check(spec) => {
            Capability::approximated("svcadapt reports the readiness, and a reload returns before it is done")
        }
        Some(ServiceType::Exec) if !host.version.has(240) => {
            Capability::approximated("as Type=simple: systemd before 240 does not wait for execve")
        }
        // An adapter that reports the readiness has to know how the program starts.
        Some(ServiceType::Forking | ServiceType::Notify) if needs_readiness_check(spec) => by_adapter(),
        _ => Host,
    }
}

/// Whether a socket of this kind has a port that is privileged by default (ip(7), `ip_unprivileged_port_start`).
fn takes_low_port(spec: &ServiceSpec, kind: SocketKind) -> bool {
    spec.sockets.listen.iter().filter(|socket| socket.kind == kind).any(|socket| match &socket.address {
        SocketAddress::Port(port) => *port < 1024,
        SocketAddress::Inet(address) => address.port() < 1024,
        SocketAddress::Path(_)
        | SocketAddress::Abstract(_)
        | SocketAddress::Netlink(..)
        | SocketAddress::Queue(_) => false,
    })
}

fn low_port() -> Capability {
    Capability::approximated(
        "a user manager gets a port below 1024 only if net.ipv4.ip_unprivileged_port_start allows it",
    )
}

/// systemd keeps listening after the service has stopped, but removes the service's runtime directory with its content
/// (systemd.exec(5), `RuntimeDirectoryPreserve=`).
fn listen(spec: &ServiceSpec, kind: SocketKind) -> Capability {
    let mut paths = spec.sockets.listen.iter().filter_map(|socket| match &socket.address {
        SocketAddress::Path(path) if socket.kind == kind => Some(path),
        _ => None,
    });
    let runtime = DirectoryKind::Runtime;
    let made = || spec.directories.iter().filter(|made| made.kind == runtime);
    let removed_with = |path: &AbsPath| {
        let path = path.as_path();
        made().find(|made| path.starts_with(runtime.base().join(made.path.as_path())))
    };
    match paths.find_map(removed_with) {
        // A unit that was read means it so.
        Some(made)
            if spec.native.systemd.is_none() && spec.runtime_directory_preserve != Some(Preserve::Yes) =>
        {
            Capability::Approximated(format!(
                "systemd removes /run/{} when the service stops, and with it the socket, which clients then cannot find",
                made.path
            ))
        }
        _ => Host,
    }
}

fn input(spec: &ServiceSpec, host: Systemd) -> Capability {
    match &spec.standard_input {
        Some(Input::Inherit) => Capability::approximated("the standard input of systemd is /dev/null"),
        Some(Input::File(path)) if is_in_own_directory(spec, path, host) => {
            Capability::Adapter(Privileges::Root)
        }
        _ => Host,
    }
}

/// Whether a file is in a directory that is created for the service. systemd opens the file before it creates the
/// directory, so the service starts only if the directory already exists (systemd.exec(5); measured with 252, 257 and
/// 262). A spec from a unit keeps that behaviour.
fn is_in_own_directory(spec: &ServiceSpec, file: &AbsPath, host: Systemd) -> bool {
    let mut made = spec.directories.iter();
    host.scope == Scope::System
        && spec.native.systemd.is_none()
        && made.any(|made| file.as_path().starts_with(made.kind.base().join(made.path.as_path())))
}

/// The modes of opening a file came with different versions (systemd.exec(5), "Logging and Standard Input/Output").
fn output(spec: &ServiceSpec, output: Option<&Output>, host: Systemd) -> Capability {
    if let Some(Output::File(_, path)) = output
        && is_in_own_directory(spec, path, host)
    {
        return Capability::Adapter(Privileges::Root);
    }
    let since = match output {
        // Only the adapter can have inherited such a descriptor.
        Some(Output::Descriptor(3..)) => return Capability::Adapter(Privileges::Root),
        Some(Output::File(WriteMode::Append, _)) => 240,
        Some(Output::File(WriteMode::Truncate, _)) => 248,
        _ => 0,
    };
    if host.version.has(since) { Host } else { Capability::Adapter(Privileges::Root) }
}

/// The signal that makes the service reload its configuration. `None` if not set.
pub fn reload_signal(spec: &ServiceSpec) -> Option<SignalName> {
    let has_default = spec.service_type == Some(ServiceType::NotifyReload);
    spec.reload_signal.or(has_default.then_some(SignalName::HUP))
}

/// The first version in which systemd sends the reload signal itself and waits (systemd.service(5),
/// `Type=notify-reload`).
pub const NOTIFY_RELOAD: u16 = 253;

fn by_adapter() -> Capability {
    Capability::Adapter(Privileges::Service)
}

/// Whether the adapter has to check the readiness: a probe is not sd_notify(3), or the program forks and systemd would
/// ignore the message of its process.
fn needs_readiness_check(spec: &ServiceSpec) -> bool {
    let oneshot = spec.service_type == Some(ServiceType::Oneshot);
    let forking = spec.service_type == Some(ServiceType::Forking);
    // The unit's own Type=dbus.
    let by_bus = |probe: &Probe| matches!(probe, Probe::Dbus(_)) && spec.native.has_directive("BusName");
    let by_adapter = |probe: &Probe| *probe != Probe::Notify && !by_bus(probe);
    !oneshot && (spec.ready.iter().any(by_adapter) || forking && !spec.ready.is_empty())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::directive::Version;
    use crate::divide::{Subject, Target, divide};

    fn adapter(values: &[(Field, &str)]) -> Vec<Field> {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        divide(&draft.finish().unwrap(), Target::Systemd(Systemd::default())).adapter
    }

    #[test]
    fn readiness_needs_the_adapter_only_if_systemd_has_no_equivalent() {
        assert_eq!(adapter(&[(F::Ready, "notify")]), []);
        assert_eq!(adapter(&[(F::Type, "notify")]), []);
        assert_eq!(adapter(&[(F::Type, "oneshot"), (F::Ready, "tcp:80")]), []);
        assert_eq!(adapter(&[(F::Type, "exec"), (F::Ready, "tcp:80")]), [F::Ready]);
        assert_eq!(adapter(&[(F::Type, "notify"), (F::Ready, "tcp:80")]), [F::Type, F::Ready]);
        assert_eq!(adapter(&[(F::Ready, "notify"), (F::Ready, "fd")]), [F::Ready]);
    }

    #[test]
    fn restart_of_oneshot_service_is_lost_before_systemd_244() {
        let losses = |version: &str, restart: &str| {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            draft.assign(F::Type, "oneshot", Origin::Option);
            draft.assign(F::Restart, restart, Origin::Option);
            let version = Version::parse(version.as_ref()).unwrap();
            let host = Systemd { version, ..Systemd::default() };
            divide(&draft.finish().unwrap(), Target::Systemd(host)).losses.len()
        };
        assert_eq!((losses("243", "on-failure"), losses("244", "on-failure")), (1, 0));
        assert_eq!((losses("239", "no"), losses("262", "always")), (0, 1));
    }

    #[test]
    fn socket_in_the_runtime_directory_is_removed_with_it() {
        let losses_with = |extra: &[(Field, &str)], path: &str| {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            draft.assign(F::Directory(DirectoryKind::Runtime), "web", Origin::Option);
            draft.assign(F::ListenStream, path, Origin::Option);
            for &(field, value) in extra {
                draft.assign(field, value, Origin::Option);
            }
            divide(&draft.finish().unwrap(), Target::Systemd(Systemd::default())).losses
        };
        let losses = |path: &str| losses_with(&[], path);
        assert_eq!(losses("/run/web.sock"), []);
        assert_eq!(losses("/run/website/s"), []);
        assert_eq!(losses_with(&[(F::RuntimeDirectoryPreserve, "yes")], "/run/web/s"), []);
        let lost = losses("/run/web/s");
        assert_eq!((lost.len(), &lost[0].subject), (1, &Subject::Field(F::ListenStream)));
    }

    #[test]
    fn pid_file_is_done_by_systemd_only_for_forking_programs() {
        assert_eq!(adapter(&[(F::PidFile, "/run/x.pid")]), [F::PidFile]);
        assert_eq!(adapter(&[(F::PidFile, "/run/x.pid"), (F::Type, "forking")]), []);
        assert_eq!(
            adapter(&[(F::PidFile, "/run/x.pid"), (F::Type, "forking"), (F::Ready, "notify")]),
            [F::Type, F::PidFile, F::Ready]
        );
    }
}
