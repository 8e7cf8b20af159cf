//! The watchdog of the service manager (`WatchdogSec=`, sd_watchdog_enabled(3)).

use std::time::Duration;

use super::Error;
use crate::error::StepError;
use crate::notify::Notifier;

/// A manager that restarts the service when it gives no sign of life in time.
#[derive(Debug, Clone, Copy)]
pub struct Watchdog<'a> {
    limit: Duration,
    notifier: &'a Notifier,
}

impl<'a> Watchdog<'a> {
    pub(super) fn new(limit: Duration, notifier: &'a Notifier) -> Self {
        Self { limit, notifier }
    }

    /// How long the manager waits for a sign of life.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// How often to give one: twice in that time, as sd_watchdog_enabled(3) advises.
    pub fn interval(&self) -> Duration {
        self.limit / 2
    }

    /// Gives a sign of life (`WATCHDOG=1`).
    pub fn ping(&self) -> Result<(), Error> {
        let failed = |error| Error::Notify(StepError::kernel("notify", "WATCHDOG=1", &error, 202));
        self.notifier.alive().map_err(failed)
    }
}
