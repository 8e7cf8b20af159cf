//! The control socket: requests of root, or of the service's own user, while a monitor stays with the service.
//!
//! The socket lies in the lock directory with the mode 0600, so the kernel lets only its owner and root connect (unix(7)).
//! A request is one line, and so is the answer, which is sent when the request is done.

use std::io;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::launch::machine::Event;
use crate::registry;
use crate::sys::{file, process};

/// The longest request.
const MAX_REQUEST_BYTES: usize = 64;

/// How many clients are served at a time. One more replaces the oldest that has asked for nothing.
const MAX_CLIENTS: usize = 16;

/// What a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// It has not sent its request.
    Request,
    /// The end of the service.
    Stop,
    /// A start after so many attempts.
    Restart(u32),
    /// The end of a reload.
    Reload,
    /// The log file that was opened again.
    Reopen,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    request: Vec<u8>,
    waits: Wait,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The machine decides.
    Event(Event),
    /// The end, with another stop timeout. `None`: no limit.
    StopWithin(Option<Duration>),
    /// This signal for the main process.
    Signal(i32),
    /// The state, at once.
    Status,
    /// The log file is opened again.
    Reopen,
}

/// The socket and its clients.
#[derive(Debug)]
pub(super) struct Requests {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<Client>,
}

impl Requests {
    /// Opens the control socket of the service with this lock.
    pub(super) fn listen(lock: &Path) -> io::Result<Self> {
        let path = registry::control_socket(lock, process::own_pid());
        match std::fs::remove_file(&path) {
            // Another process had this pid, and was killed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let before = file::set_umask(0o177);
        let listener = UnixListener::bind(&path);
        file::set_umask(before);
        let listener = listener?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path, clients: Vec::new() })
    }

    /// Goes on with the socket of an earlier image of this process.
    pub(super) fn inherit(socket: OwnedFd, lock: &Path) -> io::Result<Self> {
        let listener = UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        let path = registry::control_socket(lock, process::own_pid());
        Ok(Self { listener, path, clients: Vec::new() })
    }

    /// Whether no client is connected.
    pub(super) fn is_idle(&self) -> bool {
        self.clients.is_empty()
    }

    /// The number of the socket's descriptor.
    pub(super) fn number(&self) -> i32 {
        self.listener.as_raw_fd()
    }

    /// The descriptors that become readable on a request.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let clients = self.clients.iter().filter(|client| client.waits == Wait::Request);
        std::iter::once(self.listener.as_fd()).chain(clients.map(|client| client.stream.as_fd()))
    }

    /// Accepts clients and reads their requests; the service was started `attempts` times. The answer to
    /// [`Asked::Status`] is what `status` returns.
    pub(super) fn look(&mut self, attempts: u32, mut status: impl FnMut() -> String) -> Vec<Asked> {
        self.accept();
        let mut asked = Vec::new();
        self.clients.retain_mut(|client| {
            if client.waits != Wait::Request {
                return true;
            }
            match client.read() {
                Ok(None) => true,
                Ok(Some(request)) => match request {
                    Asked::Status => client.answer(&status()),
                    Asked::Signal(_) => {
                        asked.push(request);
                        client.answer("ok")
                    }
                    Asked::Reopen => {
                        asked.push(request);
                        client.waits = Wait::Reopen;
                        true
                    }
                    Asked::Event(_) | Asked::StopWithin(_) => {
                        asked.push(request);
                        client.waits = match request {
                            Asked::Event(Event::Reload) => Wait::Reload,
                            Asked::Event(Event::Restart) => Wait::Restart(attempts),
                            _ => Wait::Stop,
                        };
                        true
                    }
                },
                Err(refused) => {
                    client.answer(refused);
                    false
                }
            }
        });
        asked
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() >= MAX_CLIENTS {
                let Some(idle) = self.clients.iter().position(|client| client.waits == Wait::Request) else {
                    // Its connection is closed.
                    continue;
                };
                self.clients.remove(idle);
            }
            if stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, request: Vec::new(), waits: Wait::Request });
            }
        }
    }

    /// Answers the clients that wait for this.
    pub(super) fn answer(&mut self, waits: Wait, text: &str) {
        self.clients.retain_mut(|client| client.waits != waits || client.answer(text));
    }

    /// Answers the clients that wait for a restart, after so many attempts. A client that has asked since the last one
    /// began waits for the next.
    pub(super) fn answer_restart(&mut self, attempts: u32, text: &str) {
        self.clients.retain_mut(|client| match client.waits {
            Wait::Restart(before) if before < attempts => client.answer(text),
            Wait::Restart(_) | Wait::Request | Wait::Stop | Wait::Reload | Wait::Reopen => true,
        });
    }

    /// Closes the connections of all clients, which see that as an end.
    pub(super) fn leave_clients(&mut self) {
        self.clients.clear();
    }

    /// In the process that becomes the service: the socket is the parent's.
    pub(super) fn leave_to_parent(&mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Client {
    /// The request, once its line is complete. An error is the answer to an invalid request.
    fn read(&mut self) -> Result<Option<Asked>, &'static str> {
        let mut buffer = [0; MAX_REQUEST_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(""),
                Ok(length) => self.request.extend(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(""),
            }
            if let Some(end) = self.request.iter().position(|&byte| byte == b'\n') {
                return request(&self.request[..end]).map(Some).ok_or("unknown request");
            }
            if self.request.len() > MAX_REQUEST_BYTES {
                return Err("the request is too long");
            }
        }
    }

    /// Sends one line, and is done with the client: `false`.
    fn answer(&mut self, text: &str) -> bool {
        if !text.is_empty() {
            // A client that does not read loses its answer.
            let _ = self.stream.write_all(format!("{text}\n").as_bytes());
        }
        false
    }
}

fn request(line: &[u8]) -> Option<Asked> {
    let line = std::str::from_utf8(line).ok()?;
    match line.split_once(' ') {
        None => Some(match line {
            "stop" => Asked::Event(Event::Stop),
            "restart" => Asked::Event(Event::Restart),
            "reload" => Asked::Event(Event::Reload),
            "status" => Asked::Status,
            "reopen" => Asked::Reopen,
            _ => return None,
        }),
        Some(("stop", "infinity")) => Some(Asked::StopWithin(None)),
        Some(("stop", micros)) => {
            micros.parse().ok().map(|micros| Asked::StopWithin(Some(Duration::from_micros(micros))))
        }
        Some(("signal", number)) => {
            number.parse().ok().filter(|number| (1..=64).contains(number)).map(Asked::Signal)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_a_whole_line_of_known_words() {
        assert_eq!(request(b"stop"), Some(Asked::Event(Event::Stop)));
        assert_eq!(request(b"signal 10"), Some(Asked::Signal(10)));
        assert_eq!(request(b"stop 1500"), Some(Asked::StopWithin(Some(Duration::from_micros(1500)))));
        for bad in
            [&b"stop now"[..], b"", b"signal", b"signal 0", b"signal 65", b"signal -1", b"\xff", b"STOP"]
        {
            assert_eq!(request(bad), None, "{bad:?}");
        }
    }
}
