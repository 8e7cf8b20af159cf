//! What a spec says about a service's life, in the numbers that the machine and its loop use.

use std::collections::BTreeSet;
use std::time::Duration;

use svcadapt_spec::{
    ExecCommand, ExitStatusSet, FailureMode, KillMode, OomPolicy, Preserve, Probe, Restart, ServiceSpec,
    ServiceType, SignalName, Timespan,
};

use crate::sys::process::Ended;
use crate::sys::signal;

/// The start timeout (systemd's DefaultTimeoutStartSec).
pub const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(90);

/// The stop timeout.
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause before a restart (systemd's DefaultRestartSec).
const DEFAULT_RESTART: Duration = Duration::from_millis(100);

/// How often a service may be started (systemd's DefaultStartLimitBurst) in which time (DefaultStartLimitIntervalSec).
const DEFAULT_START_LIMIT: StartLimit = StartLimit { burst: 5, interval: Some(Duration::from_secs(10)) };

/// The lists of commands of a service, in the order of its life (systemd.service(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandKind {
    /// `ExecCondition=`
    Condition,
    /// `ExecStartPre=`
    StartPre,
    /// The program, and what follows it in a oneshot service.
    Main,
    /// `ExecStartPost=`
    StartPost,
    /// `ExecReload=`
    Reload,
    /// `ExecStop=`
    Stop,
    /// `ExecStopPost=`
    StopPost,
}

impl CommandKind {
    pub(super) const ALL: [Self; 7] = [
        Self::Condition,
        Self::StartPre,
        Self::Main,
        Self::StartPost,
        Self::Reload,
        Self::Stop,
        Self::StopPost,
    ];

    /// The directive.
    pub(super) fn directive(self) -> &'static str {
        match self {
            Self::Condition => "ExecCondition",
            Self::StartPre => "ExecStartPre",
            Self::Main => "ExecStart",
            Self::StartPost => "ExecStartPost",
            Self::Reload => "ExecReload",
            Self::Stop => "ExecStop",
            Self::StopPost => "ExecStopPost",
        }
    }

    /// The commands of the list. The program itself is not among those of [`Self::Main`].
    pub(super) fn of(self, spec: &ServiceSpec) -> &[ExecCommand] {
        match self {
            Self::Condition => &spec.commands.condition,
            Self::StartPre => &spec.commands.start_pre,
            Self::Main => &spec.commands.start,
            Self::StartPost => &spec.commands.start_post,
            Self::Reload => &spec.commands.reload,
            Self::Stop => &spec.commands.stop,
            Self::StopPost => &spec.commands.stop_post,
        }
    }
}

/// What decides the next state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) kind: ServiceType,
    /// For each command of each list: whether its failure is ignored (the prefix `-`).
    ignored: [Vec<bool>; 7],
    pub(super) remain_after_exit: bool,
    pub(super) restart: Restart,
    pub(super) prevent: ExitSet,
    pub(super) force: ExitSet,
    success: ExitSet,
    pub(super) start_failure: FailureMode,
    pub(super) stop_failure: FailureMode,
    pub(super) sigkill: Sigkill,
    pub(super) has_reload_signal: bool,
    /// Whether a reload ends when the program is ready again: it says so, or has probes that can hold again.
    pub(super) ready_again: bool,
    pub(super) oom: OomPolicy,
}

/// When SIGKILL follows the stop signal (systemd.kill(5), `SendSIGKILL=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sigkill {
    Never,
    /// If the service has not ended in time.
    AfterTimeout,
    /// Also when the main process has ended, for those that got no stop signal (`KillMode=mixed`).
    Always,
}

impl Policy {
    pub(super) fn of(spec: &ServiceSpec) -> Self {
        let ignored = CommandKind::ALL.map(|kind| {
            let program = (kind == CommandKind::Main).then_some(spec.prefix.ignore_failure);
            program.into_iter().chain(kind.of(spec).iter().map(|command| command.ignore_failure)).collect()
        });
        let kind = spec.service_type.unwrap_or(ServiceType::Simple);
        Self {
            kind,
            ignored,
            remain_after_exit: spec.remain_after_exit.unwrap_or(false),
            restart: spec.restart.unwrap_or(Restart::No),
            prevent: ExitSet::of(&spec.restarts.prevent),
            force: ExitSet::of(&spec.restarts.force),
            success: ExitSet::of(&spec.restarts.success),
            start_failure: spec.start_failure.unwrap_or(FailureMode::Terminate),
            stop_failure: spec.stop_failure.unwrap_or(FailureMode::Terminate),
            sigkill: match (spec.kill.send_sigkill, spec.kill.mode) {
                (Some(false), _) => Sigkill::Never,
                (_, Some(KillMode::Mixed)) => Sigkill::Always,
                _ => Sigkill::AfterTimeout,
            },
            has_reload_signal: spec.reload_signal.is_some() || kind == ServiceType::NotifyReload,
            ready_again: kind == ServiceType::NotifyReload || probes_again(spec).next().is_some(),
            // systemd's default (systemd-system.conf(5), `DefaultOOMPolicy=`).
            oom: spec.oom_policy.unwrap_or(OomPolicy::Stop),
        }
    }

