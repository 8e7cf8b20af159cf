//! Where jobs are loaded (launchctl(1)): `system`; `user/UID`; `gui/UID`, which is there as long as the user is logged in at
//! the screen. A label is enabled or disabled in each.

use std::collections::BTreeSet;
use std::fmt::Write;

use nix::unistd::{Uid, User};

use super::job::Job;

/// A domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    System,
    User(u32),
    Gui(u32),
}

impl Domain {
    /// `system`, `user/501` or `gui/501`.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word.split_once('/') {
            None => (word == "system").then_some(Self::System),
            Some(("user", uid)) => Some(Self::User(uid.parse().ok()?)),
            Some(("gui", uid)) => Some(Self::Gui(uid.parse().ok()?)),
            Some(_) => None,
        }
    }

    /// The user that it belongs to.
    pub(crate) fn uid(self) -> u32 {
        match self {
            Self::System => 0,
            Self::User(uid) | Self::Gui(uid) => uid,
        }
    }

    /// The name of a job for the server: that of one of the system is its label.
    pub(crate) fn key(self, label: &str) -> String {
        match self {
            Self::System => label.to_owned(),
            Self::User(uid) => format!("user/{uid}/{label}"),
            Self::Gui(uid) => format!("gui/{uid}/{label}"),
        }
    }

    /// Makes the job one of this domain. launchd.plist(5): `UserName` is only for jobs of the system; an agent runs as its
    /// user. `LimitLoadToSessionType`: by default `Aqua`, the session at the screen; `user/UID` has `Background`.
    pub(crate) fn adopt(self, job: &mut Job) -> Result<(), String> {
        let session = match self {
            Self::System => return Ok(()),
            Self::User(_) => "Background",
            Self::Gui(_) => "Aqua",
        };
        if !job.sessions.iter().any(|allowed| allowed == session) {
            return Err(format!("it is not for sessions of type {session}"));
        }
        let user = User::from_uid(Uid::from_raw(self.uid())).ok().flatten();
        job.user = Some(user.ok_or("the user is not known")?.name);
        job.group = None;
        Ok(())
    }
}

/// A service target of launchctl(1), `DOMAIN/LABEL`; a label alone is one of the system.
pub(crate) fn target(word: &str) -> Option<(Domain, String)> {
    match word.rsplit_once('/') {
        None => Some((Domain::System, word.to_owned())),
        Some((domain, label)) => Some((Domain::parse(domain)?, label.to_owned())),
    }
}

/// Who is logged in, and which labels are disabled.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    logged_in: BTreeSet<u32>,
    disabled: BTreeSet<String>,
}

impl Domains {
    pub(crate) fn login(&mut self, uid: u32) {
        self.logged_in.insert(uid);
    }

    pub(crate) fn exists(&self, domain: Domain) -> bool {
        match domain {
            Domain::System | Domain::User(_) => true,
            Domain::Gui(uid) => self.logged_in.contains(&uid),
        }
    }

    /// launchctl(1), `enable` and `disable`: the state outlives the job.
    pub(crate) fn disable(&mut self, key: String, is_disabled: bool) {
        if is_disabled {
            self.disabled.insert(key);
        } else {
            self.disabled.remove(&key);
        }
    }

    pub(crate) fn is_disabled(&self, key: &str) -> bool {
        self.disabled.contains(key)
    }

    /// launchctl(1), `print-disabled`.
    pub(crate) fn print_disabled(&self, domain: Domain) -> String {
        let mut text = "disabled services = {".to_owned();
        for label in self.disabled.iter().filter_map(|key| key.strip_prefix(&domain.key(""))) {
            if !label.contains('/') {
                let _ = write!(text, "\n\t\"{label}\" => disabled");
            }
        }
        text + "\n}"
    }
}
