//! Sets of capabilities (capabilities(7)).

use std::ffi::OsStr;
use std::fmt;
use std::ops::BitOr;

use super::ValueError;
use super::value_error::text;

/// The names, indexed by number (linux/capability.h).
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// A set of capabilities: bit N is capability N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

impl Capabilities {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// All capabilities that have a name.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// Reads names, separated by blanks. A leading `~` inverts the set (systemd.exec(5)).
    ///
    /// # Errors
    ///
    /// The value has a name that is no capability.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let value = text(value)?;
        let (inverted, names) = match value.strip_prefix('~') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let mut set = 0;
        for word in names.split_ascii_whitespace() {
            let upper = word.to_ascii_uppercase();
            let number = NAMES.iter().position(|name| *name == upper).ok_or_else(|| {
                ValueError::hinted(
                    format!("unknown capability '{}'", word.escape_debug()),
                    "write a name of capabilities(7), as CAP_NET_BIND_SERVICE",
                )
            })?;
            set |= 1 << number;
        }
        Ok(Self(if inverted { Self::ALL.0 & !set } else { set }))
    }

    /// A set from the kernel's bit mask.
    #[doc(hidden)]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The kernel's bit mask.
    #[doc(hidden)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are in this set.
    #[doc(hidden)]
    pub fn holds(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Capabilities {
    /// The names, separated by blanks; a capability without a name as its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for number in (0..64).filter(|number| self.0 >> number & 1 == 1) {
            match NAMES.get(number) {
                Some(name) => write!(f, "{gap}{name}")?,
                None => write!(f, "{gap}{number}")?,
            }
            gap = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_and_its_inverse_make_all() {
        let set = Capabilities::parse(OsStr::new("CAP_NET_BIND_SERVICE cap_chown")).unwrap();
        let rest = Capabilities::parse(OsStr::new("~CAP_NET_BIND_SERVICE CAP_CHOWN")).unwrap();
        assert_eq!(set.to_string(), "CAP_CHOWN CAP_NET_BIND_SERVICE");
        assert_eq!(set | rest, Capabilities::ALL);
        assert!(!rest.holds(set));
        assert_eq!(Capabilities::parse(OsStr::new("~")), Ok(Capabilities::ALL));
        assert!(Capabilities::parse(OsStr::new("CAP_FLY")).is_err());
    }
}
