//! The division of a spec between a host and the adapter.

use svcadapt_spec::{DirectoryKind, FIELDS, Field, Resource, ServiceSpec, values};

use super::sides::place;
use super::{
    Capability, Division, Loss, LossKind, Privileges, Subject, Target, launchd, life, native, openrc, runit,
    s6, streams, systemd, sysv,
};

/// Divides the fields of a spec between a host and the adapter.
///
/// Nine rules go beyond the host's table, because the adapter itself runs inside what the host sets up:
/// * The adapter's file is outside of a new root, so an adapter does the chroot itself, and then also changes to the
///   working directory, which is below that root.
/// * Steps that need root come before the change of identity, so then the adapter changes the identity. With it go the
///   capabilities, which a change of identity would clear, and the directories, which the new identity owns.
/// * A dynamic user is systemd's, and then so is all that belongs to the identity: the adapter is not root.
/// * The host must not expand variables in the arguments of an adapter, which knows more variables, nor start the
///   adapter under the program's name.
/// * The adapter resets all signals, so it also ignores SIGPIPE.
/// * A limit of file sizes would also apply to files of the adapter, so the adapter sets it for the program.
/// * Below launchd an adapter gets the name, by which it is asked for what launchd does not know. One that stays keeps
///   root's record of it, so then the adapter changes the identity.
/// * Below OpenRC, runit, s6 and System V an adapter always gets the name.
/// * There is no adapter if the host does everything.
pub fn divide(spec: &ServiceSpec, target: Target) -> Division {
    let mut division = Division { target, host: Vec::new(), adapter: Vec::new(), losses: Vec::new() };
    let mut needs_root = false;
    for field in FIELDS.iter().map(|row| row.field).filter(|&field| !values(spec, field).is_empty()) {
        let capability = match target {
            Target::Systemd(host) => systemd::capability(spec, field, host),
            Target::Launchd(scope) => launchd::capability(spec, field, scope),
            Target::Classic => life::by_adapter_alone(spec, field),
            Target::OpenRc => openrc::capability(spec, field),
            Target::Runit => runit::capability(spec, field),
            Target::S6 => s6::capability(spec, field),
            Target::SysV => sysv::capability(spec, field),
        };
        match capability {
            Capability::Host => division.host.push(field),
            Capability::Adapter(rights) => {
                needs_root |= rights == Privileges::Root;
                division.adapter.push(field);
            }
            Capability::Approximated(how) => {
                division.host.push(field);
                division.losses.push(Loss::of(field, LossKind::Approximated(how)));
            }
            Capability::Lost(why) if limits_rights(field) => {
                division.losses.push(Loss::of(field, LossKind::Weakened(why)));
            }
            Capability::Lost(why) => division.losses.push(Loss::of(field, LossKind::Lost(why))),
        }
    }
    if division.needs_adapter() {
        division.move_to_adapter(|field| matches!(field, Field::ExpandVariables | Field::Argv0));
        division.move_to_adapter(|field| field == Field::IgnoreSigpipe);
        division.move_to_adapter(|field| field == Field::Limit(Resource::Fsize));
        needs_root |= division.move_to_adapter(|field| field == Field::RootDirectory);
        if division.adapter.contains(&Field::RootDirectory) {
            division.move_to_adapter(|field| field == Field::WorkingDirectory);
        }
        let on_launchd = matches!(target, Target::Launchd(_));
        needs_root |= on_launchd && spec.name.is_some() && division.adapter_stays();
        let is_dynamic = spec.dynamic_user == Some(true) && division.host.contains(&Field::DynamicUser);
        if needs_root && !is_dynamic {
            let changes_identity = spec.user.is_some() || spec.group.is_some();
            division.move_to_adapter(|field| {
                changes_with_identity(field) || changes_identity && is_owned_by_identity(field)
            });
        }
        // A record of another user would not be looked for.
        if on_launchd && !division.host.iter().any(|field| matches!(field, Field::User | Field::Group)) {
            division.move_to_adapter(|field| field == Field::Name);
        }
    }
    // By its name the adapter is asked for its state, and stopped.
    if division.needs_adapter()
        && matches!(target, Target::OpenRc | Target::Runit | Target::S6 | Target::SysV)
    {
        division.move_to_adapter(|field| field == Field::Name);
        // An adapter closes the descriptor on which s6 listens, or keeps it for itself.
        division.move_to_adapter(|field| field == Field::Ready);
    }
    if division.needs_adapter() && matches!(target, Target::Systemd(_)) {
        life::add_prefix_loss(spec, &mut division);
    }
    if division.adapter_stays() {
        // The adapter has to stop the program before launchd kills the job, and can reload it.
        division.move_to_adapter(|field| matches!(field, Field::TimeoutStopSec | Field::ReloadSignal));
    }
    if matches!(target, Target::Launchd(_)) {
        streams::add_stream_losses(spec, &mut division);
        streams::add_journal_loss(spec, &mut division);
        launchd::add_socket_losses(spec, &mut division);
        launchd::add_start_loss(spec, &mut division);
    }
    if target == Target::S6 {
        s6::add_restart_loss(spec, &mut division);
    }
    division.losses.extend(mixed_modes(spec));
    division.losses.sort_by_key(|loss| match &loss.subject {
        Subject::Field(field) => place(*field),
        Subject::Directive(_) | Subject::Key(_) => Some(FIELDS.len()),
    });
    // Native settings follow the fields, in the order of their file.
    division.losses.extend(native::losses(spec, target));
    division.losses.extend(native::prefix_loss(spec, &division));
    division
}

