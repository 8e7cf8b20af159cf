//! A version of systemd that a unit is written for.

use std::fmt;

/// A version of systemd, from [`Version::OLDEST`] to [`Version::NEWEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u16);

impl Version {
    /// The oldest that is supported: what RHEL 8 has.
    pub const OLDEST: Self = Self(239);

    /// The newest that is known here.
    pub const NEWEST: Self = Self(262);

    /// What a unit is for when nobody says: the oldest version of the distributions that most servers run today
    /// (Debian 12, RHEL 9 and Amazon Linux 2023 have 252), and so understood by all newer ones too. It is never the
    /// version of the machine that writes the unit: the same command line makes the same file everywhere.
    pub const DEFAULT: Self = Self(252);

    /// A version by its number as people write it: `252`, also `v252`, `252.38` or `257~rc1`, of which only the
    /// number before is taken.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(['.', '~', '-']).unwrap_or(text.len());
        let digits = &text[..end];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = digits.parse().ok()?;
        (Self::OLDEST.0..=Self::NEWEST.0).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_in_the_known_range() {
        for (text, number) in
            [("239", 239), ("262", 262), ("v252", 252), ("252.38-1~deb12u1", 252), ("257~rc1", 257)]
        {
            assert_eq!(Version::parse(text).map(Version::number), Some(number), "{text}");
        }
        for text in ["", "v", "238", "263", "+252", "0x100", "252a", " 252", "99999", ".252", "-252"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::default(), Version::DEFAULT);
    }
}
