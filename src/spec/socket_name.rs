//! The name of descriptors in `LISTEN_FDNAMES` (sd_listen_fds(3)).

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// The name of the sockets' descriptors (`FileDescriptorName=`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketName(String);

impl SocketName {
    /// Accepts 1 to 255 printable ASCII characters without `:`, the separator of `LISTEN_FDNAMES`.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let name = text(value)?;
        if name.is_empty() || name.len() > 255 {
            Err("a name has 1 to 255 characters".into())
        } else if let Some(bad) = name.chars().find(|c| !matches!(c, ' '..='~') || *c == ':') {
            Err(format!("invalid character '{}'", bad.escape_debug()).into())
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_name_with_a_colon_is_refused() {
        for name in ["", "a:b", "a\n", "é", &"x".repeat(256)] {
            assert!(SocketName::parse(OsStr::new(name)).is_err(), "{name:?} was taken");
        }
        assert_eq!(SocketName::parse(OsStr::new("a b%.socket")).unwrap().as_str(), "a b%.socket");
    }
}
