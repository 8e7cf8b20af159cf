//! The sender of sd_notify(3), with a timeout and a maximum message length.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use sd_notify::NotifyState;

use super::Address;
use crate::sys::escape_control;
use crate::sys::socket::Notification;

/// systemd drops a longer message (`NOTIFY_BUFFER_MAX`).
const MAX_MESSAGE_BYTES: usize = 4096;

/// The send timeout: a manager that has not read for this long is taken as hung.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// A sender of notifications to one manager.
#[derive(Debug)]
pub struct Notifier {
    address: Address,
    /// A socket connected early, for when the address becomes unreachable: in another root directory, as another user.
    open: Option<Notification>,
    timeout: Duration,
}

impl Notifier {
    /// A sender to this address; every message opens a socket.
    pub fn new(address: Address) -> Self {
        Self { address, open: None, timeout: SEND_TIMEOUT }
    }

    /// The same with another time for each message.
    #[must_use]
    pub(crate) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The manager's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A sender with a socket that is connected now and kept.
    pub fn connected(address: Address) -> io::Result<Self> {
        let new = Self::new(address);
        Ok(Self { open: Some(new.open()?), ..new })
    }

    /// Sends `READY=1`, alone in its message, so that an overlong status cannot make it fail.
    pub fn ready(&self) -> io::Result<()> {
        self.send(&NotifyState::Ready)
    }

    /// Sends `MAINPID=`, and `READY=1` if `ready`. The manager accepts it from the current main process only, so the sender
    /// must live until the message has been read (see [`Notifier::barrier`]).
    pub fn main_process(&self, pid: i32, ready: bool) -> io::Result<()> {
        let number = u32::try_from(pid).map_err(io::Error::other)?;
        let ready = if ready { format!("{}\n", NotifyState::Ready) } else { String::new() };
        let text = format!("{}\n{ready}", NotifyState::MainPid(number));
        self.open()?.send(text.as_bytes(), &[], self.timeout)
    }

    /// Sends `STATUS=`, one line of text. `systemctl status` prints it on a terminal, so control characters are escaped; a text
    /// that is too long is cut.
    pub fn status(&self, text: &str) -> io::Result<()> {
        let line = escape_control(text);
        let max = MAX_MESSAGE_BYTES - "STATUS=\n".len();
        let end = (0..=max.min(line.len())).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
        self.send(&NotifyState::Status(&line[..end]))
    }

    /// Sends `RELOADING=1` with `MONOTONIC_USEC=`, which `Type=notify-reload` requires in the same message.
    pub fn reloading(&self) -> io::Result<()> {
        self.send_all(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
    }

    /// The same for a reload that has begun at this time of the monotonic clock, in microseconds.
    pub(crate) fn reloading_since(&self, micros: u64) -> io::Result<()> {
        self.send_all(&[NotifyState::Reloading, NotifyState::MonotonicUsec(micros.into())])
    }

    /// Sends `STOPPING=1`.
    pub fn stopping(&self) -> io::Result<()> {
        self.send(&NotifyState::Stopping)
    }

    /// Sends `WATCHDOG=1`, the keep-alive of `WatchdogSec=`.
    pub fn alive(&self) -> io::Result<()> {
        self.send(&NotifyState::Watchdog)
    }

    /// Sends `EXTEND_TIMEOUT_USEC=`: extends the current timeout to `by` from now.
    pub fn extend_timeout(&self, by: Duration) -> io::Result<()> {
        // The crate's type for it has 32 bits: 71 minutes.
        let text = format!("EXTEND_TIMEOUT_USEC={}", by.as_micros().min(u128::from(u64::MAX - 1)));
        self.send(&NotifyState::Custom(&text))
    }

    /// Sends an assignment, `VARIABLE=VALUE` without a newline.
    pub fn assignment(&self, text: &str) -> io::Result<()> {
        self.send(&NotifyState::Custom(text))
    }

    /// Sends descriptors for the manager's store (`FDSTORE=1`), with this name.
    pub fn store(&self, descriptors: &[BorrowedFd<'_>], name: Option<&str>) -> io::Result<()> {
        let name = name.map(|name| format!("{}\n", NotifyState::Custom(&format!("FDNAME={name}"))));
        let text = format!("{}\n{}", NotifyState::Custom("FDSTORE=1"), name.unwrap_or_default());
        self.open()?.send(text.as_bytes(), descriptors, self.timeout)
    }

    /// Waits until the manager has read all earlier messages (`BARRIER=1`). A manager may ignore messages whose sender has
    /// exited.
    pub fn barrier(&self) -> io::Result<()> {
        self.open()?.barrier(b"BARRIER=1", self.timeout)
    }

    fn send(&self, state: &NotifyState<'_>) -> io::Result<()> {
        self.send_all(std::slice::from_ref(state))
    }

    fn send_all(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let lines: Vec<String> = states.iter().map(|state| format!("{state}\n")).collect();
        let message = lines.concat();
        if let Some(open) = &self.open {
            // A re-executed manager may listen at the same address with a new socket.
            match open.send(message.as_bytes(), &[], self.timeout) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                sent => return sent,
            }
        }
        self.open()?.send(message.as_bytes(), &[], self.timeout)
    }

    fn open(&self) -> io::Result<Notification> {
        match &self.address {
            Address::Path(path) => Notification::to_path(path),
            Address::Abstract(name) => Notification::to_abstract(name),
            Address::Vsock(address) => Ok(Notification::Vsock(*address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn status_with_a_newline_or_too_long_is_made_safe() {
        let path = std::env::temp_dir().join(format!("svcadapt-notifier-{}", std::process::id()));
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let notifier = Notifier::new(Address::Path(path.clone()));
        let mut buffer = [0; 8192];
        notifier.status("x\nMAINPID=1\0\u{1b}\u{202e}é").unwrap();
        let length = manager.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert_eq!(text, "STATUS=x\\nMAINPID=1\\0\\u{1b}\\u{202e}é\n");
        notifier.status(&"é".repeat(4000)).unwrap();
        assert!((4090..=MAX_MESSAGE_BYTES).contains(&manager.recv(&mut buffer).unwrap()));
        notifier.ready().unwrap();
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\n");
        for (ready, expected) in [(true, &b"MAINPID=42\nREADY=1\n"[..]), (false, b"MAINPID=42\n")] {
            notifier.main_process(42, ready).unwrap();
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected);
        }
        notifier.reloading().unwrap();
        let length = manager.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
        assert!(time.unwrap().parse::<u64>().unwrap() > 0, "{text}");
        notifier.extend_timeout(Duration::from_secs(7200)).unwrap();
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"EXTEND_TIMEOUT_USEC=7200000000\n");
        std::fs::remove_file(&path).unwrap();
    }
}
