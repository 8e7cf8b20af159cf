//! The address of the notification socket: the value of `NOTIFY_SOCKET` (sd_notify(3)).

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The address of a manager's notification socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in the abstract namespace, without its leading NUL (unix(7)).
    Abstract(Vec<u8>),
}

/// The maximum length of a Unix socket's path or name (`sun_path` without the NUL, unix(7)).
const MAX_PATH_BYTES: usize = 107;

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The reason why the value is no supported address.
    pub fn parse(value: &OsStr) -> Result<Self, String> {
        let bytes = value.as_bytes();
        if bytes.len() > MAX_PATH_BYTES {
            return Err(format!("longer than the {MAX_PATH_BYTES} bytes of a socket's path"));
        }
        match bytes {
            [b'/', _, ..] => Ok(Self::Path(PathBuf::from(value))),
            [b'@', name @ ..] if !name.is_empty() => Ok(Self::Abstract(name.to_vec())),
            _ if bytes.starts_with(b"vsock") => Err("vsock addresses are not supported".to_owned()),
            _ => Err("neither a path nor an abstract name".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_abstract_name_are_read() {
        assert_eq!(Address::parse(OsStr::new("/run/n")), Ok(Address::Path("/run/n".into())));
        assert_eq!(Address::parse(OsStr::new("@n")), Ok(Address::Abstract(b"n".to_vec())));
        for wrong in ["", "/", "@", "run/n", "tcp:1", &format!("/{}", "x".repeat(107))] {
            assert!(Address::parse(OsStr::new(wrong)).is_err(), "{wrong:?} was taken");
        }
    }
}
