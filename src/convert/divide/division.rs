//! The division of labour between a host and the adapter.

use svcadapt_spec::{DirectoryKind, FIELDS, Field, Resource, ServiceSpec, values};

use super::{Capability, Loss, LossKind, Rights, Subject, Target, launchd, native, systemd};

/// Who does what. Every field that the spec says is in `host`, in `adapter` or lost; the order is that of
/// [`FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// For whom this was divided.
    pub target: Target,
    /// What the host does, be it exactly or nearly.
    pub host: Vec<Field>,
    /// What `svcadapt run` does.
    pub adapter: Vec<Field>,
    /// What is different from what was asked for.
    pub losses: Vec<Loss>,
}

/// Divides what a spec says between a host and the adapter.
///
/// Five rules go beyond the host's table, because the adapter itself runs inside what the host sets up:
/// * The adapter lies outside a new root, so where there is an adapter the chroot is its own; and then the working
///   directory, which lies below that root, is too.
/// * What needs root is done before the identity is settled, so then the adapter settles the identity; and with it
///   the capabilities, which a change of identity would undo, and the directories, which belong to that identity.
/// * The host must not put variables into the arguments of an adapter, which has more of them to know, nor call the
///   adapter by the program's name.
/// * A limit of file sizes would hold for what the adapter writes too, so the adapter sets it for the program.
/// * Where the host does everything there is no adapter.
pub fn divide(spec: &ServiceSpec, target: Target) -> Division {
    let mut division = Division { target, host: Vec::new(), adapter: Vec::new(), losses: Vec::new() };
    let mut root = false;
    for field in FIELDS.iter().map(|row| row.field).filter(|&field| !values(spec, field).is_empty()) {
        let capability = match target {
            Target::Systemd(host) => systemd::capability(spec, field, host),
            Target::Launchd(scope) => launchd::capability(spec, field, scope),
            Target::Classic => classic(field),
        };
        match capability {
            Capability::Host => division.host.push(field),
            Capability::Adapter(rights) => {
                root |= rights == Rights::OfRoot;
                division.adapter.push(field);
            }
            Capability::Approximated(how) => {
                division.host.push(field);
                division.losses.push(Loss::of(field, LossKind::Approximated(how)));
            }
            Capability::Lost(why) if keeps_rights_small(field) => {
                division.losses.push(Loss::of(field, LossKind::Weakened(why)));
            }
            Capability::Lost(why) => division.losses.push(Loss::of(field, LossKind::Lost(why))),
        }
    }
    if division.needs_adapter() {
        division.hand_over(|field| matches!(field, Field::ExpandVariables | Field::Argv0));
        division.hand_over(|field| field == Field::Limit(Resource::Fsize));
        root |= division.hand_over(|field| field == Field::RootDirectory);
        if division.adapter.contains(&Field::RootDirectory) {
            division.hand_over(|field| field == Field::WorkingDirectory);
        }
        if root {
            let other = spec.user.is_some() || spec.group.is_some();
            division.hand_over(|field| settles_identity(field) || other && belongs_to_identity(field));
        }
    }
    if division.adapter_stays() {
        // It has to be done before launchd kills it.
        division.hand_over(|field| field == Field::TimeoutStopSec);
    }
    if matches!(target, Target::Launchd(_)) {
        launchd::about_streams(spec, &mut division);
        launchd::about_journal(spec, &mut division);
        launchd::about_sockets(spec, &mut division);
        launchd::about_start(spec, &mut division);
    }
    division.losses.extend(mixed_modes(spec));
    division.losses.sort_by_key(|loss| match &loss.subject {
        Subject::Field(field) => place(*field),
        Subject::Directive(_) | Subject::Key(_) => Some(FIELDS.len()),
    });
    // In the order of their file, and behind the fields.
    division.losses.extend(native::losses(spec, target));
    division.losses.extend(native::behind_adapter(spec, &division));
    division
}

/// What the adapter can do where it is alone: all but what needs somebody who stays.
fn classic(field: Field) -> Capability {
    match field {
        Field::Restart | Field::RestartSec => Capability::lost("nobody stays to start it again"),
        Field::ReloadSignal => Capability::lost("svcadapt knows no reload"),
        _ => Capability::Adapter(Rights::OfRoot),
    }
}

/// Whether a service has more rights without it, or rights of another kind.
fn keeps_rights_small(field: Field) -> bool {
    settles_identity(field) || matches!(field, Field::NoNewPrivileges | Field::RootDirectory)
}

/// What has to be done together with the change of identity.
fn settles_identity(field: Field) -> bool {
    matches!(
        field,
        Field::User
            | Field::Group
            | Field::SupplementaryGroups
            | Field::CapabilityBoundingSet
            | Field::AmbientCapabilities
    )
}

