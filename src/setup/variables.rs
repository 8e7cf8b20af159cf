//! Environment variables that name the process which executes the program. Only that process can set them.

use std::ffi::{OsStr, OsString};

use super::perform::ServiceProcess;
use crate::plan::{STARTED_AS, is_socket_a_stream, readdress};
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
        if let Some((device, inode)) = self.journal_stream {
            // systemd.exec(5), "$JOURNAL_STREAM".
            self.say("JOURNAL_STREAM", &format!("{device}:{inode}"));
        }
        self.tell_sockets();
    }

    /// The variables that sd_listen_fds(3) reads.
    fn tell_sockets(&mut self) {
        if self.descriptor_names.is_empty() || is_socket_a_stream(self.spec) {
            return;
        }
        // It may name an ancestor, and takes precedence over LISTEN_PID.
        self.environment.remove(OsStr::new("LISTEN_PIDFDID"));
        let mut names = self.names_of_passed();
        names.append(&mut self.descriptor_names);
        let (count, own) = (names.len().to_string(), process::own_pid().to_string());
        for (name, value) in [("LISTEN_FDS", count), ("LISTEN_PID", own), ("LISTEN_FDNAMES", names.join(":"))]
        {
            self.say(name, &value);
        }
    }

    /// The names of the descriptors that a manager has passed, which come first. Without `LISTEN_FDNAMES` they are
    /// `unknown` (sd_listen_fds(3)).
    fn names_of_passed(&self) -> Vec<String> {
        let given = self.environment.get(OsStr::new("LISTEN_FDNAMES")).map(|names| names.to_string_lossy());
        let mut given = given.iter().flat_map(|names| names.split(':')).map(str::to_owned);
        let passed = self.resolved.caller.passed_descriptors.iter();
        passed.map(|_| given.next().unwrap_or_else(|| "unknown".to_owned())).collect()
    }

    fn say(&mut self, name: &str, value: &str) {
        if !self.spec.environment.unset.iter().any(|unset| unset.as_str() == name) {
            self.environment.insert(OsString::from(name), OsString::from(value));
        }
    }
}
