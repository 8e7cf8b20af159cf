//! What systemd can do for a service (systemd.service(5), systemd.exec(5)).

use svcadapt_spec::{
    AbsPath, Capabilities, DirectoryKind, Field, Field as F, Input, Output, Probe, Restart, Scope,
    ServiceSpec, ServiceType, SignalName, SocketAddress, SocketKind, WriteMode,
};

use super::Capability::Host;
use super::keep_alive::is_of_launchd;
use super::{Capability, Rights, Systemd};

/// How systemd honours a field that the spec says.
pub(super) fn capability(spec: &ServiceSpec, field: Field, host: Systemd) -> Capability {
    match (host.scope, field) {
        // A user's manager has no rights but the user's (systemd.exec(5), of each of these).
        (Scope::User, F::User | F::Group | F::SupplementaryGroups) => {
            Capability::lost("a user's manager runs everything as that user")
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
        ) => Capability::lost("a user's manager has not the rights for it"),
        (Scope::User, F::Nice) if spec.nice.is_some_and(|level| level < 0) => {
            Capability::lost("a user's manager cannot put itself before others")
        }
        (Scope::User, F::OomScoreAdjust) if spec.oom_score_adjust.is_some_and(|score| score < 0) => {
            Capability::lost("a user's manager cannot spare its own")
        }
        (Scope::User, F::ListenStream) if takes_low_port(spec, SocketKind::Stream) => low_port(),
        (Scope::User, F::ListenDatagram) if takes_low_port(spec, SocketKind::Datagram) => low_port(),
        // Its directories lie in the user's home, but what they are is the same.
        _ => of_system(spec, field, host),
    }
}

/// How the system manager honours it.
#[expect(clippy::match_same_arms, reason = "what is the same for different reasons stands apart")]
fn of_system(spec: &ServiceSpec, field: Field, host: Systemd) -> Capability {
    match field {
        F::Name
        | F::Description
        | F::User
        | F::Group
        | F::SupplementaryGroups
        | F::Umask
        | F::WorkingDirectory
        | F::RootDirectory
        | F::Environment
        | F::EnvironmentFile
        | F::PassEnvironment
        | F::UnsetEnvironment
        | F::Limit(_)
        | F::Nice
        | F::OomScoreAdjust
        | F::NoNewPrivileges
        | F::CapabilityBoundingSet
        | F::AmbientCapabilities
        | F::Directory(_)
        | F::DirectoryMode(_)
        | F::FileDescriptorName
        | F::SocketMode
        | F::SocketUser
        | F::SocketGroup
        | F::BindIPv6Only
        | F::Backlog
        | F::TimeoutStartSec
        | F::TimeoutStopSec
        | F::KillSignal => Host,
        // systemd builds every environment itself: nothing of its own gets in.
        F::CleanEnvironment => Host,
        // systemd.service(5), "Command lines" and the prefix '@'.
        F::ExpandVariables | F::Argv0 => Host,
        // The kernel takes a limit of exactly one byte for "never", also where dumps are piped to a helper.
        F::PreventCore => Host,
        F::StandardInput => input(spec, host),
        F::StandardOutput => output(spec, spec.standard_output.as_ref(), host),
        F::StandardError => output(spec, spec.standard_error.as_ref(), host),
        F::Restart => match (spec.service_type, spec.restart) {
            (Some(ServiceType::Oneshot), Some(Restart::Always | Restart::OnSuccess)) => {
                Capability::lost("systemd refuses it of a oneshot service: its end is its success")
            }
            (Some(ServiceType::Oneshot), Some(restart))
                if restart != Restart::No && !host.version.has(244) =>
            {
                Capability::lost("before 244 systemd refuses it of a oneshot service")
            }
            (_, Some(Restart::OnAbort)) if is_of_launchd(spec) => Capability::approximated(
                "launchd takes seven signals for a crash, and systemd all but SIGHUP, SIGINT, SIGTERM and SIGPIPE",
            ),
            _ => Host,
        },
        F::RestartSec if spec.native.key("KeepAlive").is_some() => Capability::approximated(
            "systemd waits so long after each end, launchd from one start to the next",
        ),
        F::RestartSec => Host,
        F::ReloadSignal => match spec.service_type {
            Some(ServiceType::NotifyReload) if !watched(spec) && host.version.has(NOTIFY_RELOAD) => Host,
            _ if spec.native.has_directive("ExecReload") => Capability::lost(
                "the unit has an ExecReload= of its own, and that is what systemctl reload does",
            ),
            Some(ServiceType::NotifyReload) if !watched(spec) => Host,
            _ => {
                Capability::approximated("systemctl reload sends it, and does not wait for what comes of it")
            }
        },
        F::Type => match spec.service_type {
            Some(ServiceType::NotifyReload) if watched(spec) => Capability::approximated(
                "svcadapt tells the readiness, and nobody waits for the end of a reload",
            ),
            Some(ServiceType::Exec) if !host.version.has(240) => Capability::approximated(
                "as Type=simple: before 240 nobody waits for the program to be executed",
            ),
            // Where the adapter says when the service is ready, it has to know what the program does.
            Some(ServiceType::Forking | ServiceType::Notify) if watched(spec) => by_adapter(),
            _ => Host,
        },
        F::Ready => match spec.service_type {
            Some(ServiceType::Oneshot) => Capability::lost("a oneshot service is ready when it has ended"),
            _ if watched(spec) => by_adapter(),
            _ => Host,
        },
        // systemd reads a pid file, and only to find the main process of a program that forks.
        F::PidFile => match spec.service_type {
            Some(ServiceType::Forking) if watched(spec) => by_adapter(),
            Some(ServiceType::Forking) => Host,
            _ => Capability::Adapter(Rights::OfRoot),
        },
        F::FilesPreserve => Capability::lost(
            "systemd starts every service with the standard streams alone; a .socket unit hands over others",
        ),
        F::ListenStream => listen(spec, SocketKind::Stream),
        F::ListenDatagram => listen(spec, SocketKind::Datagram),
        F::ListenSequentialPacket => listen(spec, SocketKind::SequentialPacket),
        F::LaunchdActivation => Capability::approximated(
            "systemd hands sockets over as LISTEN_FDS (sd_listen_fds(3)), which the program has to know",
        ),
        F::NotificationFd => Capability::lost("systemd is told through its own NOTIFY_SOCKET"),
    }
}

