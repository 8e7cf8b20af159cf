//! The watchdog of the service manager (`WatchdogSec=`, sd_watchdog_enabled(3)).

use std::time::Duration;

use super::Error;
use crate::error::StepError;
use crate::notify::Notifier;

/// The watchdog of a manager that restarts the service if it does not send a keep-alive in time.
#[derive(Debug, Clone, Copy)]
pub struct Watchdog<'a> {
    limit: Duration,
    notifier: &'a Notifier,
}

impl<'a> Watchdog<'a> {
    pub(super) fn new(limit: Duration, notifier: &'a Notifier) -> Self {
        Self { limit, notifier }
    }

    /// The timeout after which the manager considers the service hung.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The recommended interval between keep-alives: half the timeout (sd_watchdog_enabled(3)).
    pub fn interval(&self) -> Duration {
        self.limit / 2
    }

    /// Sends a keep-alive (`WATCHDOG=1`, sd_notify(3)).
    ///
    /// # Errors
    ///
    /// [`Error::Notify`] if the message could not be sent.
    pub fn ping(&self) -> Result<(), Error> {
        let failed = |error| Error::Notify(StepError::kernel("notify", "WATCHDOG=1", &error, 202));
        self.notifier.alive().map_err(failed)
    }
}
