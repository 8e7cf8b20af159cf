//! A program that owns a name on a bus: what a service with `Type=dbus` does.
//!
//! ```text
//! bus_owner SOCKET NAME FILE
//! ```
//!
//! It logs in, waits a moment, writes FILE, asks for the name, and stays. It ends after a minute, so that a failed test
//! leaves no process.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{env, fs};

use nix::unistd::{alarm, geteuid, pause};

fn main() -> Result<(), Box<dyn Error>> {
    alarm::set(60);
    let words: Vec<String> = env::args().skip(1).collect();
    let [socket, name, file] = words.as_slice() else {
        return Err("usage: bus_owner SOCKET NAME FILE".into());
    };
    let mut bus = UnixStream::connect(socket)?;
    let user: String = geteuid().to_string().chars().flat_map(|digit| ['3', digit]).collect();
    bus.write_all(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes())?;
    // "OK" and the identifier of the bus.
    let _ = bus.read(&mut [0; 256])?;
    bus.write_all(b"BEGIN\r\n")?;
    bus.write_all(&call(1, "Hello", b"", &[]))?;
    // Until the bus is quiet, for so long that a start without the probe would be over.
    bus.set_read_timeout(Some(Duration::from_millis(300)))?;
    while bus.read(&mut [0; 256]).is_ok_and(|length| length > 0) {}
    fs::write(file, "")?;
    let mut body = text(name);
    body.resize(body.len().next_multiple_of(4), 0);
    // No flags.
    body.extend([0; 4]);
    bus.write_all(&call(2, "RequestName", b"su", &body))?;
    loop {
        pause();
    }
}

fn call(serial: u32, member: &str, signature: &[u8], body: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    let bus = "org.freedesktop.DBus";
    for (code, kind, value) in
        [(1, b'o', "/org/freedesktop/DBus"), (2, b's', bus), (3, b's', member), (6, b's', bus)]
    {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, kind, 0]);
        fields.extend(text(value));
    }
    if !signature.is_empty() {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap_or_default()]);
        fields.extend(signature);
        fields.push(0);
    }
    let mut message = b"l\x01\0\x01".to_vec();
    for number in [body.len(), usize::try_from(serial).unwrap_or_default(), fields.len()] {
        message.extend(u32::try_from(number).unwrap_or_default().to_le_bytes());
    }
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

fn text(value: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(value.len()).unwrap_or_default().to_le_bytes().to_vec();
    bytes.extend(value.as_bytes());
    bytes.push(0);
    bytes
}