    /// That of a service which only listens: there is no program whose end could count, and no command beside it.
    pub(super) fn of_listener(self) -> Self {
        let program = |kind| if kind == CommandKind::Main { vec![false] } else { Vec::new() };
        Self {
            kind: ServiceType::Oneshot,
            ignored: CommandKind::ALL.map(program),
            remain_after_exit: true,
            restart: Restart::No,
            force: ExitSet::default(),
            ready_again: false,
            ..self
        }
    }

    /// How many commands the list has.
    pub(super) fn count(&self, kind: CommandKind) -> usize {
        self.ignored[kind as usize].len()
    }

    /// Whether the failure of a command is ignored.
    pub(super) fn is_ignored(&self, kind: CommandKind, at: usize) -> bool {
        self.ignored[kind as usize].get(at).copied().unwrap_or(false)
    }

    /// Whether this end of the program is no failure (systemd.service(5), `SuccessExitStatus=`).
    pub(super) fn is_clean_main(&self, ended: Ended) -> bool {
        let by_signal = self.kind != ServiceType::Oneshot
            && matches!(
                ended,
                Ended::Killed(signal::SIGHUP | signal::SIGINT | signal::SIGTERM | signal::SIGPIPE)
            );
        by_signal || self.is_clean_command(ended)
    }

    /// Whether this end of a command is no failure. One with a core dump always is.
    pub(super) fn is_clean_command(&self, ended: Ended) -> bool {
        let dumped = matches!(ended, Ended::Dumped(_));
        ended == Ended::Exited(0) || !dumped && self.success.contains(ended)
    }
}

/// Ends of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ExitSet {
    statuses: BTreeSet<u8>,
    signals: BTreeSet<i32>,
}

impl ExitSet {
    fn of(set: &ExitStatusSet) -> Self {
        Self { statuses: set.statuses.clone(), signals: set.signals.iter().filter_map(number).collect() }
    }

    pub(super) fn contains(&self, ended: Ended) -> bool {
        match ended {
            Ended::Exited(status) => self.statuses.contains(&status),
            Ended::Killed(signal) | Ended::Dumped(signal) => self.signals.contains(&signal),
        }
    }
}

/// How often a service may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartLimit {
    pub(super) burst: u32,
    /// `None`: there is no limit.
    pub(super) interval: Option<Duration>,
}

/// The times of a life. `None`: no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: Option<Duration>,
    pub(super) stop: Option<Duration>,
    pub(super) abort: Option<Duration>,
    /// `None`: there is no watchdog.
    pub(super) watchdog: Option<Duration>,
    pub(super) runtime: Option<Duration>,
    pub(super) runtime_extra: Duration,
    restart: Duration,
    steps: u32,
    max_delay: Option<Duration>,
    pub(super) limit: StartLimit,
}

/// The times that apply where the spec says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultTimes {
    /// systemd's.
    Systemd,
    /// The manager that started this process has a start timeout of its own.
    Manager,
    /// So has the manager of a container, and a stop timeout.
    Container,
}

impl Times {
    pub(super) fn of(spec: &ServiceSpec, default: DefaultTimes) -> Self {
        let finite = |span: Option<Timespan>, default: Option<Duration>| match span {
            Some(span) => span.finite(),
            None => default,
        };
        let waits = spec.service_type == Some(ServiceType::Forking) || default == DefaultTimes::Systemd;
        let start =
            (waits && spec.service_type != Some(ServiceType::Oneshot)).then_some(DEFAULT_START_TIMEOUT);
        let stop = (default != DefaultTimes::Container).then_some(DEFAULT_STOP_TIMEOUT);
        let stop = finite(spec.timeout_stop, stop);
        let limit = StartLimit {
            burst: spec.restarts.limit_burst.unwrap_or(DEFAULT_START_LIMIT.burst),
            interval: finite(spec.restarts.limit_interval, DEFAULT_START_LIMIT.interval)
                .filter(|interval| !interval.is_zero()),
        };
        Self {
            start: finite(spec.timeout_start, start),
            stop,
            abort: finite(spec.timeout_abort, stop),
            watchdog: finite(spec.watchdog, None).filter(|time| !time.is_zero()),
            runtime: finite(spec.runtime_max, None),
            runtime_extra: finite(spec.runtime_extra, None).unwrap_or_default(),
            restart: finite(spec.restart_delay, Some(DEFAULT_RESTART)).unwrap_or(Duration::MAX),
            steps: spec.restarts.steps.unwrap_or(0),
            max_delay: finite(spec.restarts.max_delay, None),
            limit,
        }
    }

