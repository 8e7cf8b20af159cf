//! Who opens the sockets of the service.

use svcadapt_spec::ServiceSpec;

use super::Resolution;
use crate::detect::{Detection, Manager};

/// Who opens the sockets of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketSource {
    /// The host has passed them (sd_listen_fds(3)); they are passed on.
    Passed,
    /// launchd; the program takes them itself.
    Program,
    /// launchd; the launcher has taken them.
    Launchd,
    /// svcadapt.
    Own,
}

impl SocketSource {
    /// Derives it from what the host has passed.
    pub(super) fn of(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Self {
        match &detection.manager {
            _ if !resolved.caller.passed_descriptors.is_empty() => Self::Passed,
            Manager::Launchd { .. } if spec.sockets.launchd_activation => Self::Program,
            _ if !resolved.caller.launchd_descriptors.is_empty() => Self::Launchd,
            _ => Self::Own,
        }
    }
}
