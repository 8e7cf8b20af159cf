//! A message of sd_notify(3), read by the rules of process 1 of systemd: one that is too long or has a NUL is dropped, a line
//! that is not UTF-8 is ignored, and of two lines with the same name the first one counts.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::self_report::{NotifyAccess, ProgramErrors};
use super::{LifeSign, NamedProcess, Notifications, StoreRequest};
use crate::sys::process_handle;
use crate::sys::socket::Datagram;

/// The lines of a message.
pub(super) struct Message<'a> {
    lines: Vec<&'a str>,
    descriptors: &'a [OwnedFd],
}

impl<'a> Message<'a> {
    /// The lines of a datagram. `None` if it is dropped.
    pub(super) fn of(datagram: &'a Datagram) -> Option<Self> {
        if datagram.cut || datagram.bytes.contains(&0) {
            return None;
        }
        let lines = datagram.bytes.split(|&byte| byte == b'\n');
        let lines = lines.filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Some(Self { lines, descriptors: &datagram.descriptors })
    }

    /// Takes what it says. Returns whether the program is ready.
    pub(super) fn read(&self, elapsed: Duration, notifications: &mut Notifications) -> bool {
        if let Some(named) = self.main_process() {
            notifications.say(LifeSign::MainPid(named));
        }
        let ready = self.state(notifications);
        self.report(notifications);
        if let Some(time) = self.number("EXTEND_TIMEOUT_USEC").map(Duration::from_micros) {
            // Counted from now; a deadline is never reduced.
            notifications.extended = notifications.extended.max(elapsed.checked_add(time));
            notifications.life.retain(|sign| !matches!(sign, LifeSign::Extended(_)));
            if let Some(at) = Instant::now().checked_add(time) {
                notifications.say(LifeSign::Extended(at));
            }
        }
        match self.value("WATCHDOG") {
            Some("1") => notifications.say(LifeSign::Watchdog),
            Some("trigger") => notifications.say(LifeSign::WatchdogTrigger),
            Some(_) | None => {}
        }
        if let Some(micros) = self.number("WATCHDOG_USEC") {
            // Without a limit: 0 and the largest number (sd_notify(3), USEC_INFINITY).
            let limit = Some(micros).filter(|micros| (1..u64::MAX).contains(micros));
            notifications.say(LifeSign::WatchdogTime(limit.map(Duration::from_micros)));
        }
        notifications.barrier |= self.has("BARRIER=1");
        if self.has("RESTART_RESET=1") {
            notifications.say(LifeSign::RestartReset);
        }
        ready
    }

    /// The state of the program: STOPPING takes precedence, then READY.
    fn state(&self, notifications: &mut Notifications) -> bool {
        let ready = self.has("READY=1");
        if self.has("STOPPING=1") {
            notifications.say(LifeSign::Stopping);
        } else if ready {
            // What a start or a reload was prolonged by does not count for what follows.
            notifications.life.retain(|sign| !matches!(sign, LifeSign::Extended(_)));
            notifications.say(LifeSign::Ready);
        } else if self.has("RELOADING=1") {
            notifications.say(LifeSign::Reloading(self.number("MONOTONIC_USEC")));
        }
        ready
    }

