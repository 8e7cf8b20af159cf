//! What a service needs of the network.

use svcadapt_spec::{Probe, ServiceSpec};

use super::case::{demanded, last, named};

/// What a service needs of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The machine's, with ports of its own from 1024 on. What nothing is known of counts as this.
    Own,
    /// The machine's, with a port below 1024, for which it needs `CAP_NET_BIND_SERVICE`.
    Privileged,
    /// The sockets that systemd hands over, and no other.
    Activated,
    /// None.
    None,
}

/// The first port that everybody may take (ip(7), `ip_unprivileged_port_start`).
const UNPRIVILEGED: u16 = 1024;

impl Network {
    /// What a spec says of it. That a service makes no connections of its own cannot be seen, so without a word it
    /// has the machine's network.
    pub fn of(spec: &ServiceSpec) -> Self {
        // The probe looks for the listener in the network that the service has.
        let looked_for = spec.ready.iter().any(|probe| matches!(probe, Probe::Tcp(..)));
        let handed_over = !spec.sockets.listen.is_empty() && !looked_for;
        let low = spec.ready.iter().any(|probe| matches!(probe, Probe::Tcp(_, port) if *port < UNPRIVILEGED));
        if demanded(spec, "PrivateNetwork") {
            Self::None
        } else if handed_over
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

    /// Whether it is the machine's.
    pub(super) fn is_shared(self) -> bool {
        matches!(self, Self::Own | Self::Privileged)
    }
}
