//! Probes from outside of a service: is something there that answers?

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::http_url::host_and_port;
use super::value_error::{bytes, text};
use super::{AbsPath, HttpUrl, ValueError};

/// A probe of a service that another process started, here or on another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutsideProbe {
    /// `tcp:[HOST:]PORT`: a server accepts connections there.
    Tcp(String, u16),
    /// `unix:PATH`: a server has this socket open.
    Unix(AbsPath),
    /// `http://HOST[:PORT][/PATH]`: a GET is answered with a status from 200 to 399.
    Http(HttpUrl),
    /// `file:PATH`: the file exists.
    File(AbsPath),
    /// `exec:COMMAND`: `/bin/sh -c COMMAND` exits with 0.
    Exec(String),
}

impl OutsideProbe {
    /// Reads one probe.
    ///
    /// # Errors
    ///
    /// The kind is unknown or needs the program's own word (`notify`, `fd`), or the place is invalid.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let raw = bytes(value)?;
        let (kind, rest) = match raw.iter().position(|&byte| byte == b':') {
            Some(at) => (&raw[..at], Some(OsStr::from_bytes(&raw[at + 1..]))),
            None => (raw, None),
        };
        match (kind, rest) {
            (b"tcp", Some(place)) => {
                let place = text(place)?;
                let port = !place.contains(':');
                let place = if port { format!("localhost:{place}") } else { place.to_owned() };
                host_and_port(&place, None).map(|(host, port)| Self::Tcp(host, port))
            }
            (b"unix", Some(path)) => AbsPath::parse(path).map(Self::Unix),
            (b"file", Some(path)) => AbsPath::parse(path).map(Self::File),
            (b"http", Some(url)) if url.as_bytes().starts_with(b"//") => {
                HttpUrl::parse(&text(url)?[2..]).map(Self::Http)
            }
            (b"exec", Some(command)) if !command.is_empty() => {
                text(command).map(|command| Self::Exec(command.to_owned()))
            }
            (b"notify" | b"fd" | b"alive" | b"log", _) => Err(ValueError::hinted(
                "only `run --ready` can use this probe",
                "`svcadapt wait NAME --ready` waits for a service that svcadapt started",
            )),
            _ => Err(ValueError::hinted(
                "unknown probe",
                "use tcp:[HOST:]PORT, unix:PATH, http://HOST:PORT/PATH, file:PATH or exec:COMMAND",
            )),
        }
    }
}

impl fmt::Display for OutsideProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "tcp:{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Http(url) => url.fmt(f),
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
        for form in ["tcp:db:5432", "tcp:[::1]:80", "unix:/a:b", "file:/x", "http://db:80/x", "exec:a: b"] {
            assert_eq!(OutsideProbe::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(OutsideProbe::parse(OsStr::new("tcp:80")).unwrap().to_string(), "tcp:localhost:80");
    }

    #[test]
    fn invalid_probe_is_refused() {
        for form in [
            "",
            "tcp",
            "tcp:",
            "tcp:db",
            "tcp:db:0",
            "notify",
            "fd:3",
            "unix:x",
            "exec:",
            "http:x",
            "https://x",
        ] {
            assert!(OutsideProbe::parse(OsStr::new(form)).is_err(), "{form:?} was accepted");
        }
    }
}