    /// What stays said until the program says something else.
    fn report(&self, notifications: &mut Notifications) {
        let report = &mut notifications.report;
        if let Some(text) = self.value("STATUS") {
            report.status = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(access) = self.value("NOTIFYACCESS").and_then(NotifyAccess::parse) {
            report.access = access;
        }
        let errors = &mut report.errors;
        if let Some(number) = self.value("ERRNO").and_then(ProgramErrors::errno_of) {
            errors.errno = (number > 0).then_some(number);
        }
        for (name, place) in [("BUSERROR", &mut errors.bus), ("VARLINKERROR", &mut errors.varlink)] {
            match self.value(name) {
                Some("") => *place = None,
                Some(text) if ProgramErrors::is_name(text) => *place = Some(text.to_owned()),
                Some(_) | None => {}
            }
        }
    }

    /// The main process that it names.
    fn main_process(&self) -> Option<NamedProcess> {
        if self.has("MAINPIDFD=1") {
            let [held] = self.descriptors else { return None };
            let (pid, id) = process_handle::of_descriptor(held)?;
            return Some(NamedProcess { pid, id });
        }
        let pid = self.value("MAINPID")?.parse().ok().filter(|pid| *pid > 0)?;
        let id = match self.value("MAINPIDFDID") {
            Some(number) => Some(number.parse().ok()?),
            None => None,
        };
        Some(NamedProcess { pid, id })
    }

    /// What it asks of the descriptor store, if the descriptors may be taken: `FDSTOREREMOVE=1` takes precedence and needs
    /// a valid name; descriptors with an invalid name are stored without it.
    pub(super) fn store_request(&self) -> Option<impl FnOnce(Vec<OwnedFd>) -> StoreRequest + use<>> {
        let name = self.value("FDNAME").filter(|name| is_name(name)).map(str::to_owned);
        let (removes, adds) = (self.has("FDSTOREREMOVE=1"), self.has("FDSTORE=1"));
        let watch = !self.has("FDPOLL=0");
        if removes && name.is_none() || !removes && !adds {
            return None;
        }
        Some(move |files| match name {
            Some(name) if removes => StoreRequest::Remove(name),
            name => StoreRequest::Add { files, name, watch },
        })
    }

    fn has(&self, line: &str) -> bool {
        self.lines.contains(&line)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }
}

/// Whether a descriptor may have this name (sd_notify(3), `FDNAME=`): printable ASCII without `:`, the separator of
/// `LISTEN_FDNAMES`.
fn is_name(name: &str) -> bool {
    name.len() <= 255 && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(bytes: &[u8]) -> (bool, Notifications) {
        let mut notifications = Notifications::default();
        let datagram = Datagram { bytes: bytes.to_vec(), sender: None, cut: false, descriptors: Vec::new() };
        let message = Message::of(&datagram);
        let ready = message.is_some_and(|message| message.read(Duration::from_secs(10), &mut notifications));
        (ready, notifications)
    }

    #[test]
    fn ready_must_be_a_whole_line() {
        for yes in [&b"READY=1"[..], b"READY=1\n", b"STATUS=x\nREADY=1", b"STATUS=\xff\nREADY=1"] {
            assert!(received(yes).0, "{yes:?}");
        }
        for no in [
            &b"STATUS=READY=1"[..],
            b"STATUS=NOT\rREADY=1",
            b"XREADY=1",
            b"READY=0",
            b"READY=11",
            b"READY=1\0",
        ] {
            assert!(!received(no).0, "{no:?}");
        }
    }

    #[test]
    fn store_requests_are_read_by_the_rules_of_systemd() {
        let request = |bytes: &[u8]| {
            let datagram =
                Datagram { bytes: bytes.to_vec(), sender: None, cut: false, descriptors: Vec::new() };
            let request = Message::of(&datagram).and_then(|message| message.store_request());
            match request.map(|request| request(Vec::new())) {
                None => "nothing".to_owned(),
                Some(StoreRequest::Remove(name)) => format!("remove {name}"),
                Some(StoreRequest::Add { name, watch, .. }) => format!("add {name:?} {watch}"),
            }
        };
        let long = "x".repeat(256);
        for (message, read) in [
            ("FDSTORE=1", "add None true"),
            ("FDNAME=a b\nFDSTORE=1\nFDPOLL=0", "add Some(\"a b\") false"),
            ("FDSTORE=1\nFDNAME=", "add Some(\"\") true"),
            ("FDSTORE=1\nFDNAME=a:b", "add None true"),
            ("FDSTORE=1\nFDNAME=a\tb", "add None true"),
            (&format!("FDSTORE=1\nFDNAME={long}"), "add None true"),
            ("FDSTORE=1\nFDPOLL=1", "add None true"),
            ("FDSTORE=1\nFDSTOREREMOVE=1\nFDNAME=a", "remove a"),
            ("FDSTOREREMOVE=1\nFDNAME=a:b", "nothing"),
            ("FDSTOREREMOVE=1\nFDSTORE=1", "nothing"),
            ("FDSTORE=0", "nothing"),
            ("FDSTORE=1\0", "nothing"),
        ] {
            assert_eq!(request(message.as_bytes()), read, "{message:?}");
        }
    }

    #[test]
    fn status_errno_and_extension_are_read() {
        let (_, notifications) =
            received(b"STATUS=warming up\nERRNO=2\nEXTEND_TIMEOUT_USEC=1500000\nUNKNOWN=1\nnothing");
        assert_eq!(notifications.report.status.as_deref(), Some("warming up"));
        assert_eq!(notifications.report.errors.errno, Some(2));
        assert_eq!(notifications.extended, Some(Duration::from_millis(11_500)));
    }
}
