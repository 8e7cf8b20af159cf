//! Writes `[Install]` and the further native sections.

use svcadapt_spec::{Native, Scope};

use super::{UnitWriter, X_SECTION};
use crate::divide::{is_on_demand, is_wanted_by_system};
use crate::unit::write_socket::required_socket_unit;

/// The target of a user manager that corresponds to the system's `multi-user.target` (systemd.special(7)).
const ALL_OF_A_USER: &str = "default.target";

impl UnitWriter<'_> {
    /// Writes `WantedBy=`, unless the spec comes from a unit, and the further native sections.
    pub(super) fn install(&mut self) {
        if !self.was_unit() && !is_on_demand(self.spec) {
            self.section("Install");
            let target = match self.host.scope {
                Scope::System => "multi-user.target",
                Scope::User => ALL_OF_A_USER,
            };
            self.put("WantedBy", target);
            if let Some(socket) = required_socket_unit(self.spec) {
                self.put("Also", &socket);
            }
        }
        let mut sections: Vec<String> = Vec::new();
        for line in self.spec.native.systemd.iter().flatten() {
            let section = line.section();
            let is_socket = section.starts_with(Native::SOCKET_UNIT_PREFIX);
            if !is_socket
                && !["Unit", "Service", X_SECTION].contains(&section)
                && sections.iter().all(|seen| seen != section)
            {
                sections.push(section.to_owned());
            }
        }
        for section in sections {
            self.section(&section);
            let mut lines = self.spec.native.systemd.iter().flatten();
            let said = self.natives("Install").iter().any(|line| line.value() == ALL_OF_A_USER);
            let moved = self.host.scope == Scope::User && !said && lines.any(is_wanted_by_system);
            if section == "Install" && moved {
                self.put("WantedBy", ALL_OF_A_USER);
            }
            self.native(&section);
            if section == "Install"
                && let Some(socket) = required_socket_unit(self.spec)
            {
                self.put("Also", &socket);
            }
        }
    }
}