    /// The pause before the next restart: it grows by a factor, to the longest after the last step (systemd.service(5),
    /// `RestartSteps=`).
    pub(super) fn restart_delay(&self, restarts: u32) -> Duration {
        let (Some(longest), true) = (self.max_delay, self.steps > 0 && !self.restart.is_zero()) else {
            return self.restart;
        };
        if restarts == 0 || longest <= self.restart {
            return self.restart;
        }
        if restarts >= self.steps {
            return longest;
        }
        let ratio = longest.as_secs_f64() / self.restart.as_secs_f64();
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let grown = root(ratio, steps).powi(i32::try_from(restarts).unwrap_or(i32::MAX));
        Duration::try_from_secs_f64(self.restart.as_secs_f64() * grown).unwrap_or(longest).min(longest)
    }
}

/// The number of at least 1 whose power is this number, by halving: pow(3) would load a library of its own.
fn root(number: f64, power: i32) -> f64 {
    let (mut low, mut high) = (1.0, number.max(1.0));
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if middle.powi(power) < number { low = middle } else { high = middle }
    }
    high
}

/// Which processes are signalled, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KillPolicy {
    pub(super) mode: KillMode,
    pub(super) stop: i32,
    pub(super) restart: i32,
    pub(super) watchdog: i32,
    pub(super) last: i32,
    pub(super) send_sighup: bool,
    /// What a reload sends. `None` if it sends nothing.
    pub(super) reload: Option<i32>,
}

impl KillPolicy {
    pub(super) fn of(spec: &ServiceSpec) -> Self {
        let stop = spec.kill_signal.as_ref().and_then(number).unwrap_or(signal::SIGTERM);
        let or = |name: Option<SignalName>, default| name.as_ref().and_then(number).unwrap_or(default);
        let notifies = spec.service_type == Some(ServiceType::NotifyReload);
        Self {
            mode: spec.kill.mode.unwrap_or(KillMode::ControlGroup),
            stop,
            restart: or(spec.kill.restart_signal, stop),
            watchdog: or(spec.kill.watchdog_signal, signal::SIGABRT),
            last: or(spec.kill.final_signal, signal::SIGKILL),
            send_sighup: spec.kill.send_sighup.unwrap_or(false),
            reload: spec.reload_signal.as_ref().and_then(number).or(notifies.then_some(signal::SIGHUP)),
        }
    }
}

/// The probes that must hold again after a reload.
pub fn probes_again(spec: &ServiceSpec) -> impl Iterator<Item = &Probe> {
    spec.ready.iter().filter(|probe| match probe {
        Probe::Tcp(..) | Probe::Unix(_) | Probe::File(_) | Probe::Http(_) | Probe::Exec(_) => true,
        // They happen once, or say nothing about a reload.
        Probe::Notify | Probe::Fd(_) | Probe::Alive(_) | Probe::Dbus(_) | Probe::Log(_) => false,
    })
}

/// Whether the runtime directories stay (systemd.exec(5), `RuntimeDirectoryPreserve=`).
pub(super) fn keeps_runtime_directory(spec: &ServiceSpec, restarts: bool) -> bool {
    match spec.runtime_directory_preserve {
        Some(Preserve::Yes) => true,
        Some(Preserve::Restart) => restarts,
        Some(Preserve::No) | None => false,
    }
}

fn number(name: &SignalName) -> Option<i32> {
    signal::number(&name.to_string())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use super::*;

    fn times(fields: &[(Field, &str)]) -> Times {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in fields {
            draft.assign(field, value, Origin::Option);
        }
        Times::of(&draft.finish().unwrap(), DefaultTimes::Systemd)
    }

    /// The delays of systemd 257 for these values.
    #[test]
    fn restart_delay_grows_to_the_longest_in_so_many_steps() {
        let times = times(&[
            (Field::RestartSec, "1s"),
            (Field::RestartSteps, "4"),
            (Field::RestartMaxDelaySec, "16s"),
        ]);
        let delays = [0, 1, 2, 3, 4, 5].map(|restarts| times.restart_delay(restarts).as_millis());
        assert_eq!(delays, [1000, 2000, 4000, 8000, 16_000, 16_000]);
    }

    #[test]
    fn root_is_exact_for_long_and_short_ways() {
        for (number, power) in [(16.0, 4), (2.0, 1), (1e9, 3), (3600.0, 100), (1.000_001, 7)] {
            let error = root(number, power).powi(power) / number - 1.0;
            assert!(error.abs() < 1e-6, "{number} {power}: {error}");
        }
    }

    #[test]
    fn restart_delay_without_steps_stays_the_same() {
        let times = times(&[(Field::RestartSec, "250ms"), (Field::RestartMaxDelaySec, "16s")]);
        assert_eq!([0, 1, 50].map(|restarts| times.restart_delay(restarts).as_millis()), [250; 3]);
    }

    #[test]
    fn start_limit_interval_of_zero_is_no_limit() {
        assert_eq!(times(&[(Field::StartLimitIntervalSec, "0")]).limit.interval, None);
        assert_eq!(times(&[]).limit, DEFAULT_START_LIMIT);
    }
}
