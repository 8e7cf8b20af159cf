//! Constructors of [`StepError`].

use std::io;

use svcadapt_spec::ServiceSpec;

use crate::error::StepError;
use crate::plan::{LaunchStep, Note, SetupStep, StepLabel};
use crate::registry::LockDirectoryError;
use crate::sys::{error_text, processes};

/// The exit status of a start whose service is already running.
pub const ALREADY_RUNNING: u8 = 250;
/// The exit status if a pid file cannot be trusted or written.
pub(super) const PID_FILE: u8 = 251;
/// The exit status if a user is not found (systemd.exec(5)).
pub(super) const USER: u8 = 217;

impl StepError {
    /// A failure that belongs to no step of the plan.
    pub(crate) fn about(
        stage: &str,
        object: impl Into<String>,
        cause: impl Into<String>,
        status: u8,
    ) -> Self {
        Self::new(stage, cause).of(object).status(status)
    }

    /// The same without an object.
    pub(crate) fn bare(stage: &str, cause: impl Into<String>, status: u8) -> Self {
        Self::new(stage, cause).status(status)
    }

    /// The same, with the cause from the kernel.
    pub(crate) fn kernel(stage: &str, object: impl Into<String>, error: &io::Error, status: u8) -> Self {
        let hint = size_limit(error);
        Self { errno: error.raw_os_error(), hint, ..Self::about(stage, object, error_text(error), status) }
    }

    /// The failure of a step, with a cause in words.
    pub(crate) fn at(step: impl Into<StepLabel>, cause: impl Into<String>) -> Self {
        let StepLabel { stage, object, status } = step.into();
        Self { object, ..Self::new(stage, cause).status(status) }
    }

    /// The failure of a step, with the cause from the kernel.
    pub(crate) fn io(step: impl Into<StepLabel>, error: &io::Error) -> Self {
        let hint = size_limit(error);
        Self { errno: error.raw_os_error(), hint, ..Self::at(step, error_text(error)) }
    }

    /// The failure of a step because the lock directory is not usable.
    pub(crate) fn unusable(step: impl Into<StepLabel>, unusable: LockDirectoryError) -> Self {
        let LockDirectoryError { path, cause, hint, errno } = unusable;
        Self { hint, errno, ..Self::at(step, format!("{}: {cause}", path.display())) }
    }

    /// The service is already running as this process. `None`: as a process of another pid namespace.
    pub(crate) fn already_running(what: &str, pid: Option<i32>) -> Self {
        let cause = match pid {
            Some(pid) => format!("already running as process {pid}"),
            None => "already running in another pid namespace".to_owned(),
        };
        Self::about("start", what, cause, ALREADY_RUNNING)
    }

    /// The service's main process has ended, but some of its processes still run.
    pub(crate) fn left_behind(what: &str, main: i32, left: &[i32]) -> Self {
        let cause = format!(
            "its main process {main} has ended, but {} that it left behind still {}",
            processes(left),
            if left.len() == 1 { "runs" } else { "run" }
        );
        let hint = format!(
            "`svcadapt stop {what}` ends what is left; use --type forking for a program that goes into the background by itself"
        );
        Self::about("start", what, cause, ALREADY_RUNNING).hint(hint)
    }
}

impl LaunchStep {
    /// Turns the kernel's error into the failure of this step, for `map_err`.
    pub fn io_error(&self) -> impl Fn(io::Error) -> StepError + '_ {
        move |error| StepError::io(self, &error)
    }
}

impl SetupStep {
    /// Turns the kernel's error into the failure of this step, for `map_err`.
    pub fn io_error(&self) -> impl Fn(io::Error) -> StepError + '_ {
        move |error| StepError::io(self, &error)
    }
}

/// The label of a service in messages: its name, or its pid file.
pub fn service_label(spec: &ServiceSpec) -> String {
    let name = spec.name.as_ref().map(ToString::to_string);
    name.or_else(|| spec.pid_file.as_ref().map(ToString::to_string)).unwrap_or_default()
}

/// A note is printed like a failure.
impl From<&Note> for StepError {
    fn from(note: &Note) -> Self {
        let Note { stage, object, cause, hint } = note;
        Self { hint: hint.clone(), ..Self::about(stage, object, cause, PID_FILE) }
    }
}

/// The cure if a file size limit (RLIMIT_FSIZE) stopped a write.
pub(super) fn size_limit(error: &io::Error) -> Option<String> {
    (error.kind() == io::ErrorKind::FileTooLarge)
        .then(|| "raise the file size limit of the start (ulimit -f, LimitFSIZE=); --limit-fsize only applies to the program".into())
}
