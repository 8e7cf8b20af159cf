//! Readiness probes.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use super::integer::descriptor;
use super::value_error::{bytes, text};
use super::{AbsPath, HttpUrl, Timespan, ValueError};

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
    /// `http://HOST[:PORT][/PATH]`: a process of the service answers a GET with a status from 200 to 399. The host is an
    /// address or `localhost`.
    Http(HttpUrl),
    /// `exec:COMMAND`: `/bin/sh -c COMMAND` exits with 0.
    Exec(String),
    /// `log:REGEX`: the program writes a line into its log file that matches.
    Log(String),
    /// `alive:TIME`: the program has not ended by then.
    Alive(Timespan),
    /// `dbus:NAME`: a process of the service owns this name on the bus.
    Dbus(String),
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
            (b"http", Some(url)) if url.as_bytes().starts_with(b"//") => http(&text(url)?[2..]),
            (b"alive", Some(time)) => match Timespan::parse(time)? {
                Timespan::Infinity => Err(ValueError::from("the time never ends")),
                time @ Timespan::Finite(_) => Ok(Self::Alive(time)),
            },
            (b"exec", Some(command)) if !command.is_empty() => {
                text(command).map(|c| Self::Exec(c.to_owned()))
            }
            // Without the feature `regex` the expression is taken as it stands.
            (b"log", Some(pattern)) if !pattern.is_empty() => {
                let pattern = text(pattern)?;
                #[cfg(feature = "regex")]
                check_expression(pattern)?;
                Ok(Self::Log(pattern.to_owned()))
            }
            (b"dbus", Some(name)) => bus_name(text(name)?).map(Self::Dbus),
            _ => Err(ValueError::hinted(
                "unknown readiness probe",
                "use notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, http://HOST:PORT/PATH, file:PATH, dbus:NAME, log:REGEX, exec:COMMAND or alive:TIME",
            )),
        }
    }
}

impl Probe {
    /// Reads a probe that can be tried again and again while the program runs.
    pub(super) fn parse_repeatable(value: &OsStr) -> Result<Self, ValueError> {
        match Self::parse(value)? {
            probe @ (Self::Tcp(..) | Self::Unix(_) | Self::File(_) | Self::Http(_) | Self::Exec(_)) => {
                Ok(probe)
            }
            Self::Notify | Self::Fd(_) | Self::Log(_) | Self::Alive(_) | Self::Dbus(_) => {
                Err(ValueError::hinted(
                    "it cannot be tried again while the program runs",
                    "use tcp:[HOST:]PORT, unix:PATH, http://HOST:PORT/PATH, file:PATH or exec:COMMAND",
                ))
            }
        }
    }
}

/// The longest expression in which the place of a mistake is searched.
#[cfg(feature = "regex")]
const MAX_SEARCHED: usize = 1000;

#[cfg(feature = "regex")]
fn check_expression(pattern: &str) -> Result<(), ValueError> {
    let Err(error) = regex_lite::Regex::new(pattern) else { return Ok(()) };
    // The longest beginning that is one ends where the mistake is.
    let good = |at: &usize| pattern.get(..*at).is_some_and(|part| regex_lite::Regex::new(part).is_ok());
    let at = (0..pattern.len().min(MAX_SEARCHED)).rev().find(good).unwrap_or(0);
    let at = pattern.get(..at).map_or(0, |part| part.chars().count()) + 1;
    let cause = format!("not a regular expression: {error} (from character {at} on)");
    let hint =
        "docs.rs/regex-lite has the syntax; a character that is meant as it stands is in brackets: [(]";
    Err(ValueError::hinted(cause, hint))
}

fn http(url: &str) -> Result<Probe, ValueError> {
    let url = HttpUrl::parse(url)?;
    if url.socket_address().is_none() {
        return Err(ValueError::hinted(
            "not an IP address",
            "the service runs on this machine: write http://127.0.0.1, http://[::1] or http://localhost",
        ));
    }
    Ok(Probe::Http(url))
}

/// A well-known name (D-Bus Specification, "Bus names").
fn bus_name(name: &str) -> Result<String, ValueError> {
    let element = |element: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        !element.is_empty() && element.bytes().all(good) && !element.starts_with(|c: char| c.is_ascii_digit())
    };
    if name.len() <= 255 && name.contains('.') && name.split('.').all(element) {
        Ok(name.to_owned())
    } else {
        Err(ValueError::hinted("not a bus name", "write dbus:org.example.Name"))
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
            Self::Http(url) => url.fmt(f),
            Self::Dbus(name) => write!(f, "dbus:{name}"),
            Self::Log(pattern) => write!(f, "log:{pattern}"),
            Self::Exec(command) => write!(f, "exec:{command}"),
            Self::Alive(time) => write!(f, "alive:{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_is_printed_as_it_is_read() {
        for form in [
            "notify",
            "fd:3",
            "tcp:80",
            "tcp:127.0.0.1:80",
            "tcp:[::1]:80",
            "unix:/a:b",
            "file:/x",
            "http://127.0.0.1:8080/health",
            "dbus:a._b",
            "log:^up (now)?$",
        ] {
            assert_eq!(Probe::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(Probe::parse(OsStr::new("fd")), Ok(Probe::Fd(3)));
        assert_eq!(Probe::parse(OsStr::new("tcp:localhost:1")).unwrap().to_string(), "tcp:127.0.0.1:1");
        assert_eq!(Probe::parse(OsStr::new("exec:a: b")), Ok(Probe::Exec("a: b".into())));
    }

    #[test]
    fn probe_that_happens_once_is_refused_for_a_watchdog() {
        for form in ["notify", "fd", "log:x", "alive:1s", "dbus:a.b"] {
            assert!(Probe::parse(OsStr::new(form)).is_ok());
            assert!(Probe::parse_repeatable(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
        assert_eq!(Probe::parse_repeatable(OsStr::new("tcp:80")).unwrap().to_string(), "tcp:80");
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
            "dbus:",
            "dbus:a",
            "dbus:a..b",
            "dbus::1.2",
            "dbus:a.2",
            "dbus:a.b'",
            "fd:1",
            "fd:x",
            "unix:x",
            "exec:",
            "log:",
            "http:x",
            "http://example.org/",
            "https://localhost",
            "alive:",
            "alive:infinity",
        ] {
            assert!(Probe::parse(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
    }
}
