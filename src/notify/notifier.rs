//! Telling the manager: sd_notify(3), bounded in time and in length.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;

use super::Address;
use crate::sys::escape_control;
use crate::sys::socket::Notification;

/// process 1 drops a longer message whole.
const MAX_MESSAGE_BYTES: usize = 4096;

/// A manager that has not read for this long does not read at all.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// Someone to tell.
#[derive(Debug)]
pub struct Notifier {
    address: Address,
    /// A way that stays open where the address cannot be reached any more: below another root, as another user.
    open: Option<Notification>,
}

impl Notifier {
    /// Tells this manager.
    pub fn new(address: Address) -> Self {
        Self { address, open: None }
    }

    /// Whom it tells.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The same, and keeps the way open.
    pub fn connected(address: Address) -> io::Result<Self> {
        let new = Self::new(address);
        Ok(Self { open: Some(new.open()?), ..new })
    }

    /// `READY=1`, alone in its message: no status, however long, can keep it back.
    pub fn ready(&self) -> io::Result<()> {
        self.send(&NotifyState::Ready)
    }

    /// `MAINPID=`, and `READY=1` if it is. The manager must know the sender as the main process so far, which thus has
    /// to live until this has been read.
    pub fn main_process(&self, pid: i32, ready: bool) -> io::Result<()> {
        let number = u32::try_from(pid).map_err(io::Error::other)?;
        let ready = if ready { format!("{}\n", NotifyState::Ready) } else { String::new() };
        let text = format!("{}\n{ready}", NotifyState::MainPid(number));
        self.open()?.send(text.as_bytes(), SEND_TIMEOUT)
    }

    /// `STATUS=`: a line for people. `systemctl status` prints it on a terminal, so control characters are escaped; what
    /// does not fit is cut.
    pub fn status(&self, text: &str) -> io::Result<()> {
        let line = escape_control(text);
        let most = MAX_MESSAGE_BYTES - "STATUS=\n".len();
        let end = (0..=most.min(line.len())).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
        self.send(&NotifyState::Status(&line[..end]))
    }

    /// `RELOADING=1`, in one message with the time that a `Type=notify-reload` unit has to be told with it.
    pub fn reloading(&self) -> io::Result<()> {
        self.send_all(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
    }

    /// `STOPPING=1`: the end has begun.
    pub fn stopping(&self) -> io::Result<()> {
        self.send(&NotifyState::Stopping)
    }

    /// `WATCHDOG=1`: it is alive.
    pub fn alive(&self) -> io::Result<()> {
        self.send(&NotifyState::Watchdog)
    }

    /// `EXTEND_TIMEOUT_USEC=`: what is going on may take this long from now on.
    pub fn extend_timeout(&self, by: Duration) -> io::Result<()> {
        // The crate has 32 bits for it, which are 71 minutes.
        let text = format!("EXTEND_TIMEOUT_USEC={}", by.as_micros().min(u128::from(u64::MAX - 1)));
        self.send(&NotifyState::Custom(&text))
    }

    /// Waits until everything that was sent before has been read: a manager may no longer know the sender of a
    /// message whose process is gone.
    pub fn barrier(&self) -> io::Result<()> {
        self.open()?.barrier(b"BARRIER=1", SEND_TIMEOUT)
    }

    fn send(&self, state: &NotifyState<'_>) -> io::Result<()> {
        self.send_all(std::slice::from_ref(state))
    }

    fn send_all(&self, states: &[NotifyState<'_>]) -> io::Result<()> {
        let lines: Vec<String> = states.iter().map(|state| format!("{state}\n")).collect();
        let message = lines.concat();
        if let Some(open) = &self.open {
            // A manager that has been executed anew may listen at the same address with another socket.
            match open.send(message.as_bytes(), SEND_TIMEOUT) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                sent => return sent,
            }
        }
        self.open()?.send(message.as_bytes(), SEND_TIMEOUT)
    }

    fn open(&self) -> io::Result<Notification> {
        match &self.address {
            Address::Path(path) => Notification::to_path(path),
            Address::Abstract(name) => Notification::to_abstract(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_status_can_neither_begin_a_line_nor_be_too_long() {
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
