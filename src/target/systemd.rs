//! What systemd can do for a service (systemd.service(5), systemd.exec(5)).

use crate::spec::AbsPath;
use crate::spec::DirectoryKind;
use crate::spec::Field;
use crate::spec::Field as F;
use crate::spec::Input;
use crate::spec::Probe;
use crate::spec::ServiceSpec;
use crate::spec::ServiceType;
use crate::spec::SocketAddress;
use crate::spec::SocketKind;

use super::Capability;
use super::Capability::Host;
use super::Rights;

/// How systemd honours a field that the spec says.
#[expect(clippy::match_same_arms, reason = "what is the same for different reasons stands apart")]
pub(super) fn capability(spec: &ServiceSpec, field: Field) -> Capability {
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
        | F::StandardOutput
        | F::StandardError
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
        | F::TimeoutStopSec => Host,
        // systemd builds every environment itself: nothing of its own gets in.
        F::CleanEnvironment => Host,
        // systemd.service(5), "Command lines".
        F::ExpandVariables => Host,
        // The kernel takes a limit of exactly one byte for "never", also where dumps are piped to a helper.
        F::PreventCore => Host,
        F::StandardInput => match spec.standard_input {
            Some(Input::Inherit) => Capability::approximated("systemd itself has the null device there"),
            _ => Host,
        },
        F::Type => match spec.service_type {
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
        Some(made) => Capability::Approximated(format!(
            "systemd removes /run/{} when the service stops, and with it the socket, which nobody finds any more",
            made.path
        )),
        None => Host,
    }
}

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
    use crate::spec::Origin;
    use crate::spec::SpecDraft;
    use crate::target::Target;
    use crate::target::divide;

    use super::*;

    fn adapter(values: &[(Field, &str)]) -> Vec<Field> {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        divide(&draft.finish().unwrap(), Target::Systemd).adapter
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
    fn a_socket_in_the_runtime_directory_goes_with_it() {
        let losses = |path: &str| {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            draft.assign(F::Directory(DirectoryKind::Runtime), "web", Origin::Option);
            draft.assign(F::ListenStream, path, Origin::Option);
            divide(&draft.finish().unwrap(), Target::Systemd).losses
        };
        assert_eq!(losses("/run/web.sock"), []);
        assert_eq!(losses("/run/website/s"), []);
        let told = losses("/run/web/s");
        assert_eq!((told.len(), told[0].field), (1, F::ListenStream));
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
