//! The life of a service: conditions, commands, restarts, timeouts and the stop. systemd does all of it; elsewhere the
//! adapter has to.

use svcadapt_spec::{
    CommandPrefix, CommandPrivileges, Condition, Directive, FIELDS, Field, Field as F, KillMode, Preserve,
    Restart, ServiceSpec, ServiceType, Timespan, values,
};

use super::Capability::Host;
use super::keep_alive::has_clean_signals;
use super::life_fields::{is_life_field, is_of_life, is_of_restart, undone};
use super::native::loss_on_systemd;
use super::{Capability, Division, Loss, LossKind, Privileges, Systemd, resources};

/// What becomes of a field of the life of a service that the adapter would have to do.
fn by_adapter(spec: &ServiceSpec, field: Field) -> Capability {
    let keeps = spec.descriptor_store_preserve == Some(Preserve::Yes);
    match undone(field) {
        None if field == F::FileDescriptorStorePreserve && keeps => {
            Capability::approximated("a stop ends the process that holds the stored descriptors")
        }
        Some(why) => Capability::lost(why),
        None => Capability::Adapter(Privileges::Root),
    }
}

/// What becomes of a field where the host does nothing and the adapter everything.
pub(super) fn by_adapter_alone(spec: &ServiceSpec, field: Field) -> Capability {
    in_classic(spec, field)
        .or_else(|| resources::in_classic(field))
        .unwrap_or(Capability::Adapter(Privileges::Root))
}

/// How well a start without a manager can do the field. `None` for any field but those of the life of a service.
fn in_classic(spec: &ServiceSpec, field: Field) -> Option<Capability> {
    if is_of_life(field) && is_default(spec, field) {
        return Some(Capability::Adapter(Privileges::Service));
    }
    is_life_field(field).then(|| by_adapter(spec, field))
}

/// How well launchd can do the field. `None` for any field but those of the life of a service.
pub(super) fn on_launchd(spec: &ServiceSpec, field: Field) -> Option<Capability> {
    if !is_of_life(field) {
        return None;
    }
    Some(match field {
        F::OomPolicy => Capability::lost("macOS has no control groups"),
        F::KillMode if spec.kill.mode == Some(KillMode::Process) => {
            Capability::approximated("AbandonProcessGroup keeps only processes of the job's process group")
        }
        // It gives signals the meaning that they have for launchd.
        F::RestartForceExitStatus | F::RestartPreventExitStatus if has_clean_signals(spec) => Host,
        _ if is_default(spec, field) => Host,
        _ => by_adapter(spec, field),
    })
}

/// Whether the adapter starts the program again, not launchd: a restart has to keep what the adapter holds, or to follow
/// what only the adapter knows. A job with `KeepAlive` of its own stays launchd's.
pub(super) fn adapter_restarts(spec: &ServiceSpec) -> bool {
    let asked = |field| !values(spec, field).is_empty();
    let is_adapters = |field| asked(field) && matches!(on_launchd(spec, field), Some(Capability::Adapter(_)));
    spec.native.key("KeepAlive").is_none()
        && match spec.restart {
            None | Some(Restart::No) => asked(F::RestartForceExitStatus),
            Some(Restart::OnWatchdog) if asked(F::WatchdogSec) => true,
            Some(_) => {
                FIELDS.iter().map(|row| row.field).filter(|field| is_of_restart(*field)).any(is_adapters)
            }
        }
}

/// Whether the value is what every host does anyway.
pub(super) fn is_default(spec: &ServiceSpec, field: Field) -> bool {
    match field {
        F::RemainAfterExit => spec.remain_after_exit == Some(false),
        F::StartLimitIntervalSec => {
            spec.restarts.limit_interval == Some(Timespan::Finite(std::time::Duration::ZERO))
        }
        _ => false,
    }
}

