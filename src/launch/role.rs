//! The role of a process after the forks.

use super::outcome::Outcome;
use crate::setup::ServiceProcess;

/// The role of this process after the forks of a start.
#[derive(Debug)]
pub enum Role<'a> {
    /// The process that was started. It has waited until the service was ready, had failed or, as process 1, had
    /// ended; it only reports the outcome.
    Launcher(Outcome),
    /// The process that becomes the service.
    Service(ServiceProcess<'a>),
}
