//! `notify`: the program sends `READY=1` (sd_notify(3)), from the side that listens.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::ProcessTree;
use crate::sys::socket::{Datagram, NotifySocket};

/// What a program has told beside its readiness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    /// `STATUS=`: one line for people.
    pub status: Option<String>,
    /// `ERRNO=`: why it will not come up.
    pub errno: Option<i32>,
    /// `EXTEND_TIMEOUT_USEC=`: it has asked for time until then, counted from the beginning of the start.
    pub extended: Option<Duration>,
    /// How many messages came from a process that is none of the service's.
    pub strangers: usize,
}

/// As many messages are read in one look; of the rest whoever waits is told again. A program that sends without end must
/// not keep us from the clock, nor from signals.
const MAX_MESSAGES: usize = 512;

/// The socket that the program knows as `NOTIFY_SOCKET`.
#[derive(Debug)]
pub(super) struct NotifyListener(NotifySocket);

impl NotifyListener {
    pub(super) fn new(socket: NotifySocket) -> Self {
        Self(socket)
    }

    /// Reads what has come, as far as one look goes; first of all who has sent it. Descriptors that were brought are closed
    /// with each message, whoever has sent it: that is what the sender of `BARRIER=1` waits for.
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

/// Reads one message by process 1's rules: too long, or with a NUL in it, it counts as not sent; else a line counts
/// as a whole or not at all.
fn read(datagram: &Datagram, elapsed: Duration, notifications: &mut Notifications) -> bool {
    if datagram.cut || datagram.bytes.contains(&0) {
        return false;
    }
    let mut ready = false;
    for line in datagram.bytes.split(|&byte| byte == b'\n') {
        // A text that is not UTF-8 is no text; the other lines still count.
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('=')) else {
            continue;
        };
        match name {
            "READY" => ready |= value == "1",
            "STATUS" => notifications.status = Some(value.to_owned()).filter(|status| !status.is_empty()),
            "ERRNO" => notifications.errno = value.parse().ok().filter(|errno| *errno > 0),
            "EXTEND_TIMEOUT_USEC" => {
                // From now on; and never back again.
                let asked = value.parse().ok().map(|micros| elapsed + Duration::from_micros(micros));
                notifications.extended = notifications.extended.max(asked);
            }
            _ => {}
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> (bool, Notifications) {
        let mut notifications = Notifications::default();
        let datagram = Datagram { bytes: bytes.to_vec(), sender: None, cut: false, descriptors: Vec::new() };
        (read(&datagram, Duration::from_secs(10), &mut notifications), notifications)
    }

    #[test]
    fn only_a_whole_line_says_ready() {
        for yes in [&b"READY=1"[..], b"READY=1\n", b"STATUS=x\nREADY=1", b"STATUS=\xff\nREADY=1"] {
            assert!(told(yes).0, "{yes:?}");
        }
        for no in [
            &b"STATUS=READY=1"[..],
            b"STATUS=NOT\rREADY=1",
            b"XREADY=1",
            b"READY=0",
            b"READY=11",
            b"READY=1\0",
        ] {
            assert!(!told(no).0, "{no:?}");
        }
    }

    #[test]
    fn the_other_lines_are_understood() {
        let (_, notifications) =
            told(b"STATUS=warming up\nERRNO=2\nEXTEND_TIMEOUT_USEC=1500000\nUNKNOWN=1\nnothing");
        assert_eq!(notifications.status.as_deref(), Some("warming up"));
        assert_eq!(notifications.errno, Some(2));
        assert_eq!(notifications.extended, Some(Duration::from_millis(11_500)));
    }
}
