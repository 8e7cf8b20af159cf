//! The handoff: the record that a process passes to itself through the re-exec, and its encoding.

use std::ffi::OsString;

use svcadapt_spec::Scope;

use crate::detect::{Detection, Manager, Mode};
use crate::plan::readdress;
use crate::sys::{descendants, process};

/// The prefix of every handoff.
const MAGIC: &[u8] = b"svcadapt\0reexec";

/// The record for the re-executed program, and the process it is addressed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handoff {
    pub(super) process: i32,
    pub(super) origin: Ancestry,
    /// The descriptor on which the launcher reads reports.
    pub(super) reports: i32,
    /// The number of the call of `enter` that led to the re-exec.
    pub(super) attempt: u32,
    /// A hash of the request.
    pub(super) fingerprint: Fingerprint,
    pub(super) mode: Mode,
    pub(super) manager: Manager,
    pub(super) scope: Scope,
    /// The kernel's name of the process (PR_SET_NAME, prctl(2)).
    pub(super) name: Vec<u8>,
}

/// A hash of the request, which must be the same after a re-exec. It changes with the version of this library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) u64);

/// The ancestors of the re-executed process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ancestry {
    /// The launcher, which was started and waits.
    pub(super) starter: i32,
    /// The parent. It stays as long as the launcher waits.
    pub(super) parent: i32,
}

impl Handoff {
    /// The detection result. Its evidence is not passed on: it was about another process.
    pub(super) fn detection(&self) -> Detection {
        Detection { mode: self.mode, manager: self.manager.clone(), scope: self.scope, evidence: Vec::new() }
    }

    /// Redirects variables that are addressed to the launcher's pid to this process.
    pub(super) fn readdress(&self, mut all: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        for (name, value) in &mut all {
            readdress(name, value, self.origin.starter, process::own_pid());
        }
        all
    }

    /// The fields, each preceded by a NUL. No field contains one.
    pub(super) fn write(&self) -> Vec<u8> {
        let label = match &self.manager {
            Manager::Launchd { label } => label.as_deref().unwrap_or_default(),
            _ => "",
        };
        let fields = [
            self.process.to_string(),
            self.origin.starter.to_string(),
            self.origin.parent.to_string(),
            self.reports.to_string(),
            self.attempt.to_string(),
            self.fingerprint.0.to_string(),
            self.mode.name().to_owned(),
            self.scope.name().to_owned(),
            self.manager.name().to_owned(),
            label.to_owned(),
        ];
        let mut text = MAGIC.to_vec();
        for field in fields.iter().map(String::as_bytes).chain([self.name.as_slice()]) {
            text.push(0);
            text.extend(field);
        }
        text
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.strip_prefix(MAGIC)?.strip_prefix(b"\0")?;
        let fields: Vec<&[u8]> = text.split(|&byte| byte == 0).collect();
        let [process, starter, parent, reports, attempt, fingerprint, mode, scope, manager, label, name] =
            fields.try_into().ok()?;
        let word = |field| std::str::from_utf8(field).ok();
        let (mode, scope, manager) = (word(mode)?, word(scope)?, word(manager)?);
        Some(Self {
            process: word(process)?.parse().ok()?,
            origin: Ancestry { starter: word(starter)?.parse().ok()?, parent: word(parent)?.parse().ok()? },
            reports: word(reports)?.parse().ok()?,
            attempt: word(attempt)?.parse().ok()?,
            fingerprint: Fingerprint(word(fingerprint)?.parse().ok()?),
            mode: [Mode::Classic, Mode::Supervised].into_iter().find(|known| known.name() == mode)?,
            scope: [Scope::System, Scope::User].into_iter().find(|known| known.name() == scope)?,
            manager: manager_of(manager, word(label)?)?,
            name: name.to_vec(),
        })
    }
}

impl Ancestry {
    /// Whether this process descends from them. getppid(2) works even where /proc hides processes or belongs to another
    /// pid namespace; if the parent was killed, this process is still below the starter.
    pub(super) fn is_ours(self) -> bool {
        let own = process::own_pid();
        let below = || self.starter != own && descendants::descends(own, self.starter);
        self.parent == process::parent_pid() || below()
    }
}

fn manager_of(name: &str, label: &str) -> Option<Manager> {
    let label = Some(label.to_owned()).filter(|label| !label.is_empty());
    let all = [
        Manager::Systemd,
        Manager::Launchd { label },
        Manager::S6,
        Manager::Runit,
        Manager::Daemontools,
        Manager::OpenRc,
        Manager::Supervisord,
        Manager::Container,
        Manager::Init,
        Manager::Svcadapt,
        Manager::Other,
        Manager::None,
    ];
    all.into_iter().find(|known| known.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handoff() -> Handoff {
        Handoff {
            process: 42,
            origin: Ancestry { starter: 7, parent: 9 },
            reports: 33,
            attempt: 2,
            fingerprint: Fingerprint(u64::MAX),
            mode: Mode::Classic,
            manager: Manager::Systemd,
            scope: Scope::User,
            name: b"a\nb\xff".to_vec(),
        }
    }

    #[test]
    fn handoff_survives_writing_and_reading() {
        let label = |label: Option<&str>| Manager::Launchd { label: label.map(Into::into) };
        for manager in [Manager::None, Manager::OpenRc, Manager::Svcadapt, label(None), label(Some("a b"))] {
            let handoff = Handoff { manager, ..handoff() };
            assert_eq!(Handoff::read(&handoff.write()), Some(handoff));
        }
        let nameless = Handoff { name: Vec::new(), ..handoff() };
        assert_eq!(Handoff::read(&nameless.write()), Some(nameless));
    }

    #[test]
    fn malformed_handoff_is_rejected() {
        let encoded = handoff().write();
        let with = |from: &str, to: &str| {
            let text = String::from_utf8_lossy(&encoded).replace(from, to);
            Handoff::read(text.as_bytes())
        };
        assert!(with("x", "x").is_some());
        for (from, to) in [
            ("svcadapt", "svcadopt"),
            ("42", "-"),
            ("classic", "class"),
            ("systemd", "init.d"),
            ("33", "3 3"),
        ] {
            assert_eq!(with(from, to), None, "{from:?}");
        }
        // The name is the last field and may be arbitrary.
        let fields = encoded.len() - handoff().name.len();
        assert!((0..fields).all(|end| Handoff::read(&encoded[..end]).is_none()));
        assert_eq!(Handoff::read(&[&encoded[..], b"\0more"].concat()), None);
        assert_eq!(Handoff::read(b""), None);
    }
}
