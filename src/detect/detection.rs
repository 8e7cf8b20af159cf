//! The result of the detection.

use svcadapt_spec::Scope;

use super::evidence::Evidence;
use super::manager::Manager;
use super::mode::Mode;

/// The detected mode and manager, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detection {
    /// The mode of a service.
    pub mode: Mode,
    /// The manager. It follows from the evidence even if `--mode` was given, unless that names a manager.
    pub manager: Manager,
    /// The scope of the service.
    pub scope: Scope,
    /// Every fact with its meaning. Exactly one is marked as the one that decided the mode.
    pub evidence: Vec<Evidence>,
}
