//! The network that a service needs.

use svcadapt_spec::{Probe, ServiceSpec};

use super::lookup::{is_on, last, named};

/// The network that a service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The machine's network, with ports from 1024 on. This is the default.
    Own,
    /// The machine's network, with a port below 1024, which needs `CAP_NET_BIND_SERVICE`.
    Privileged,
    /// Only the sockets that systemd passes.
    Activated,
    /// No network.
    None,
}

/// The first port that needs no privilege (ip(7), `ip_unprivileged_port_start`).
const UNPRIVILEGED: u16 = 1024;

impl Network {
    /// The network of a spec. A spec does not show whether the service opens connections, so the default is the
    /// machine's network.
    pub fn of(spec: &ServiceSpec) -> Self {
        // The probe connects in the network of the service.
        let is_probed = spec.ready.iter().any(|probe| matches!(probe, Probe::Tcp(..)));
        let gets_sockets = !spec.sockets.listen.is_empty() && !is_probed;
        let low = spec.ready.iter().any(|probe| matches!(probe, Probe::Tcp(_, port) if *port < UNPRIVILEGED));
        if is_on(spec, "PrivateNetwork") {
            Self::None
        } else if gets_sockets
            || spec.native.has_directive("Sockets")
            || last(spec, "StandardInput") == Some("socket")
        {
            Self::Activated
        } else if low || spec.ambient_capabilities.unwrap_or_default().holds(named("CAP_NET_BIND_SERVICE")) {
            Self::Privileged
        } else {
            Self::Own
        }
    }

    /// Whether it is the machine's network.
    pub(super) fn is_shared(self) -> bool {
        matches!(self, Self::Own | Self::Privileged)
    }
}
