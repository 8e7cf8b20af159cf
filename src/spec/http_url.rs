//! The URL of a readiness probe.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::ValueError;

/// `http://HOST[:PORT][/PATH]`, without user, query rewriting or TLS (RFC 9110, section 4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, 80 by default.
    pub port: u16,
    /// The path with its query, `/` by default.
    pub path: String,
}

impl HttpUrl {
    /// Reads what follows `http://`.
    pub(super) fn parse(text: &str) -> Result<Self, ValueError> {
        let (authority, path) = match text.find(['/', '?']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let (host, port) = host_and_port(authority, Some(80))?;
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains('#') {
            return Err(ValueError::hinted(
                "a path of a URL has only visible ASCII characters and no '#'",
                "write others as %XX",
            ));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { host, port, path: format!("{slash}{path}") })
    }

    /// The address and the port, if the host is an address or `localhost` (127.0.0.1).
    #[doc(hidden)]
    pub fn socket_address(&self) -> Option<SocketAddr> {
        let address = match self.host.as_str() {
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            host => host.parse::<IpAddr>().ok()?,
        };
        Some(SocketAddr::new(address, self.port))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        if host.contains(':') {
            write!(f, "http://[{host}]:{port}{path}")
        } else {
            write!(f, "http://{host}:{port}{path}")
        }
    }
}

/// Splits `HOST:PORT`; an IPv6 address has brackets. The port may only be missing if there is a default.
pub(super) fn host_and_port(text: &str, default: Option<u16>) -> Result<(String, u16), ValueError> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, rest)) if host.parse::<Ipv6Addr>().is_ok() => (host, rest),
        Some(_) => return Err(ValueError::from("no IPv6 address between '[' and ']'")),
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(ValueError::hinted("not a host", "write a name, 127.0.0.1 or [::1]"));
    }
    let number = match (port.strip_prefix(':'), default) {
        (None, Some(default)) if port.is_empty() => Some(default),
        (Some(digits), _) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    match number {
        Some(port) if port > 0 => Ok((host.to_owned(), port)),
        _ => Err(ValueError::hinted("not a port from 1 to 65535", "write HOST:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_read_with_its_defaults() {
        for (text, printed) in [
            ("localhost", "http://localhost:80/"),
            ("127.0.0.1:8080/health?x=1", "http://127.0.0.1:8080/health?x=1"),
            ("[::1]/a", "http://[::1]:80/a"),
            ("db?x", "http://db:80/?x"),
        ] {
            assert_eq!(HttpUrl::parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn invalid_url_is_refused() {
        for text in [
            "", ":80", "a:0", "a:65536", "a:", "a:+1", "[a]", "::1", "u@h", "a/\u{e4}", "a/ b", "a/#b", "a b",
        ] {
            assert!(HttpUrl::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
