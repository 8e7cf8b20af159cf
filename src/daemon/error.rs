//! Why a program could not become a service, or could not say what it wanted to.

use std::fmt;

use svcadapt_spec::SpecError;

use crate::error::StepError;

/// What went wrong. Each prints as the command line's errors do: `STAGE 'OBJECT': CAUSE`, and then, on a line of its
/// own, `  hint: …`; several of them one after the other.
///
/// Of [`Daemon::enter`](super::Daemon::enter) all but [`Error::Step`] mean that nothing has been changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The process has more than one thread. A fork would leave behind all but one, with the locks that they hold; and
    /// neither environment nor signal mask nor capabilities can be changed for all of them.
    Threads {
        /// How many.
        count: usize,
    },
    /// This process has become a service before.
    AlreadyEntered,
    /// What was asked for cannot be, or not here. All that is wrong is told at once.
    Refused(Vec<StepError>),
    /// It runs already.
    AlreadyRunning(StepError),
    /// A step failed on the way. This process is neither what it was nor what it should be, and has to end.
    Step(StepError),
    /// It has been said before that the service is ready.
    AlreadyReady,
    /// It has been said before that the service is about to end, so it cannot be ready any more.
    Stopping,
    /// The rights that were kept have not been given up yet, so the service cannot be ready.
    PrivilegesKept,
    /// No rights were kept, or they have been given up before.
    PrivilegesDropped,
    /// Whoever waits could not be told.
    Notify(StepError),
}

impl Error {
    /// Everything that it says, the first first.
    pub fn failures(&self) -> Vec<StepError> {
        let own = |stage: &str, cause: &str, hint: &str| {
            vec![StepError::bare(stage, cause, super::USAGE).hint(hint)]
        };
        match self {
            Self::Refused(all) => all.clone(),
            Self::AlreadyRunning(one) | Self::Step(one) | Self::Notify(one) => vec![one.clone()],
            Self::Threads { count } => own(
                "daemon",
                &format!(
                    "this process has {count} threads, and can become a service, or give up rights, only with one"
                ),
                "do that before anything is started that makes threads, such as an asynchronous runtime",
            ),
            Self::AlreadyEntered => own(
                "daemon",
                "this process is a service already",
                "a process enters once; keep what that has returned",
            ),
            Self::AlreadyReady => {
                own("ready", "it has been told before", "only after reloading() is it told again")
            }
            Self::Stopping => own(
                "ready",
                "it has been told before that the service is about to end",
                "after stopping() nothing is left but to end",
            ),
            Self::PrivilegesKept => own(
                "ready",
                "the rights that were kept for the start have not been given up",
                "call drop_privileges_now() first",
            ),
            Self::PrivilegesDropped => own(
                "privileges",
                "there are none left to give up",
                "keep_privileges() keeps them, and they are given up once",
            ),
        }
    }

    fn first(&self) -> Option<StepError> {
        self.failures().into_iter().next()
    }

    /// What was being done, in a word or two: `user`, `pid file`, `working directory`.
    pub fn stage(&self) -> String {
        self.first().map(|failure| failure.stage).unwrap_or_default()
    }

    /// What it was being done to: a path, a name; none where the stage says all.
    pub fn object(&self) -> Option<String> {
        self.first()?.object
    }

    /// The kernel's number for the cause (errno(3)); none where it was not the kernel that refused.
    pub fn errno(&self) -> Option<i32> {
        self.first()?.errno
    }

    /// The exit status that says the same to a script: systemd's number for the step that failed, 250 where the service
    /// runs already, 251 where its pid file cannot be trusted or written, 2 for what was asked wrongly.
    pub fn status(&self) -> u8 {
        self.first().map_or(super::USAGE, |failure| failure.status)
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

/// A value that was refused, under the name of the builder's method.
pub(super) fn from_spec_error(problem: SpecError) -> StepError {
    let stage = problem.field.map_or("daemon".to_owned(), |field| field.option().replace('-', " "));
    let failure = StepError::about(&stage, "", problem.refusal.cause, super::USAGE);
    with_method_names(StepError { object: problem.value, hint: problem.refusal.hint, ..failure })
}

/// A hint that speaks of an option, to somebody who has a method of the same name instead.
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
    fn all_that_is_wrong_is_told_and_the_first_gives_the_status() {
        let errno = Some(13);
        let first = StepError { errno, ..StepError::about("chroot", "/x\u{1b}", "permission denied", 210) };
        let error =
            Error::Refused(vec![first, StepError::about("user", "nosuch", "there is none", 217).hint("h")]);
        assert_eq!(
            error.to_string(),
            "chroot '/x\\u{1b}': permission denied\nuser 'nosuch': there is none\n  hint: h"
        );
        assert_eq!((error.status(), error.stage().as_str(), error.errno()), (210, "chroot", Some(13)));
    }

    #[test]
    fn every_kind_has_a_stage_a_cause_and_a_status() {
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