/// How well systemd can do the field. `None` for any field but those of the life of a service.
pub(super) fn on_systemd(spec: &ServiceSpec, field: Field, host: Systemd) -> Option<Capability> {
    if !is_of_life(field) {
        return None;
    }
    Some(match field {
        F::RemovePidFile if spec.service_type == Some(ServiceType::Forking) => {
            Capability::lost("systemd has one PIDFile=, which with Type=forking the main process is in")
        }
        F::RemovePidFile if spec.pid_file.is_some() => {
            Capability::lost("systemd has one PIDFile=, and --pid-file sets it")
        }
        // systemd removes the file of PIDFile= whatever the type.
        F::RemovePidFile | F::ExecPrefix => Host,
        F::ExecStart if spec.service_type != Some(ServiceType::Oneshot) => {
            Capability::lost("systemd allows several commands only with Type=oneshot")
        }
        F::RestartForceExitStatus if spec.service_type == Some(ServiceType::Oneshot) => {
            Capability::lost("systemd refuses it for a oneshot service")
        }
        F::RuntimeMaxSec if spec.service_type == Some(ServiceType::Oneshot) => {
            Capability::lost("systemd ignores it for a oneshot service")
        }
        F::RuntimeRandomizedExtraSec
            if spec.runtime_max.and_then(Timespan::finite).is_none()
                || spec.service_type == Some(ServiceType::Oneshot) =>
        {
            Capability::lost("there is no --runtime-max-sec that it could prolong")
        }
        F::RestartSteps if spec.restarts.max_delay.and_then(Timespan::finite).is_none() => {
            Capability::lost("systemd ignores it without --restart-max-delay-sec")
        }
        F::RestartMaxDelaySec if spec.restarts.steps.is_none_or(|steps| steps == 0) => {
            Capability::lost("systemd ignores it without --restart-steps")
        }
        F::Condition => conditions(spec, &spec.conditions, "Condition", host),
        F::Assert => conditions(spec, &spec.assertions, "Assert", host),
        _ => {
            let value = values(spec, field).pop().unwrap_or_default();
            let value = value.to_str().unwrap_or_default();
            let (section, name) = (section(field), field.directive());
            let line = Directive::new(section, name, value);
            let line = line.unwrap_or_else(|_| Directive::missing(section, name));
            loss_on_systemd(&spec.native, &line, host).map_or(Host, of_loss)
        }
    })
}

/// Adds the loss of a prefix of the program that would apply to the adapter instead. The prefix `-` has the same meaning
/// for both.
pub(super) fn add_prefix_loss(spec: &ServiceSpec, division: &mut Division) {
    if spec.prefix.privileges != CommandPrivileges::Service {
        let prefix = CommandPrefix { ignore_failure: false, ..spec.prefix };
        let why = format!("svcadapt starts the program, and the prefix '{prefix}' would apply to svcadapt");
        division.host.retain(|field| *field != F::ExecPrefix);
        division.losses.push(Loss::of(F::ExecPrefix, LossKind::Lost(why)));
    }
}

fn conditions(spec: &ServiceSpec, all: &[Condition], prefix: &str, host: Systemd) -> Capability {
    let losses: Vec<_> = all
        .iter()
        .filter_map(|one| loss_on_systemd(&spec.native, &condition_line(prefix, one), host))
        .collect();
    match losses.first() {
        None => Host,
        Some(loss) if losses.len() == all.len() => of_loss(loss.clone()),
        Some(loss) => Capability::Approximated(format!("{} of them: {}", losses.len(), loss.words())),
    }
}

/// A condition as a line without its value.
fn condition_line(prefix: &str, condition: &Condition) -> Directive {
    Directive::missing("Unit", &format!("{prefix}{}", condition.kind.name()))
}

/// Whether this systemd knows the kind of a condition. `prefix` is `Condition` or `Assert`.
pub(crate) fn knows_condition(
    spec: &ServiceSpec,
    prefix: &str,
    condition: &Condition,
    host: Systemd,
) -> bool {
    loss_on_systemd(&spec.native, &condition_line(prefix, condition), host).is_none()
}

fn of_loss(loss: LossKind) -> Capability {
    match loss {
        LossKind::Approximated(how) => Capability::Approximated(how),
        LossKind::Lost(why) | LossKind::Weakened(why) => Capability::Lost(why),
    }
}