/// Whether a socket of this kind has a port that is root's as long as nobody says otherwise (ip(7)).
fn takes_low_port(spec: &ServiceSpec, kind: SocketKind) -> bool {
    spec.sockets.listen.iter().filter(|socket| socket.kind == kind).any(|socket| match &socket.address {
        SocketAddress::Port(port) => *port < 1024,
        SocketAddress::Inet(address) => address.port() < 1024,
        SocketAddress::Path(_) | SocketAddress::Abstract(_) => false,
    })
}

fn low_port() -> Capability {
    Capability::approximated(
        "a user's manager gets a port below 1024 only where net.ipv4.ip_unprivileged_port_start lets it",
    )
}

/// systemd listens on longer than the service runs, but takes the service's runtime directory away with all in it
/// (systemd.exec(5), `RuntimeDirectoryPreserve=`).
fn listen(spec: &ServiceSpec, kind: SocketKind) -> Capability {
    let mut paths = spec.sockets.listen.iter().filter_map(|socket| match &socket.address {
        SocketAddress::Path(path) if socket.kind == kind => Some(path),
        _ => None,
    });
    let runtime = DirectoryKind::Runtime;
    let made = || spec.directories.iter().filter(|made| made.kind == runtime);
    let gone = |path: &AbsPath| {
        let path = path.as_path();
        made().find(|made| path.starts_with(runtime.base().join(made.path.as_path())))
    };
    match paths.find_map(gone) {
        // What was a unit says whether it is so, and means it.
        Some(made) if spec.native.systemd.is_none() => Capability::Approximated(format!(
            "systemd removes /run/{} when the service stops, and with it the socket, which nobody finds any more",
            made.path
        )),
        _ => Host,
    }
}

fn input(spec: &ServiceSpec, host: Systemd) -> Capability {
    match &spec.standard_input {
        Some(Input::Inherit) => Capability::approximated("systemd itself has the null device there"),
        Some(Input::File(path)) if is_in_own_directory(spec, path, host) => {
            Capability::Adapter(Rights::OfRoot)
        }
        _ => Host,
    }
}

