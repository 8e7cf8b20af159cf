//! Permission bits: umasks and file modes.

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// Permission bits, of a mask (umask(2)) or a mode (chmod(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileMode(u16);

impl FileMode {
    /// `022`, the default of init systems and login shells.
    #[doc(hidden)]
    pub const DEFAULT_UMASK: Self = Self(0o022);
    /// `0755`, systemd's default for the directories of a service.
    #[doc(hidden)]
    pub const DEFAULT_DIRECTORY: Self = Self(0o755);
    /// `0666`, systemd's default for sockets in the file system.
    #[doc(hidden)]
    pub const DEFAULT_SOCKET: Self = Self(0o666);

    /// The mode with these bits, 0 to `0o7777`. `None` if there are others.
    ///
    /// ```
    /// use svcadapt_spec::FileMode;
    ///
    /// const UMASK: FileMode = FileMode::from_bits(0o027).unwrap();
    /// assert_eq!(UMASK.to_string(), "0027");
    /// assert_eq!(FileMode::from_bits(0o10000), None);
    /// ```
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits <= 0o7777 { Some(Self(bits)) } else { None }
    }

    /// Reads octal digits up to `limit`.
    fn octal(value: &OsStr, limit: u16) -> Result<Self, ValueError> {
        let digits = text(value)?;
        let octal = !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
        match u16::from_str_radix(digits, 8) {
            Ok(bits) if octal && bits <= limit => Ok(Self(bits)),
            _ => Err(format!("not an octal number between 0 and {limit:o}").into()),
        }
    }

    /// Reads a umask: 0 to 777, octal.
    #[doc(hidden)]
    pub fn parse_umask(value: &OsStr) -> Result<Self, ValueError> {
        Self::octal(value, 0o777)
    }

    /// Reads the permissions of a socket: 0 to 777, octal.
    #[doc(hidden)]
    pub fn parse_socket(value: &OsStr) -> Result<Self, ValueError> {
        Self::octal(value, 0o777)
    }

    /// Reads the mode of a directory: 0 to 7777, octal.
    #[doc(hidden)]
    pub fn parse_mode(value: &OsStr) -> Result<Self, ValueError> {
        Self::octal(value, 0o7777)
    }

    /// The permission bits alone: umask(2) ignores the others.
    #[doc(hidden)]
    #[must_use]
    pub fn permissions(self) -> Self {
        Self(self.0 & 0o777)
    }

    /// The bits.
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_512_umasks_are_read_back() {
        for bits in 0..=0o777 {
            let text = FileMode(bits).to_string();
            assert_eq!(FileMode::parse_umask(OsStr::new(&text)), Ok(FileMode(bits)));
        }
    }

    #[test]
    fn umask_that_is_not_octal_is_refused() {
        for value in ["", "0999", "8", "1000", "-1", "+7", "0x1f", "0o27", "rwx", "00000000777777"] {
            assert!(FileMode::parse_umask(OsStr::new(value)).is_err(), "{value:?} was taken");
        }
        assert_eq!(FileMode::parse_umask(OsStr::new("22")), Ok(FileMode(0o22)));
        assert_eq!(FileMode::parse_mode(OsStr::new("2750")), Ok(FileMode(0o2750)));
        assert_eq!(FileMode(0o7027).permissions(), FileMode(0o27));
    }
}
