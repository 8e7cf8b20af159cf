//! What runit and s6 have in common: a supervisor starts the program and starts it again after every end. It knows no
//! user, no environment and no limits; a `finish` script decides which end is final.

use svcadapt_spec::{
    DirectoryKind, FIELDS, Field, Field as F, Preserve, Restart, ServiceSpec, ServiceType, SignalName,
    Socket, values,
};

use super::Capability::Host;
use super::keep_alive::{clean_signals_directive, comes_from_keep_alive};
use super::life_fields::{is_of_life, undone};
use super::{Capability, Division, Target, life, s6};

/// How well runit and s6 can do a field. `stays`: whether a process of the adapter stays with the program, which then also
/// restarts and stops it.
pub(super) fn capability(spec: &ServiceSpec, field: Field, stays: bool) -> Capability {
    match field {
        // The name of the directory, and a comment.
        F::Name | F::Description => Host,
        F::Type if starts_by_exec(spec) => Host,
        // At its start nothing is waited for.
        F::Restart | F::RestartSec | F::TimeoutStartSec if !stays => Host,
        F::StartLimitIntervalSec if !stays && life::is_default(spec, field) => Host,
        F::RemainAfterExit if life::is_default(spec, field) => Host,
        // It sends SIGTERM for a stop, and its own command sends SIGHUP.
        F::KillSignal if !stays && spec.kill_signal == Some(SignalName::TERM) => Host,
        F::ReloadSignal if !stays && spec.reload_signal == Some(SignalName::HUP) => Host,
        _ => life::by_adapter_alone(spec, field),
    }
}

/// Whether the program is ready when it has been executed.
pub(super) fn starts_by_exec(spec: &ServiceSpec) -> bool {
    matches!(spec.service_type, None | Some(ServiceType::Simple | ServiceType::Exec))
}

/// Whether a process of the adapter stays. `is_hosts`: the fields that are this supervisor's.
///
/// The supervisor starts the program again at once, or a second after the last start, and without a limit: that is what
/// a spec asks for that sets neither a delay nor a limit.
pub(super) fn stays(spec: &ServiceSpec, is_hosts: impl Fn(Field) -> bool) -> bool {
    let restarts = !matches!(spec.restart, None | Some(Restart::No | Restart::OnWatchdog));
    restarts && spec.restart_delay.is_some() || asks_for_a_process(spec, is_hosts)
}

/// Whether there is a field, but for the restarts of every supervisor, that neither the host nor an adapter which executes
/// the program in place can do.
pub(super) fn asks_for_a_process(spec: &ServiceSpec, is_hosts: impl Fn(Field) -> bool) -> bool {
    let is_set = |field: &Field| !values(spec, *field).is_empty();
    FIELDS
        .iter()
        .map(|row| row.field)
        .filter(is_set)
        .any(|field| !is_hosts(field) && needs_process(spec, field))
}

fn needs_process(spec: &ServiceSpec, field: Field) -> bool {
    match field {
        F::Type => !starts_by_exec(spec),
        F::KillSignal => spec.kill_signal != Some(SignalName::TERM),
        F::ReloadSignal => spec.reload_signal != Some(SignalName::HUP),
        F::TimeoutStopSec => spec.timeout_stop.is_some_and(|timeout| timeout.finite().is_some()),
        F::Directory(DirectoryKind::Runtime) => spec.runtime_directory_preserve != Some(Preserve::Yes),
        F::Ready
        | F::WatchdogProbe
        | F::LoadCredential
        | F::SetCredential
        | F::LogRotateSize
        | F::LogRotateAge
        | F::LogTimestamps
        | F::PidFile => true,
        _ if Socket::kind_of(field).is_some() => true,
        _ => is_of_life(field) && undone(field).is_none() && !life::is_default(spec, field),
    }
}

/// What the adapter gets beside its fields, below OpenRC, runit, s6 and System V.
pub(super) fn implied_options(spec: &ServiceSpec, division: &Division) -> Vec<String> {
    if !matches!(division.target, Target::OpenRc | Target::Runit | Target::S6 | Target::SysV) {
        return Vec::new();
    }
    let mut options = Vec::new();
    let by_adapter = |field| division.adapter.contains(&field);
    // A policy of launchd keeps its meaning.
    if let Some((directive, signals)) = clean_signals_directive(spec).filter(|_| by_adapter(F::Restart)) {
        let row = FIELDS.iter().find(|row| row.directive == directive);
        options.extend(row.map(|row| format!("--{}={signals}", row.option)));
    }
    // For a stop timeout alone it would not stay below a supervisor, and the default of a service is that its control
    // group is killed then (systemd.kill(5), `KillMode=`).
    let supervised = matches!(division.target, Target::Runit | Target::S6);
    if supervised && by_adapter(F::TimeoutStopSec) && spec.kill.mode.is_none() {
        options.push("--kill-mode=control-group".to_owned());
    }
    let reports = division.target == Target::S6 && s6::hears_the_adapter(spec, division);
    if reports && spec.notification_fd.is_none() {
        options.push(format!("--notification-fd={}", s6::NOTIFICATION_FD));
    }
    options
}

