//! Errors of becoming a service and of talking to its supervisor.

use std::fmt;

use svcadapt_spec::SpecError;

use crate::error::{StepError, USAGE};

/// An error. It prints as the command line's errors do: `STAGE 'OBJECT': CAUSE`, then, on a line of its own, ` hint:
/// …`; several errors one after the other.
///
/// After an error of [`Daemon::enter`](super::Daemon::enter) nothing has been changed, except after [`Error::Step`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The process has more than one thread. A fork copies only the calling thread and leaves the locks of the others
    /// held; and environment, signal mask and capabilities cannot be changed for all threads.
    Threads {
        /// The number of threads.
        count: usize,
    },
    /// This process has already entered.
    AlreadyEntered,
    /// The request is invalid, or impossible on this host. It holds all errors, not only the first.
    Refused(Vec<StepError>),
    /// The service is already running.
    AlreadyRunning(StepError),
    /// A step failed halfway. The process is partly set up and must end.
    Step(StepError),
    /// [`Service::ready`](super::Service::ready) was called before.
    AlreadyReady,
    /// [`Service::stopping`](super::Service::stopping) was called before, so the service cannot become ready.
    Stopping,
    /// The kept privileges have not been dropped ([`Service::drop_privileges`](super::Service::drop_privileges)), so
    /// the service cannot become ready.
    PrivilegesKept,
    /// No privileges were kept, or they were dropped before.
    PrivilegesDropped,
    /// The launcher or the service manager could not be notified.
    Notify(StepError),
}

impl Error {
    /// All errors in it, in order.
    pub fn failures(&self) -> Vec<StepError> {
        let own =
            |stage: &str, cause: &str, hint: &str| vec![StepError::bare(stage, cause, USAGE).hint(hint)];
        match self {
            Self::Refused(all) => all.clone(),
            Self::AlreadyRunning(one) | Self::Step(one) | Self::Notify(one) => vec![one.clone()],
            Self::Threads { count } => own(
                "daemon",
                &format!(
                    "this process has {count} threads; it must have one to become a service or to drop privileges"
                ),
                "do it before starting threads or an asynchronous runtime",
            ),
            Self::AlreadyEntered => own(
                "daemon",
                "this process is already a service",
                "call enter() once and keep the Service that it returns",
            ),
            Self::AlreadyReady => own(
                "ready",
                "readiness was already reported",
                "call it once, and once after each reloading()",
            ),
            Self::Stopping => own(
                "ready",
                "stopping() was already called",
                "a stopping service cannot become ready: end the process",
            ),
            Self::PrivilegesKept => own(
                "ready",
                "the privileges kept for the start have not been dropped",
                "call drop_privileges() first",
            ),
            Self::PrivilegesDropped => own(
                "privileges",
                "already dropped, or never kept",
                "call keep_privileges() before enter(), and drop_privileges() once",
            ),
        }
    }

    fn first(&self) -> Option<StepError> {
        self.failures().into_iter().next()
    }

    /// The stage of the first error: `user`, `pid file`, `working directory`.
    pub fn stage(&self) -> String {
        self.first().map(|failure| failure.stage).unwrap_or_default()
    }

    /// The object of the first error: a path or a name. `None` if the stage has no object.
    pub fn object(&self) -> Option<String> {
        self.first()?.object
    }

    /// The errno of the first error (errno(3)). `None` if the cause is not a failed system call.
    pub fn errno(&self) -> Option<i32> {
        self.first()?.errno
    }

    /// The exit status for the first error: systemd's number for the step that failed (systemd.exec(5)), 250 if the
    /// service is already running, 251 if its pid file cannot be trusted or written, 2 for an invalid request.
    pub fn status(&self) -> u8 {
        self.first().map_or(USAGE, |failure| failure.status)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.failures().iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            failure.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A rejected value, with the builder's method as the stage.
pub(super) fn from_spec_error(problem: SpecError) -> StepError {
    let stage = problem.field.map_or("daemon".to_owned(), |field| field.option().replace('-', " "));
    let failure = StepError::about(&stage, "", problem.error.cause, USAGE);
    with_method_names(StepError { object: problem.value, hint: problem.error.hint, ..failure })
}

/// Replaces `--option` in a hint by the name of the builder's method.
pub(super) fn with_method_names(failure: StepError) -> StepError {
    let method = |word: &str| {
        let option = word.strip_prefix("--").filter(|option| !option.is_empty());
        option.map_or_else(|| word.to_owned(), |option| option.replace('-', "_"))
    };
    let hint = failure.hint.map(|hint| hint.split(' ').map(method).collect::<Vec<_>>().join(" "));
    StepError { hint, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_printed_and_the_first_gives_the_status() {
        let errno = Some(13);
        let first = StepError { errno, ..StepError::about("chroot", "/x\u{1b}", "permission denied", 210) };
        let error =
            Error::Refused(vec![first, StepError::about("user", "nosuch", "no such user", 217).hint("h")]);
        assert_eq!(
            error.to_string(),
            "chroot '/x\\u{1b}': permission denied\nuser 'nosuch': no such user\n  hint: h"
        );
        assert_eq!((error.status(), error.stage().as_str(), error.errno()), (210, "chroot", Some(13)));
    }

    #[test]
    fn every_error_has_a_stage_a_hint_and_a_status() {
        for error in [
            Error::Threads { count: 7 },
            Error::AlreadyEntered,
            Error::AlreadyReady,
            Error::Stopping,
            Error::PrivilegesKept,
            Error::PrivilegesDropped,
        ] {
            assert!(!error.stage().is_empty() && error.status() != 0, "{error:?}");
            assert!(error.to_string().contains("hint: "), "{error}");
        }
        assert!(Error::Threads { count: 7 }.to_string().contains(" 7 threads"));
    }
}
