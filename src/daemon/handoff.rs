//! The ticket: what a process that is executed again is told, in the form in which it goes through the exec.

use std::ffi::OsString;

use svcadapt_spec::Scope;

use super::prepare::Fingerprint;
use crate::detect::{Detection, Manager, Mode};
use crate::plan::readdress;
use crate::sys::{descendants, process};

/// What stands in front of every ticket.
const MAGIC: &[u8] = b"svcadapt\0reexec";

/// What the program is told that is executed again, and the process that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handoff {
    pub(super) process: i32,
    pub(super) origin: Ancestry,
    /// Where the launcher listens for reports.
    pub(super) reports: i32,
    /// How often the program has tried to enter before it did.
    pub(super) attempt: u32,
    /// What it has asked for.
    pub(super) fingerprint: Fingerprint,
    pub(super) mode: Mode,
    pub(super) manager: Manager,
    pub(super) scope: Scope,
    /// What the kernel calls the process.
    pub(super) name: Vec<u8>,
}

/// Where a process comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ancestry {
    /// The process that was started, and waits.
    pub(super) starter: i32,
    /// The one that has forked it, and stays as its parent for as long as that waits.
    pub(super) parent: i32,
}

impl Handoff {
    /// What was found out about the surroundings. The evidence is no longer to be had: it was about another process.
    pub(super) fn detection(&self) -> Detection {
        Detection { mode: self.mode, manager: self.manager.clone(), scope: self.scope, evidence: Vec::new() }
    }

    /// What was meant for the process that was started is meant for this one.
    pub(super) fn readdress(&self, mut all: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        for (name, value) in &mut all {
            readdress(name, value, self.origin.starter, process::own_pid());
        }
        all
    }

    /// The fields, with a NUL in front of each: none has one in it.
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
    /// Whether this process comes from there. Who the parent is the kernel says also where /proc hides processes, or is
    /// that of another pid namespace; where somebody has killed the parent, we are still below the starter.
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
    fn a_ticket_is_read_as_it_was_written() {
        let label = |label: Option<&str>| Manager::Launchd { label: label.map(Into::into) };
        for manager in [Manager::None, Manager::OpenRc, Manager::Svcadapt, label(None), label(Some("a b"))] {
            let handoff = Handoff { manager, ..handoff() };
            assert_eq!(Handoff::read(&handoff.write()), Some(handoff));
        }
        let nameless = Handoff { name: Vec::new(), ..handoff() };
        assert_eq!(Handoff::read(&nameless.write()), Some(nameless));
    }

    #[test]
    fn what_is_no_ticket_is_none() {
        let whole = handoff().write();
        let with = |from: &str, to: &str| {
            let text = String::from_utf8_lossy(&whole).replace(from, to);
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
        // The name is the last field, and may be any.
        let fields = whole.len() - handoff().name.len();
        assert!((0..fields).all(|end| Handoff::read(&whole[..end]).is_none()));
        assert_eq!(Handoff::read(&[&whole[..], b"\0more"].concat()), None);
        assert_eq!(Handoff::read(b""), None);
    }
}
