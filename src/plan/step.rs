//! A step of a plan.

use super::{LaunchStep, SetupStep, StepLabel};

/// A step, and who performs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The host has already performed it.
    Host(SetupStep),
    /// svcadapt performs it, in the process that was started.
    Launcher(LaunchStep),
    /// svcadapt performs it, in the process that becomes the program.
    Service(SetupStep),
}

impl Step {
    /// Its name, argument and exit status.
    pub fn label(&self) -> StepLabel {
        match self {
            Self::Host(step) | Self::Service(step) => step.label(),
            Self::Launcher(step) => step.label(),
        }
    }

    /// Who performs it: `host` or `adapter`.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::Launcher(_) | Self::Service(_) => "adapter",
        }
    }

    /// The process that performs it: `launcher` or `service`. `None` if the host has.
    pub fn process(&self) -> Option<&'static str> {
        match self {
            Self::Host(_) => None,
            Self::Launcher(_) => Some("launcher"),
            Self::Service(_) => Some("service"),
        }
    }
}