/// Whether the service has more or other rights without the field.
fn limits_rights(field: Field) -> bool {
    changes_with_identity(field)
        || matches!(field, Field::NoNewPrivileges | Field::DynamicUser | Field::RootDirectory)
}

/// Whether the field must be set in the same place as the identity.
fn changes_with_identity(field: Field) -> bool {
    matches!(
        field,
        Field::User
            | Field::Group
            | Field::SupplementaryGroups
            | Field::CapabilityBoundingSet
            | Field::AmbientCapabilities
            | Field::SecureBits
            | Field::KeyringMode
    )
}

/// Whether root would own the result if the host did not know the identity.
fn is_owned_by_identity(field: Field) -> bool {
    matches!(
        field,
        Field::Directory(_)
            | Field::DirectoryMode(_)
            | Field::LoadCredential
            | Field::ImportCredential
            | Field::SetCredential
    )
}

/// Losses of directory modes: no option and no directive gives two directories of one kind different modes.
fn mixed_modes(spec: &ServiceSpec) -> impl Iterator<Item = Loss> {
    DirectoryKind::ALL.into_iter().filter_map(|kind| {
        let mut modes = spec.directories.iter().filter(|made| made.kind == kind).map(|made| made.mode);
        let first = modes.next()?;
        modes.any(|mode| mode != first).then(|| {
            let why = format!("all directories of a kind have the same mode, here {first}");
            Loss::of(Field::DirectoryMode(kind), LossKind::Lost(why))
        })
    })
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, FieldKind, Origin, Scope, SocketOption, SpecDraft};

    use super::*;

    fn division(target: Target, values: &[(Field, &str)]) -> Division {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        divide(&draft.finish().unwrap(), target)
    }

    /// A spec that sets every field.
    fn everything() -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into(), "a b".into()]);
        for row in &FIELDS {
            let value = match (row.field, row.field.kind()) {
                (_, FieldKind::Boolean) => "yes",
                (Field::NotificationFd, _) => "9",
                (Field::FilesPreserve, _) => "14",
                (Field::OomScoreAdjust, _) => "-1000",
                (Field::CpuSchedulingPolicy, _) => "rr",
                (Field::SecureBits, _) => "noroot",
                (Field::LoadCredential, _) => "key:/etc/key",
                (Field::ImportCredential, _) => "key*",
                (Field::SetCredential, _) => "key:value",
                (Field::TasksMax | Field::MemoryMax | Field::CpuQuota, _) => "50%",
                (_, FieldKind::Integer(..))
                | (
                    Field::CpuAffinity
                    | Field::TimerSlackNSec
                    | Field::CoredumpFilter
                    | Field::NumaMask
                    | Field::MemoryMin
                    | Field::MemoryLow
                    | Field::MemoryHigh
                    | Field::MemorySwapMax
                    | Field::CpuWeight
                    | Field::AllowedCpus
                    | Field::AllowedMemoryNodes,
                    _,
                ) => "5",
                (Field::LogRotateSize, _) => "1M",
                (_, FieldKind::Octal(_)) => "0700",
                (_, FieldKind::Type) => "exec",
                (_, FieldKind::Restart) => "on-abnormal",
                (_, FieldKind::Choice(names)) => names[0],
                (Field::OnFailure | Field::OnSuccess, _) => "a.service",
                (Field::Condition | Field::Assert, _) => "User=web",
                (Field::ExecPrefix, _) => "-+",
                (
                    Field::RestartPreventExitStatus
                    | Field::RestartForceExitStatus
                    | Field::SuccessExitStatus
                    | Field::RestartKillSignal
                    | Field::FinalKillSignal
                    | Field::WatchdogSignal,
                    _,
                ) => "SIGQUIT",
                (_, FieldKind::Limit) => "1:2",
                (_, FieldKind::Time) => "1500ms",
                (Field::CapabilityBoundingSet | Field::AmbientCapabilities, _) => "CAP_KILL",
                (Field::Environment, _) => "A=b",
                (Field::StandardInput | Field::StandardOutput | Field::StandardError, _) => "file:/x",
                (Field::StandardInputData, _) => "AAAA",
                (Field::ListenStream, _) => "80",
                (Field::ListenDatagram, _) => "127.0.0.1:53",
                (Field::ListenNetlink, _) => "route 1",
                (Field::ListenMessageQueue, _) => "/queue",
                (Field::BindIPv6Only, _) => "ipv6-only",
                (Field::Ready, _) => "notify",
                (Field::WatchdogProbe, _) => "tcp:80",
                (Field::KillSignal | Field::ReloadSignal | Field::ReopenSignal, _) => "USR1",
                (_, FieldKind::Bytes) => "/a $%",
                (Field::SocketOption(SocketOption::BindToDevice | SocketOption::TcpCongestion), _) => "lo",
                (Field::SocketOption(_), _) => "7",
                (_, FieldKind::String) => "web",
            };
            draft.assign(row.field, value, Origin::Option);
        }
        draft.finish().unwrap()
    }

    const SYSTEMD: Target = Target::Systemd(crate::divide::Systemd {
        version: crate::directive::Version::OLDEST,
        scope: Scope::System,
    });

    const SERVER: [(Field, &str); 6] = [
        (Field::User, "web"),
        (Field::WorkingDirectory, "/srv"),
        (Field::RootDirectory, "/jail"),
        (Field::AmbientCapabilities, "CAP_CHOWN"),
        (Field::Directory(DirectoryKind::State), "web"),
        (Field::Nice, "5"),
    ];

    fn with(extra: &[(Field, &'static str)]) -> Vec<(Field, &'static str)> {
        [&SERVER, extra].concat()
    }

    #[test]
    fn spec_that_systemd_can_do_needs_no_adapter() {
        let division = division(SYSTEMD, &SERVER);
        assert!(!division.needs_adapter());
        assert_eq!(division.host.len(), SERVER.len());
        assert_eq!(division.losses, []);
    }

    #[test]
    fn probe_leaves_identity_to_the_host() {
        let division = division(SYSTEMD, &[(Field::User, "web"), (Field::Ready, "tcp:80")]);
        assert_eq!(division.host, [Field::User]);
        assert_eq!(division.adapter, [Field::Ready]);
    }

    #[test]
    fn adapter_that_needs_root_changes_the_identity() {
        let division = division(SYSTEMD, &with(&[(Field::PidFile, "/run/web.pid")]));
        assert_eq!(division.host, [Field::Nice]);
        assert_eq!(
            division.adapter,
            [
                Field::User,
                Field::WorkingDirectory,
                Field::RootDirectory,
                Field::AmbientCapabilities,
                Field::Directory(DirectoryKind::State),
                Field::PidFile,
            ]
        );
    }

    #[test]
    fn adapter_does_the_chroot_itself() {
        let division = division(SYSTEMD, &with(&[(Field::Ready, "tcp:80")]));
        assert_eq!(division.host, [Field::Nice]);
        assert!(division.adapter.contains(&Field::RootDirectory));
        assert!(division.adapter.contains(&Field::User));
    }

    #[test]
    fn each_set_field_is_divided_exactly_once() {
        let init = [Target::Classic, Target::OpenRc, Target::Runit, Target::S6, Target::SysV];
        let scopes = [Target::Launchd(Scope::System), Target::Launchd(Scope::User)];
        for target in [SYSTEMD].into_iter().chain(scopes).chain(init) {
            let spec = everything();
            let division = divide(&spec, target);
            for field in FIELDS.iter().map(|row| row.field) {
                let lost = |loss: &&Loss| {
                    loss.subject == Subject::Field(field) && !matches!(loss.kind, LossKind::Approximated(_))
                };
                let places = usize::from(division.host.contains(&field))
                    + usize::from(division.adapter.contains(&field))
                    + division.losses.iter().filter(lost).count();
                assert_eq!(places, usize::from(!values(&spec, field).is_empty()), "{target:?} {field:?}");
            }
        }
    }

    #[test]
    fn two_modes_of_one_directory_kind_are_a_loss() {
        let mut spec = everything();
        let mut second = spec.directories[0].clone();
        second.mode = svcadapt_spec::FileMode::DEFAULT_UMASK;
        spec.directories.push(second);
        let losses = divide(&spec, Target::Classic).losses;
        let modes = Subject::Field(Field::DirectoryMode(DirectoryKind::Runtime));
        assert!(losses.iter().any(|loss| loss.subject == modes));
    }
}