/// Whether a file lies in a directory that is made for the service. systemd opens it before it makes the directory, and
/// so the service starts only where that is there already (systemd.exec(5); measured with 252, 257 and 262). What was a
/// unit means it so.
fn is_in_own_directory(spec: &ServiceSpec, file: &AbsPath, host: Systemd) -> bool {
    let mut made = spec.directories.iter();
    host.scope == Scope::System
        && spec.native.systemd.is_none()
        && made.any(|made| file.as_path().starts_with(made.kind.base().join(made.path.as_path())))
}

/// What a file can be opened for came one by one (systemd.exec(5), "Logging and Standard Input/Output").
fn output(spec: &ServiceSpec, output: Option<&Output>, host: Systemd) -> Capability {
    if let Some(Output::File(_, path)) = output
        && is_in_own_directory(spec, path, host)
    {
        return Capability::Adapter(Rights::OfRoot);
    }
    let since = match output {
        // Those of the journal are the starter's here. What else is passed, only the adapter has.
        Some(Output::Descriptor(3..)) => return Capability::Adapter(Rights::OfRoot),
        Some(Output::File(WriteMode::Append, _)) => 240,
        Some(Output::File(WriteMode::Truncate, _)) => 248,
        _ => 0,
    };
    if host.version.has(since) { Host } else { Capability::Adapter(Rights::OfRoot) }
}

/// The signal that makes the service read its configuration again; none where nobody sends one.
pub fn reload_signal(spec: &ServiceSpec) -> Option<SignalName> {
    let told = spec.service_type == Some(ServiceType::NotifyReload);
    spec.reload_signal.or(told.then_some(SignalName::HUP))
}

/// Since when systemd sends that signal itself, and waits (systemd.service(5), `Type=notify-reload`).
pub const NOTIFY_RELOAD: u16 = 253;

fn by_adapter() -> Capability {
    Capability::Adapter(Rights::OfService)
}

/// Whether somebody has to watch the service become ready: it says more than sd_notify(3), or says it from a process
/// that systemd would not believe because the program forks away.
fn watched(spec: &ServiceSpec) -> bool {
    let oneshot = spec.service_type == Some(ServiceType::Oneshot);
    let forking = spec.service_type == Some(ServiceType::Forking);
    !oneshot && (spec.ready.iter().any(|probe| *probe != Probe::Notify) || forking && !spec.ready.is_empty())
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
    fn readiness_needs_the_adapter_only_where_systemd_has_no_word_for_it() {
        assert_eq!(adapter(&[(F::Ready, "notify")]), []);
        assert_eq!(adapter(&[(F::Type, "notify")]), []);
        assert_eq!(adapter(&[(F::Type, "oneshot"), (F::Ready, "tcp:80")]), []);
        assert_eq!(adapter(&[(F::Type, "exec"), (F::Ready, "tcp:80")]), [F::Ready]);
        assert_eq!(adapter(&[(F::Type, "notify"), (F::Ready, "tcp:80")]), [F::Type, F::Ready]);
        assert_eq!(adapter(&[(F::Ready, "notify"), (F::Ready, "fd")]), [F::Ready]);
    }

    #[test]
    fn a_oneshot_service_is_restarted_only_by_a_systemd_that_takes_it() {
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
    fn a_socket_in_the_runtime_directory_goes_with_it() {
        let losses = |path: &str| {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            draft.assign(F::Directory(DirectoryKind::Runtime), "web", Origin::Option);
            draft.assign(F::ListenStream, path, Origin::Option);
            divide(&draft.finish().unwrap(), Target::Systemd(Systemd::default())).losses
        };
        assert_eq!(losses("/run/web.sock"), []);
        assert_eq!(losses("/run/website/s"), []);
        let told = losses("/run/web/s");
        assert_eq!((told.len(), &told[0].subject), (1, &Subject::Field(F::ListenStream)));
    }

    #[test]
    fn a_pid_file_is_systemds_only_where_the_program_forks() {
        assert_eq!(adapter(&[(F::PidFile, "/run/x.pid")]), [F::PidFile]);
        assert_eq!(adapter(&[(F::PidFile, "/run/x.pid"), (F::Type, "forking")]), []);
        assert_eq!(
            adapter(&[(F::PidFile, "/run/x.pid"), (F::Type, "forking"), (F::Ready, "notify")]),
            [F::Type, F::PidFile, F::Ready]
        );
    }
}
