//! Readiness probes.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use super::integer::descriptor;
use super::value_error::{bytes, text};
use super::{AbsPath, ValueError};

/// A readiness probe. A service is ready when all of its probes have succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `notify`: the program sends `READY=1` (sd_notify(3)).
    Notify,
    /// `fd[:N]`: the program writes a newline to descriptor N, 3 by default (s6's protocol).
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

/// The address of a `tcp:` probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpHost {
    /// Any address.
    Any,
    /// This address, or the wildcard address.
    Address(IpAddr),
}

/// The default descriptor of `fd`: the first after the standard streams.
const DEFAULT_FD: i32 = 3;

impl Probe {
    /// Reads one probe.
    #[doc(hidden)]
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
                "unknown readiness probe",
                "use notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, file:PATH or exec:COMMAND",
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
                ValueError::hinted(
                    "not an IP address",
                    "write an address as 127.0.0.1 or [::1], or localhost",
                )
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
    fn probe_is_printed_as_it_is_read() {
        for form in ["notify", "fd:3", "tcp:80", "tcp:127.0.0.1:80", "tcp:[::1]:80", "unix:/a:b", "file:/x"] {
            assert_eq!(Probe::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(Probe::parse(OsStr::new("fd")), Ok(Probe::Fd(3)));
        assert_eq!(Probe::parse(OsStr::new("tcp:localhost:1")).unwrap().to_string(), "tcp:127.0.0.1:1");
        assert_eq!(Probe::parse(OsStr::new("exec:a: b")), Ok(Probe::Exec("a: b".into())));
    }

    #[test]
    fn invalid_probe_is_refused() {
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