/// The section of the field's directive.
pub(crate) fn section(field: Field) -> &'static str {
    match field {
        F::Description
        | F::Condition
        | F::Assert
        | F::OnFailure
        | F::OnSuccess
        | F::StartLimitIntervalSec
        | F::StartLimitBurst => "Unit",
        _ => "Service",
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, Scope, SpecDraft};

    use super::*;
    use crate::directive::Version;
    use crate::divide::{Subject, Target, divide};

    /// The losses of a field, and whether the adapter does it.
    fn outcome(target: Target, field: Field, values: &[(Field, &str)]) -> (Option<String>, bool) {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        let division = divide(&draft.finish().unwrap(), target);
        let mut losses = division.losses.into_iter().filter(|loss| loss.subject == Subject::Field(field));
        (losses.next().map(|loss| loss.kind.to_string()), division.adapter.contains(&field))
    }

    fn systemd(version: Version) -> Target {
        Target::Systemd(Systemd { version, scope: Scope::System })
    }

    #[test]
    fn systemd_does_a_life_where_it_knows_the_directive() {
        for (values, lost) in [
            (&[(F::ExecStartPre, "/bin/a")][..], None),
            (&[(F::Condition, "PathExists=/a")], None),
            (&[(F::ExecPrefix, "-+")], None),
            (&[(F::KillMode, "none")], None),
            (&[(F::RestartMode, "direct")], Some("lost: systemd 239 does not know it")),
            (&[(F::Assert, "CPUs=>1")], Some("lost: systemd 239 does not know it")),
            (
                &[(F::Condition, "CPUs=>1"), (F::Condition, "User=web")],
                Some("approximated: 1 of them: systemd 239 does not know it"),
            ),
            (
                &[(F::ExecStart, "/bin/a"), (F::Type, "exec")],
                Some("lost: systemd allows several commands only with Type=oneshot"),
            ),
            (&[(F::ExecStart, "/bin/a"), (F::Type, "oneshot")], None),
            (
                &[(F::RestartForceExitStatus, "1"), (F::Type, "oneshot")],
                Some("lost: systemd refuses it for a oneshot service"),
            ),
            (
                &[(F::ExecPrefix, "-!"), (F::Ready, "tcp:80")],
                Some("lost: svcadapt starts the program, and the prefix '!' would apply to svcadapt"),
            ),
            (&[(F::ExecPrefix, "-"), (F::Ready, "tcp:80")], None),
        ] {
            let found = outcome(systemd(Version::OLDEST), values[0].0, values);
            assert_eq!((found.0.as_deref(), found.1), (lost, false), "{values:?}");
        }
        assert_eq!(outcome(systemd(Version::NEWEST), F::Assert, &[(F::Assert, "CPUs=>1")]), (None, false));
    }

    #[test]
    fn adapter_does_the_life_where_the_host_does_not() {
        let launchd = Target::Launchd(Scope::System);
        let lost = |why: &str| (Some(format!("lost: {why}")), false);
        let process = "approximated: AbandonProcessGroup keeps only processes of the job's process group";
        for (field, value, classic, below_launchd) in [
            (F::Condition, "User=web", (None, true), (None, true)),
            (F::Assert, "User=web", (None, true), (None, true)),
            (F::OomPolicy, "kill", (None, true), lost("macOS has no control groups")),
            (F::WatchdogSec, "5", (None, true), (None, true)),
            (F::ExecStop, "/bin/a", (None, true), (None, true)),
            (F::KillMode, "mixed", (None, true), (None, true)),
            (F::KillMode, "process", (None, true), (Some(process.to_owned()), false)),
            (F::Restart, "always", (None, true), (None, false)),
        ] {
            assert_eq!(outcome(Target::Classic, field, &[(field, value)]), classic, "{field:?} {value}");
            assert_eq!(outcome(launchd, field, &[(field, value)]), below_launchd, "{field:?} {value}");
        }
        for (field, value) in [(F::RemainAfterExit, "no"), (F::StartLimitIntervalSec, "0")] {
            assert_eq!(outcome(Target::Classic, field, &[(field, value)]), (None, true));
            assert_eq!(outcome(launchd, field, &[(field, value)]), (None, false));
        }
    }

    #[test]
    fn life_has_the_fields_of_its_table() {
        let of_life = FIELDS.iter().filter(|row| is_of_life(row.field));
        assert_eq!(of_life.count(), 39);
        assert!(FIELDS.iter().all(|row| undone(row.field).is_none() || is_of_life(row.field)));
    }
}
