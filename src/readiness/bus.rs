//! The `dbus:` probe: a process of the service owns a name on the bus (D-Bus Specification, "Message Bus Messages").
//!
//! A client of a few messages: it logs in, asks who owns the name and for changes, and then which process the owner is.
//! What comes from the bus is bounded and believed only where the bus itself is the sender.

use std::ffi::{OsStr, OsString};
use std::io;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::ProcessTree;
use super::bus_message::{BUS, Body, BusMessage, call};
use crate::sys::{identity, listen, process};

/// The serial numbers of the requests. Those of questions about owners follow.
const HELLO: u32 = 1;
const ADD_MATCH: u32 = 2;
const GET_OWNER: u32 = 3;

/// The most bytes that are kept before a message is complete.
const MAX_BUFFER_BYTES: usize = 128 * 1024;

/// The most reads in one look.
const MAX_READS: usize = 32;

/// A connection to the bus.
#[derive(Debug)]
pub struct Bus {
    stream: UnixStream,
}

impl Bus {
    /// Connects to the bus of this user: the system's for root, else the session's. The error names the address.
    pub fn connect(variables: &[(OsString, OsString)]) -> Result<Self, (String, io::Error)> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let default = |path: PathBuf| {
            let mut address = OsString::from("unix:path=");
            address.push(path);
            address
        };
        let address = if identity::effective_user() == 0 {
            variable("DBUS_SYSTEM_BUS_ADDRESS")
                .unwrap_or_else(|| default("/run/dbus/system_bus_socket".into()))
        } else {
            variable("DBUS_SESSION_BUS_ADDRESS").unwrap_or_else(|| {
                let directory = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
                let own = || PathBuf::from(format!("/run/user/{}", identity::effective_user()));
                default(directory.unwrap_or_else(own).join("bus"))
            })
        };
        let failed = |error| (address.to_string_lossy().into_owned(), error);
        let mut last = io::Error::from(io::ErrorKind::InvalidInput);
        for place in places(&address) {
            match listen::connect_stream(&place) {
                Ok(stream) => return Ok(Self { stream }),
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }
}

/// The sockets of an address: `unix:path=/run/bus,guid=0;unix:path=/x`. Other transports are left out.
fn places(address: &OsStr) -> Vec<PathBuf> {
    let all = address.as_bytes().split(|byte| *byte == b';').take(8);
    let place = |one: &[u8]| {
        let mut keys = one.strip_prefix(b"unix:")?.split(|byte| *byte == b',');
        keys.find_map(|key| Some(OsString::from_vec(unescaped(key.strip_prefix(b"path=")?)?).into()))
    };
    all.filter_map(place).collect()
}

/// `%2c` is a byte.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    Some(bytes)
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The login was sent.
    Login,
    /// It was accepted.
    Messages,
    /// The bus has closed the connection, or says what is not the protocol. Then nothing is waited for.
    Gone,
}

/// A name whose owner is awaited.
#[derive(Debug)]
pub(super) struct BusName {
    name: String,
    bus: Bus,
    stage: Stage,
    input: Vec<u8>,
    /// The next serial number.
    next: u32,
    /// The question about the present owner, and the answer.
    asked: Option<u32>,
    owner: Option<u32>,
}

impl BusName {
    pub(super) fn new(name: &str, mut bus: Bus) -> Self {
        let user = identity::effective_user().to_string();
        // A digit in hexadecimal is 3 and the digit.
        let user: String = user.chars().flat_map(|digit| ['3', digit]).collect();
        // EXTERNAL: the kernel tells the bus the user.
        let sent = bus.stream.write_all(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes());
        let stage = if sent.is_ok() { Stage::Login } else { Stage::Gone };
        Self {
            name: name.to_owned(),
            bus,
            stage,
            input: Vec::new(),
            next: GET_OWNER + 1,
            asked: None,
            owner: None,
        }
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (self.stage != Stage::Gone).then(|| self.bus.stream.as_fd())
    }

    /// Whether a process of the service owns the name, or the bus is gone and cannot tell.
    pub(super) fn look(&mut self, tree: ProcessTree) -> io::Result<bool> {
        if self.stage != Stage::Gone && self.read().is_none() {
            self.stage = Stage::Gone;
        }
        if self.stage == Stage::Gone {
            return Ok(true);
        }
        let Some(owner) = self.owner.and_then(|owner| i32::try_from(owner).ok()) else { return Ok(false) };
        // A bus outside of this pid namespace tells other numbers.
        Ok(tree.members()?.contains(&owner) || process::identity(owner).is_err())
    }

    /// `None`: the connection is of no use any more.
    fn read(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        for _ in 0..MAX_READS {
            match self.bus.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => self.input.extend(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            self.take()?;
            if self.input.len() > MAX_BUFFER_BYTES {
                return None;
            }
        }
        Some(())
    }

    /// Takes what is complete out of the input.
    fn take(&mut self) -> Option<()> {
        if self.stage == Stage::Login {
            let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") else { return Some(()) };
            let line: Vec<u8> = self.input.drain(..end + 2).collect();
            if !line.starts_with(b"OK ") {
                return None;
            }
            self.stage = Stage::Messages;
            let rule = format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{}'", self.name);
            let mut first = b"BEGIN\r\n".to_vec();
            first.extend(call(HELLO, "Hello", None));
            first.extend(call(ADD_MATCH, "AddMatch", Some(&rule)));
            first.extend(call(GET_OWNER, "GetNameOwner", Some(&self.name)));
            self.bus.stream.write_all(&first).ok()?;
        }
        while let Some((message, length)) = BusMessage::read(&self.input)? {
            self.hear(message)?;
            self.input.drain(..length);
        }
        Some(())
    }

    fn hear(&mut self, message: BusMessage) -> Option<()> {
        if message.sender != BUS {
            return Some(());
        }
        match (message.reply_to, message.body) {
            (Some(GET_OWNER), Body::Strings(owner)) => self.ask(owner.first()?),
            (Some(serial), Body::Number(pid)) if Some(serial) == self.asked => {
                self.owner = Some(pid);
                Some(())
            }
            (None, Body::Strings(words)) if message.member == "NameOwnerChanged" => match words.as_slice() {
                [name, _, owner] if *name == self.name => {
                    (self.asked, self.owner) = (None, None);
                    if owner.is_empty() { Some(()) } else { self.ask(owner) }
                }
                _ => Some(()),
            },
            _ => Some(()),
        }
    }

    /// Asks which process this owner is.
    fn ask(&mut self, owner: &str) -> Option<()> {
        let question = call(self.next, "GetConnectionUnixProcessID", Some(owner));
        self.bus.stream.write_all(&question).ok()?;
        self.asked = Some(self.next);
        self.next = self.next.checked_add(1)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_a_path_is_left_out() {
        let all = places(OsStr::new("tcp:host=a;unix:path=/run/a%20b,guid=00;unix:abstract=x;unix:path=/b"));
        assert_eq!(all, [PathBuf::from("/run/a b"), PathBuf::from("/b")]);
        assert!(places(OsStr::new("unix:path=/a%2")).is_empty());
        let long = OsString::from_vec(b"unix:path=/a;".repeat(100));
        assert_eq!(places(&long).len(), 8);
    }
}
