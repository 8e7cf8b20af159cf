//! Sets of named bits: secure bits, and the parts of a core dump.

use std::ffi::OsStr;
use std::fmt;

use super::ValueError;
use super::value_error::text;

/// A set of secure bits (capabilities(7), "The securebits flags").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecureBits(u8);

/// The kernel's bits with systemd's names, lowest first.
const SECURE_BITS: [&str; 6] =
    ["noroot", "noroot-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "keep-caps", "keep-caps-locked"];

impl SecureBits {
    /// Reads names, separated by blanks.
    pub(crate) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        let all = text(value)?.split_ascii_whitespace().map(|word| {
            match SECURE_BITS.iter().position(|name| *name == word) {
                Some(at) => Ok(Self(1 << at)),
                None => Err(ValueError::hinted(
                    format!("unknown secure bit {word}"),
                    format!("use some of {}", SECURE_BITS.join(", ")),
                )),
            }
        });
        all.collect()
    }

    /// The bits of all these sets. `None` if there is no set.
    pub(crate) fn union(sets: impl IntoIterator<Item = Self>) -> Option<Self> {
        sets.into_iter().reduce(|one, other| Self(one.0 | other.0))
    }

    /// The kernel's bits.
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Display for SecureBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(u32::from(self.0), &SECURE_BITS))
    }
}

/// The parts of memory that a core dump has (core(5), "Controlling which mappings are written to the core dump").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoredumpFilter(u32);

/// The kernel's bits with systemd's names, lowest first.
const MAPPINGS: [&str; 9] = [
    "private-anonymous",
    "shared-anonymous",
    "private-file-backed",
    "shared-file-backed",
    "elf-headers",
    "private-huge",
    "shared-huge",
    "private-dax",
    "shared-dax",
];

impl CoredumpFilter {
    /// Each part.
    const ALL: u32 = (1 << MAPPINGS.len()) - 1;

    /// The kernel's own filter: anonymous mappings, ELF headers and private huge pages.
    const DEFAULT: u32 = 0x33;

    /// Reads names, `all`, `default` and hexadecimal numbers, separated by blanks.
    pub(crate) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        let all = text(value)?.split_ascii_whitespace().map(|word| match word {
            "all" => Ok(Self(Self::ALL)),
            "default" => Ok(Self(Self::DEFAULT)),
            _ => match MAPPINGS.iter().position(|name| *name == word) {
                Some(at) => Ok(Self(1 << at)),
                None => number(word).map(Self),
            },
        });
        all.collect()
    }

    /// The bits of all these sets. `None` if there is no set.
    pub(crate) fn union(sets: impl IntoIterator<Item = Self>) -> Option<Self> {
        sets.into_iter().reduce(|one, other| Self(one.0 | other.0))
    }

    /// The kernel's bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

/// Reads a hexadecimal number, with or without `0x`.
fn number(word: &str) -> Result<u32, ValueError> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| plain).ok_or_else(|| {
        ValueError::hinted(
            format!("unknown mapping {word}"),
            format!("use some of {}, all, default, or a hexadecimal number", MAPPINGS.join(", ")),
        )
    })
}

impl fmt::Display for CoredumpFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            // Bits without a name are written as a number.
            bits if bits & !Self::ALL != 0 => write!(f, "{bits:x}"),
            bits => f.write_str(&names(bits, &MAPPINGS)),
        }
    }
}

fn names(bits: u32, all: &[&str]) -> String {
    let set = all.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secure_bits_add_up_and_have_the_numbers_of_the_kernel() {
        let read =
            |value: &str| SecureBits::parse_list(value.as_ref()).map(|all| SecureBits::union(all).unwrap());
        assert_eq!(read("noroot-locked  keep-caps").unwrap().bits(), 0b01_0010);
        assert_eq!(read("keep-caps noroot").unwrap().to_string(), "noroot keep-caps");
        assert_eq!(read("no-root").unwrap_err().cause, "unknown secure bit no-root");
        assert_eq!(SecureBits::union([]), None);
    }

    #[test]
    fn mappings_are_names_or_hexadecimal_numbers() {
        let read = |value: &str| {
            CoredumpFilter::parse_list(value.as_ref()).map(|all| CoredumpFilter::union(all).unwrap())
        };
        assert_eq!(read("default private-dax").unwrap().bits(), 0xb3);
        assert_eq!(read("10 0x1").unwrap().to_string(), "private-anonymous elf-headers");
        assert_eq!(read("all").unwrap().bits(), 0x1ff);
        assert_eq!(
            (read("0").unwrap().to_string(), read("200").unwrap().to_string()),
            ("0".into(), "200".into())
        );
        for wrong in ["elf", "-1", "+1", "0x", "1ffffffff"] {
            assert_eq!(read(wrong).unwrap_err().cause, format!("unknown mapping {wrong}"));
        }
    }
}
