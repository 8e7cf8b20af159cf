//! What wants a service, and the sections that a service has besides.

use crate::format::unit::write_socket::tied;
use crate::spec::Native;
use crate::spec::Value;
use crate::target::Scope;

use super::OWN;
use super::Unit;

impl Unit<'_> {
    /// Which target wants it: the one that is reached when everything runs, unless the spec was a unit.
    pub(super) fn install(&mut self) {
        let by_hand = self.spec.native.key("RunAtLoad") == Some(&Value::Truth(false));
        if !self.was_unit() && !by_hand {
            self.section("Install");
            let target = match self.host.scope {
                Scope::System => "multi-user.target",
                Scope::User => "default.target",
            };
            self.put("WantedBy", target);
            if let Some(socket) = tied(self.spec) {
                self.put("Also", &socket);
            }
        }
        let mut sections: Vec<String> = Vec::new();
        for line in self.spec.native.systemd.iter().flatten() {
            let section = line.section();
            let elsewhere = section.starts_with(Native::OF_SOCKETS);
            if !elsewhere
                && !["Unit", "Service", OWN].contains(&section)
                && sections.iter().all(|seen| seen != section)
            {
                sections.push(section.to_owned());
            }
        }
        for section in sections {
            self.section(&section);
            self.native(&section);
        }
    }
}