/// What the host would leave to root if it did not know the identity.
fn belongs_to_identity(field: Field) -> bool {
    matches!(field, Field::Directory(_) | Field::DirectoryMode(_))
}

/// No option and no directive can give two directories of one kind different modes.
fn mixed_modes(spec: &ServiceSpec) -> impl Iterator<Item = Loss> {
    DirectoryKind::ALL.into_iter().filter_map(|kind| {
        let mut modes = spec.directories.iter().filter(|made| made.kind == kind).map(|made| made.mode);
        let first = modes.next()?;
        modes.any(|mode| mode != first).then(|| {
            let why = format!("all directories of a kind have one mode; it will be {first}");
            Loss::of(Field::DirectoryMode(kind), LossKind::Lost(why))
        })
    })
}

/// Where a field stands in the order of all.
fn place(field: Field) -> Option<usize> {
    FIELDS.iter().position(|row| row.field == field)
}

impl Division {
    /// Whether anything is left for `svcadapt run`.
    pub fn needs_adapter(&self) -> bool {
        !self.adapter.is_empty()
    }

    /// Whether the adapter waits for the service to become ready.
    pub fn adapter_watches(&self) -> bool {
        self.adapter.contains(&Field::Ready)
    }

    /// Whether the adapter stays for as long as the program runs. Where it does not the program takes its place.
    pub fn adapter_stays(&self) -> bool {
        launchd::adapter_stays(self)
    }

    /// Moves fields from the host to the adapter, and says whether there were any.
    fn hand_over(&mut self, which: impl Fn(Field) -> bool) -> bool {
        let moved: Vec<Field> = self.host.iter().copied().filter(|&field| which(field)).collect();
        self.host.retain(|field| !moved.contains(field));
        // What the adapter does is exact.
        self.losses.retain(|loss| !matches!(loss.subject, Subject::Field(field) if moved.contains(&field)));
        self.adapter.extend(&moved);
        self.adapter.sort_by_key(|field| place(*field));
        !moved.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, FieldKind, Origin, Scope, SpecDraft};

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
                (_, FieldKind::Integer(..)) => "5",
                (_, FieldKind::Octal(_)) => "0700",
                (_, FieldKind::Type) => "exec",
                (_, FieldKind::Restart) => "on-abnormal",
                (_, FieldKind::Limit) => "1:2",
                (_, FieldKind::Time) => "1500ms",
                (Field::CapabilityBoundingSet | Field::AmbientCapabilities, _) => "CAP_KILL",
                (Field::Environment, _) => "A=b",
                (Field::StandardInput | Field::StandardOutput | Field::StandardError, _) => "file:/x",
                (Field::ListenStream, _) => "80",
                (Field::ListenDatagram, _) => "127.0.0.1:53",
                (Field::BindIPv6Only, _) => "ipv6-only",
                (Field::Ready, _) => "notify",
                (Field::KillSignal | Field::ReloadSignal, _) => "USR1",
                (_, FieldKind::Bytes) => "/a $%",
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
    fn without_need_there_is_no_adapter() {
        let division = division(SYSTEMD, &SERVER);
        assert!(!division.needs_adapter());
        assert_eq!(division.host.len(), SERVER.len());
        assert_eq!(division.losses, []);
    }

    #[test]
    fn a_probe_leaves_the_identity_with_the_host() {
        let division = division(SYSTEMD, &[(Field::User, "web"), (Field::Ready, "tcp:80")]);
        assert_eq!(division.host, [Field::User]);
        assert_eq!(division.adapter, [Field::Ready]);
    }

    #[test]
    fn an_adapter_that_needs_root_settles_the_identity() {
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
    fn an_adapter_cannot_be_started_inside_a_new_root() {
        let division = division(SYSTEMD, &with(&[(Field::Ready, "tcp:80")]));
        assert_eq!(division.host, [Field::Nice]);
        assert!(division.adapter.contains(&Field::RootDirectory));
        assert!(division.adapter.contains(&Field::User));
    }

    #[test]
    fn every_field_that_is_said_is_somewhere_and_only_once() {
        for target in [SYSTEMD, Target::Launchd(Scope::System), Target::Launchd(Scope::User), Target::Classic]
        {
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
    fn two_modes_for_one_kind_are_told() {
        let mut spec = everything();
        let mut second = spec.directories[0].clone();
        second.mode = svcadapt_spec::FileMode::DEFAULT_UMASK;
        spec.directories.push(second);
        let losses = divide(&spec, Target::Classic).losses;
        let modes = Subject::Field(Field::DirectoryMode(DirectoryKind::Runtime));
        assert!(losses.iter().any(|loss| loss.subject == modes));
    }
}
