//! When a service is ready.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use super::priority::descriptor;
use super::refusal::{bytes, text};
use super::{AbsPath, ValueError};

/// One sign of readiness. A service is ready when all of its signs are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `notify`: the program sends `READY=1` (sd_notify(3)).
    Notify,
    /// `fd[:N]`: the program writes a newline to descriptor N, 3 unless said otherwise (s6's protocol).
    Fd(i32),
    /// `tcp:[HOST:]PORT`: a process of the service listens there.
    Tcp(TcpHost, u16),
    /// `unix:PATH`: a process of the service listens on that socket.
    Unix(AbsPath),
    /// `file:PATH`: the file exists.
    File(AbsPath),
    /// `exec:COMMAND`: `/bin/sh -c COMMAND` exits with 0.
    Exec(String),
}

/// Where a service listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpHost {
    /// On any address.
    Any,
    /// On this one, or on all.
    Address(IpAddr),
}

/// The descriptor of `fd` without a number: the first after the standard streams.
const DEFAULT_FD: i32 = 3;

impl Probe {
    /// Reads one probe.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let raw = bytes(value)?;
        let colon = raw.iter().position(|&b| b == b':');
        let (kind, rest) = match colon {
            Some(at) => (&raw[..at], Some(OsStr::from_bytes(&raw[at + 1..]))),
            None => (raw, None),
        };
        match (kind, rest) {
            (b"notify", None) => Ok(Self::Notify),
            (b"fd", None) => Ok(Self::Fd(DEFAULT_FD)),
            (b"fd", Some(number)) => descriptor(number).map(Self::Fd),
            (b"tcp", Some(place)) => tcp(text(place)?),
            (b"unix", Some(path)) => AbsPath::parse(path).map(Self::Unix),
            (b"file", Some(path)) => AbsPath::parse(path).map(Self::File),
            (b"exec", Some(command)) if !command.is_empty() => {
                text(command).map(|c| Self::Exec(c.to_owned()))
            }
            _ => Err(ValueError::hinted(
                "no sign of readiness",
                "notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, file:PATH and exec:COMMAND are",
            )),
        }
    }
}

fn tcp(place: &str) -> Result<Probe, ValueError> {
    let (host, port) = place.rsplit_once(':').unwrap_or(("", place));
    let port = match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => number,
        _ => {
            return Err(ValueError::hinted(
                "not a port from 1 to 65535",
                "write tcp:8080 or tcp:127.0.0.1:8080",
            ));
        }
    };
    let host = match host {
        "" | "*" => TcpHost::Any,
        "localhost" => TcpHost::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        name => {
            let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let address = match inner {
                Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6).ok(),
                None => name.parse::<Ipv4Addr>().map(IpAddr::V4).ok(),
            };
            TcpHost::Address(address.ok_or_else(|| {
                ValueError::hinted("not an address of this machine", "write 127.0.0.1, [::1] or localhost")
            })?)
        }
    };
    Ok(Probe::Tcp(host, port))
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify => f.write_str("notify"),
            Self::Fd(number) => write!(f, "fd:{number}"),
            Self::Tcp(TcpHost::Any, port) => write!(f, "tcp:{port}"),
            Self::Tcp(TcpHost::Address(IpAddr::V4(address)), port) => write!(f, "tcp:{address}:{port}"),
            Self::Tcp(TcpHost::Address(IpAddr::V6(address)), port) => write!(f, "tcp:[{address}]:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Exec(command) => write!(f, "exec:{command}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_it_is_written() {
        for form in ["notify", "fd:3", "tcp:80", "tcp:127.0.0.1:80", "tcp:[::1]:80", "unix:/a:b", "file:/x"] {
            assert_eq!(Probe::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(Probe::parse(OsStr::new("fd")), Ok(Probe::Fd(3)));
        assert_eq!(Probe::parse(OsStr::new("tcp:localhost:1")).unwrap().to_string(), "tcp:127.0.0.1:1");
        assert_eq!(Probe::parse(OsStr::new("exec:a: b")), Ok(Probe::Exec("a: b".into())));
    }

    #[test]
    fn what_is_no_sign_is_refused() {
        for form in [
            "",
            "tcp",
            "tcp:",
            "tcp:0",
            "tcp:65536",
            "tcp:+1",
            "tcp:example.org:80",
            "fd:1",
            "fd:x",
            "unix:x",
            "exec:",
        ] {
            assert!(Probe::parse(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
    }
}