/// Which ends of `run` are final, so that the supervisor must not start the service again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// None.
    Never,
    /// Every one.
    All,
    /// An end with status 0, or by one of these signals.
    Clean(&'static [u8]),
    /// Any other end.
    Unclean(&'static [u8]),
    /// An end with an exit status, or by one of these signals.
    Exits(&'static [u8]),
}

/// The signals of a clean end (systemd.service(5), `SuccessExitStatus=`): SIGHUP, SIGINT, SIGPIPE and SIGTERM.
const CLEAN: &[u8] = &[1, 2, 13, 15];

/// The final ends. Where the adapter restarts the program, its own end is final.
pub(crate) fn final_ends(spec: &ServiceSpec, restarts_by_host: bool) -> Ends {
    // For launchd only status 0 is a success.
    let clean = if comes_from_keep_alive(spec) { &[] } else { CLEAN };
    match spec.restart {
        None | Some(Restart::No | Restart::OnWatchdog) => Ends::All,
        Some(_) if !restarts_by_host => Ends::All,
        Some(Restart::Always) => Ends::Never,
        Some(Restart::OnFailure) => Ends::Clean(clean),
        Some(Restart::OnSuccess) => Ends::Unclean(clean),
        Some(Restart::OnAbnormal | Restart::OnAbort) => Ends::Exits(CLEAN),
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::divide::divide;

    fn adapter(target: Target, values: &[(Field, &str)]) -> Vec<Field> {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        divide(&draft.finish().unwrap(), target).adapter
    }

    #[test]
    fn supervisor_does_the_restarts_until_a_process_of_the_adapter_stays() {
        let (name, restart, user) = ((F::Name, "web"), (F::Restart, "on-failure"), (F::User, "www"));
        for target in [Target::Runit, Target::S6] {
            for (values, expected) in [
                (&[name, restart, (F::Type, "exec"), (F::TimeoutStartSec, "5")][..], &[][..]),
                (&[name, restart, (F::StartLimitIntervalSec, "0")], &[]),
                (&[name, restart, user], &[F::Name, F::User]),
                (&[name, restart, (F::Ready, "tcp:80")], &[F::Name, F::Ready, F::Restart]),
                (&[name, restart, (F::RestartSec, "5")], &[F::Name, F::Restart, F::RestartSec]),
                (&[name, (F::Restart, "no"), (F::RestartSec, "5")], &[]),
            ] {
                assert_eq!(adapter(target, values), expected, "{target:?} {values:?}");
            }
        }
    }

    #[test]
    fn stop_is_done_by_s6_and_by_the_adapter_below_runit() {
        let stop = [(F::Name, "web"), (F::KillSignal, "QUIT"), (F::TimeoutStopSec, "5")];
        assert_eq!(adapter(Target::S6, &stop), []);
        assert_eq!(adapter(Target::Runit, &[(F::TimeoutStopSec, "infinity")]), []);
        assert_eq!(adapter(Target::Runit, &stop), [F::Name, F::TimeoutStopSec, F::KillSignal]);
        let staying = [&stop[..], &[(F::Ready, "tcp:80")]].concat();
        assert_eq!(adapter(Target::S6, &staying), [F::Name, F::Ready, F::TimeoutStopSec, F::KillSignal]);
        for unknown_to_s6 in [(F::KillSignal, "RTMIN+3"), (F::TimeoutStopSec, "1500us")] {
            assert_eq!(adapter(Target::S6, &[unknown_to_s6]), [unknown_to_s6.0], "{unknown_to_s6:?}");
        }
    }

    #[test]
    fn s6_hears_the_program_itself_only_without_an_adapter() {
        let ready = (F::Ready, "fd:5");
        assert_eq!(adapter(Target::S6, &[ready]), []);
        assert_eq!(adapter(Target::S6, &[ready, (F::User, "www")]), [F::User, F::Ready]);
        assert_eq!(adapter(Target::Runit, &[ready]), [F::Ready]);
    }

    #[test]
    fn init_script_always_has_the_adapter_by_its_name() {
        assert_eq!(adapter(Target::SysV, &[(F::Name, "web"), (F::Description, "a")]), [F::Name]);
        assert_eq!(adapter(Target::OpenRc, &[(F::Name, "web")]), [F::Name]);
        assert_eq!(adapter(Target::OpenRc, &[(F::Name, "web"), (F::Restart, "always")]), []);
    }
}
