//! The `notify` probe: the receiver of sd_notify(3).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::ProcessTree;
use crate::sys::socket::{Datagram, NotifySocket};

/// What a program says about its life (sd_notify(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifeSign {
    /// `READY=1`
    Ready,
    /// `RELOADING=1`
    Reloading,
    /// `STOPPING=1`
    Stopping,
    /// `WATCHDOG=1`
    Watchdog,
    /// `WATCHDOG=trigger`
    WatchdogTrigger,
}

/// The notifications of a program other than `READY=1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    /// `STATUS=`: one line of text.
    pub status: Option<String>,
    /// `ERRNO=`: why it failed.
    pub errno: Option<i32>,
    /// `EXTEND_TIMEOUT_USEC=`: the requested deadline, as time since the beginning of the start.
    pub extended: Option<Duration>,
    /// What it has said about its life since the last look, in order.
    pub life: Vec<LifeSign>,
    /// The number of messages from processes outside the service.
    pub strangers: usize,
}

/// So many signs are kept until they are taken; a program that sends without end must not fill the memory.
const MAX_SIGNS: usize = 64;

impl Notifications {
    fn say(&mut self, sign: LifeSign) {
        if self.life.last() != Some(&sign) && self.life.len() < MAX_SIGNS {
            self.life.push(sign);
        }
    }
}

/// The maximum number of messages read in one poll; the socket stays readable for the rest. A program that sends without
/// end must not delay the timeout or signals.
const MAX_MESSAGES: usize = 512;

/// The receiving end of the program's `NOTIFY_SOCKET`.
#[derive(Debug)]
pub(super) struct NotifyListener(NotifySocket);

impl NotifyListener {
    pub(super) fn new(socket: NotifySocket) -> Self {
        Self(socket)
    }

    /// Reads pending messages; those from outside the service are only counted. The descriptors of every message are closed,
    /// also of a foreign one: the sender of `BARRIER=1` waits for that.
    pub(super) fn look(
        &mut self,
        tree: ProcessTree,
        elapsed: Duration,
        notifications: &mut Notifications,
    ) -> io::Result<bool> {
        let mut ready = false;
        for _ in 0..MAX_MESSAGES {
            let Some(datagram) = self.0.receive()? else { break };
            match datagram.sender {
                Some(sender) if tree.holds(sender) => ready |= read(&datagram, elapsed, notifications),
                _ => notifications.strangers += 1,
            }
        }
        Ok(ready)
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reads a message by systemd's rules: one that is too long or contains a NUL is dropped; else each line is taken as a whole
/// or ignored.
fn read(datagram: &Datagram, elapsed: Duration, notifications: &mut Notifications) -> bool {
    if datagram.cut || datagram.bytes.contains(&0) {
        return false;
    }
    let mut ready = false;
    for line in datagram.bytes.split(|&byte| byte == b'\n') {
        // A line that is not UTF-8 is ignored; the others count.
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('=')) else {
            continue;
        };
        match name {
            "READY" if value == "1" => {
                ready = true;
                notifications.say(LifeSign::Ready);
            }
            "RELOADING" if value == "1" => notifications.say(LifeSign::Reloading),
            "STOPPING" if value == "1" => notifications.say(LifeSign::Stopping),
            "WATCHDOG" if value == "1" => notifications.say(LifeSign::Watchdog),
            "WATCHDOG" if value == "trigger" => notifications.say(LifeSign::WatchdogTrigger),
            "STATUS" => notifications.status = Some(value.to_owned()).filter(|status| !status.is_empty()),
            "ERRNO" => notifications.errno = value.parse().ok().filter(|errno| *errno > 0),
            "EXTEND_TIMEOUT_USEC" => {
                // Counted from now; a deadline is never reduced.
                let deadline = value.parse().ok().map(|micros| elapsed + Duration::from_micros(micros));
                notifications.extended = notifications.extended.max(deadline);
            }
            _ => {}
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(bytes: &[u8]) -> (bool, Notifications) {
        let mut notifications = Notifications::default();
        let datagram = Datagram { bytes: bytes.to_vec(), sender: None, cut: false, descriptors: Vec::new() };
        (read(&datagram, Duration::from_secs(10), &mut notifications), notifications)
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
    fn status_errno_and_extension_are_read() {
        let (_, notifications) =
            received(b"STATUS=warming up\nERRNO=2\nEXTEND_TIMEOUT_USEC=1500000\nUNKNOWN=1\nnothing");
        assert_eq!(notifications.status.as_deref(), Some("warming up"));
        assert_eq!(notifications.errno, Some(2));
        assert_eq!(notifications.extended, Some(Duration::from_millis(11_500)));
    }
}
