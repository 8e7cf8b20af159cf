//! Environment variables that name the process which executes the program. Only that process can set them.

use std::ffi::{OsStr, OsString};

use super::perform::ServiceProcess;
use crate::plan::{STARTED_AS, readdress};
use crate::sys::process;

impl ServiceProcess<'_> {
    /// Sets the variables that name this process. As with systemd, `UnsetEnvironment=` removes them too.
    pub(super) fn tell_variables(&mut self) {
        let own = process::own_pid();
        for (name, value) in &mut self.environment {
            readdress(name, value, self.launcher, own);
        }
        if self.launcher != own {
            // It names the launcher by a pidfd id; without it LISTEN_PID decides.
            self.environment.remove(OsStr::new("LISTEN_PIDFDID"));
        }
        if let Some(started_as) = self.started_as.take() {
            self.say(STARTED_AS, &started_as);
        }
        self.tell_sockets();
    }

    /// The variables that sd_listen_fds(3) reads.
    fn tell_sockets(&mut self) {
        if self.sockets == 0 {
            return;
        }
        // It may name an ancestor, and takes precedence over LISTEN_PID.
        self.environment.remove(OsStr::new("LISTEN_PIDFDID"));
        let names = vec![self.spec.socket_name(); self.sockets].join(":");
        let own = process::own_pid().to_string();
        for (name, value) in
            [("LISTEN_FDS", self.sockets.to_string()), ("LISTEN_PID", own), ("LISTEN_FDNAMES", names)]
        {
            self.say(name, &value);
        }
    }

    fn say(&mut self, name: &str, value: &str) {
        if !self.spec.environment.unset.iter().any(|unset| unset.as_str() == name) {
            self.environment.insert(OsString::from(name), OsString::from(value));
        }
    }
}
