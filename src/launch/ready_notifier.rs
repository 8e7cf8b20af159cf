//! Reports readiness to the manager or supervisor.

use std::io;
use std::os::fd::OwnedFd;

use super::start::Start;
use crate::error::{StepError, tell};
use crate::notify::{Address, Notifier};
use crate::sys::{error_text, fd};

/// The receiver of the readiness report.
pub(super) enum ReadyNotifier {
    Manager(Notifier),
    Newline(OwnedFd),
}

impl ReadyNotifier {
    /// Finds the receiver.
    pub(super) fn new(start: &Start<'_>) -> Result<Self, StepError> {
        if let Some(number) = start.spec.notification_fd {
            let failed = |cause: String| StepError::about("notification fd", number.to_string(), cause, 202);
            return fd::duplicate_raw(number, 3)
                .map(Self::Newline)
                .map_err(|error| failed(error_text(&error)));
        }
        let failed = |cause: String| StepError::about("notify socket", "NOTIFY_SOCKET", cause, 202);
        let inherited = &start.resolved.inherited;
        let value = inherited.iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, value)| value);
        let value = value.ok_or_else(|| failed("it is not set".to_owned()))?;
        Address::parse(value).map(|address| Self::Manager(Notifier::new(address))).map_err(failed)
    }

    /// Reports that the service is ready.
    pub(super) fn ready(&self) -> io::Result<()> {
        match self {
            Self::Manager(notifier) => notifier.ready(),
            Self::Newline(pipe) => fd::write_all(pipe, b"\n"),
        }
    }

    /// Reports the main process and, with `ready`, readiness. One message carries both, so that the manager never
    /// sees one without the other.
    pub(super) fn main_process(&self, pid: i32, ready: bool) -> io::Result<()> {
        match self {
            Self::Manager(notifier) => notifier.main_process(pid, ready),
            Self::Newline(_) if ready => self.ready(),
            Self::Newline(_) => Ok(()),
        }
    }

    /// Waits until the manager has read all messages; needed before this process exits.
    pub(super) fn barrier(&self) -> io::Result<()> {
        match self {
            Self::Manager(notifier) => notifier.barrier(),
            Self::Newline(_) => Ok(()),
        }
    }

    /// Reports on standard error, the manager's log, that readiness could not be reported: otherwise nothing explains
    /// why the service never becomes ready.
    pub(super) fn report_unsent(&self, error: &io::Error) {
        let (stage, object) = match self {
            Self::Manager(notifier) => ("notify socket", notifier.address().to_string()),
            Self::Newline(_) => ("notification fd", String::new()),
        };
        let failure = match object.as_str() {
            "" => StepError::bare(stage, error_text(error), 202),
            _ => StepError::about(stage, object, error_text(error), 202),
        };
        tell(
            &failure
                .hint("the service is running, but its manager does not know that it is ready")
                .to_string(),
        );
    }

    /// Feeds the watchdog of a manager.
    pub(super) fn alive(&self) {
        if let Self::Manager(notifier) = self {
            // The next one may arrive; without any the manager acts.
            let _ = notifier.alive();
        }
    }

    /// Sends a status text if the manager accepts one, and waits until it was read.
    pub(super) fn status(&self, text: &str) {
        if let Self::Manager(notifier) = self {
            // Best effort: the text is only informative.
            let _ = notifier.status(text);
            let _ = notifier.barrier();
        }
    }
}
