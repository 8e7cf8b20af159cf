//! What a program says to its monitor is passed on to the manager of the monitor, which hears only that.
//!
//! A manager that does not read must not stop the monitor: each message has a short time, and is lost after it.

use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use crate::launch::start::Start;
use crate::notify::{Address, Notifier};
use crate::plan::{LaunchStep, Strategy};
use crate::readiness::{LifeSign, Notifications, SelfReport};

/// The time for a message.
const TIMEOUT: Duration = Duration::from_millis(100);

/// The manager of this process, if that takes notifications.
pub(super) struct Upward {
    notifier: Notifier,
    /// Whether it has a watchdog, which the program can set.
    has_watchdog: bool,
    report: SelfReport,
    extended: Option<Duration>,
}

impl Upward {
    /// The manager of the monitor of this start, where the monitor hears the program in its place.
    pub(super) fn of(start: &Start<'_>) -> Option<Self> {
        let between = matches!(start.plan.strategy, Strategy::Monitor | Strategy::Init)
            && start.plan.has(&LaunchStep::NotifySocket)
            && start.spec.notification_fd.is_none();
        if between { Self::by(&start.resolved.inherited, SelfReport::default()) } else { None }
    }

    /// The manager that these variables name. It knows this report.
    pub(super) fn by(variables: &[(OsString, OsString)], report: SelfReport) -> Option<Self> {
        Some(Self {
            notifier: Self::manager(variables)?,
            has_watchdog: value(variables, "WATCHDOG_USEC").is_some_and(|micros| micros != OsStr::new("0")),
            report,
            extended: None,
        })
    }

    /// The manager alone.
    pub(super) fn manager(variables: &[(OsString, OsString)]) -> Option<Notifier> {
        let address = Address::parse(value(variables, "NOTIFY_SOCKET")?).ok()?;
        Some(Notifier::new(address).within(TIMEOUT))
    }

    /// Goes on in another image: the manager knows this report.
    pub(super) fn resume(&mut self, report: SelfReport) {
        self.report = report;
    }

    /// Passes on what a program has said during its start, which began so long ago. Readiness is the monitor's word.
    pub(super) fn tell_start(&mut self, said: &Notifications, elapsed: Duration) {
        self.tell_report(&said.report);
        if said.extended != self.extended {
            self.extended = said.extended;
            let left = said.extended.unwrap_or_default().saturating_sub(elapsed);
            let _ = self.notifier.extend_timeout(left);
        }
    }

    /// Passes on what a program says of itself, if it is new.
    pub(super) fn tell_report(&mut self, report: &SelfReport) {
        if report.status != self.report.status {
            let _ = self.notifier.status(report.status.as_deref().unwrap_or_default());
        }
        let (now, before) = (&report.errors, &self.report.errors);
        if now.errno != before.errno {
            let _ = self.notifier.assignment(&format!("ERRNO={}", now.errno.unwrap_or_default()));
        }
        for (name, now, before) in
            [("BUSERROR", &now.bus, &before.bus), ("VARLINKERROR", &now.varlink, &before.varlink)]
        {
            if now != before {
                let _ = self.notifier.assignment(&format!("{name}={}", now.as_deref().unwrap_or_default()));
            }
        }
        if *report != self.report {
            self.report = report.clone();
        }
    }

    /// Passes on what a program says of its life after its start; it is `reloading` if a reload is not over. What only the
    /// monitor can do, it does: the manager does not know the program's process.
    pub(super) fn tell(&self, sign: LifeSign, reloading: bool) {
        let notifier = &self.notifier;
        let _ = match sign {
            LifeSign::Ready if reloading => notifier.ready(),
            LifeSign::Reloading(Some(micros)) => notifier.reloading_since(micros),
            LifeSign::Reloading(None) => notifier.reloading(),
            LifeSign::Stopping => notifier.stopping(),
            LifeSign::Watchdog => notifier.alive(),
            LifeSign::WatchdogTime(time) if self.has_watchdog => {
                let micros = time.map_or(0, |time| time.as_micros());
                notifier.assignment(&format!("WATCHDOG_USEC={micros}"))
            }
            LifeSign::Extended(at) => notifier.extend_timeout(at.saturating_duration_since(Instant::now())),
            LifeSign::Ready
            | LifeSign::WatchdogTime(_)
            | LifeSign::WatchdogTrigger
            | LifeSign::MainPid(_)
            | LifeSign::RestartReset => Ok(()),
        };
    }
}

fn value<'a>(variables: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsString> {
    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}
