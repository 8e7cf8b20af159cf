//! What wants a service, and the sections that a service has besides.

use svcadapt_spec::{Native, Scope};

use super::{OWN, Unit};
use crate::divide::{is_on_demand, is_wanted_by_system};
use crate::unit::write_socket::tied;

/// What a user's manager has in the place of the system's `multi-user.target` (systemd.special(7)).
const ALL_OF_A_USER: &str = "default.target";

impl Unit<'_> {
    /// Which target wants it: the one that is reached when everything runs, unless the spec was a unit.
    pub(super) fn install(&mut self) {
        if !self.was_unit() && !is_on_demand(self.spec) {
            self.section("Install");
            let target = match self.host.scope {
                Scope::System => "multi-user.target",
                Scope::User => ALL_OF_A_USER,
            };
            self.put("WantedBy", target);
            if let Some(socket) = tied(self.spec) {
                self.put("Also", &socket);
            }
        }
        let mut sections: Vec<String> = Vec::new();
        for line in self.spec.native.systemd.iter().flatten() {
            let section = line.section();
            let elsewhere = section.starts_with(Native::SOCKET_UNIT_PREFIX);
            if !elsewhere
                && !["Unit", "Service", OWN].contains(&section)
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
                && let Some(socket) = tied(self.spec)
            {
                self.put("Also", &socket);
            }
        }
    }
}
