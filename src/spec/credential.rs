//! CredentialSources: secrets and settings that a service finds as files (systemd.exec(5), "Credentials").

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use super::value_error::bytes;
use super::words::unescape_data;
use super::{AbsPath, ValueError};

/// The credentials of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CredentialSources {
    /// Those that are read at the start (`LoadCredential=`).
    pub load: Vec<LoadCredential>,
    /// Those that are read at the start if they are there (`ImportCredential=`).
    pub import: Vec<ImportCredential>,
    /// Those with their data (`SetCredential=`), which are also the defaults of the former.
    pub set: Vec<SetCredential>,
}

impl CredentialSources {
    /// Whether there is no credential.
    #[doc(hidden)]
    pub fn is_empty(&self) -> bool {
        self.load.is_empty() && self.import.is_empty() && self.set.is_empty()
    }
}

/// The name of a credential, which is that of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialName(String);

impl CredentialName {
    /// The longest name of a file.
    const MAX: usize = 255;

    /// Checks a name: printable ASCII without `:` and `/`.
    #[doc(hidden)]
    pub fn parse(name: &[u8]) -> Result<Self, ValueError> {
        let good = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b':' | b'/');
        let fits = !name.is_empty() && name.len() <= Self::MAX && name.iter().all(good);
        match str::from_utf8(name) {
            Ok(text) if fits && text != "." && text != ".." => Ok(Self(text.to_owned())),
            _ => Err(ValueError::hinted(
                "not a name of a credential",
                "write ID:VALUE; an ID has printable ASCII characters without : and /",
            )),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A credential that is read at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadCredential {
    /// Its name; for a directory the start of the names.
    pub name: CredentialName,
    /// Where it comes from.
    pub source: CredentialSource,
}

/// CredentialSources of the system, or in a directory for credentials, that are read at the start if they are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportCredential {
    /// Which ones.
    pub pattern: CredentialPattern,
    /// Their new name; of a pattern the new start of their names.
    pub rename: Option<CredentialName>,
}

/// The names of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialPattern {
    /// This one.
    Name(CredentialName),
    /// All that start so.
    Start(String),
}

impl ImportCredential {
    /// Reads `NAME[:NEW]` or `START*[:NEW]`.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let text = bytes(value)?;
        let (pattern, new) = match split(text) {
            Some((pattern, new)) => (pattern, Some(new)),
            None => (text, None),
        };
        let pattern = match pattern {
            b"*" => CredentialPattern::Start(String::new()),
            [start @ .., b'*'] => CredentialPattern::Start(CredentialName::parse(start)?.0),
            name => CredentialPattern::Name(CredentialName::parse(name)?),
        };
        let parts = match &pattern {
            CredentialPattern::Name(name) => name.as_str(),
            CredentialPattern::Start(start) => start,
        };
        if parts.contains(['*', '?', '[']) {
            return Err(ValueError::hinted(
                "not a name of credentials",
                "a * is allowed at the end, and neither ? nor [",
            ));
        }
        Ok(Self { pattern, rename: new.map(CredentialName::parse).transpose()? })
    }

    /// The name for the program of a credential with this name. `None` if it is not meant.
    #[doc(hidden)]
    pub fn name_of(&self, found: &str) -> Option<CredentialName> {
        let rest = match &self.pattern {
            CredentialPattern::Name(name) => (name.as_str() == found).then_some("")?,
            CredentialPattern::Start(start) => found.strip_prefix(start.as_str())?,
        };
        let new = self.rename.as_ref().map(|new| format!("{}{rest}", new.as_str()));
        CredentialName::parse(new.as_deref().unwrap_or(found).as_bytes()).ok()
    }

    /// The text that is read as this.
    pub(crate) fn written(&self) -> OsString {
        let pattern = match &self.pattern {
            CredentialPattern::Name(name) => name.as_str().to_owned(),
            CredentialPattern::Start(start) => format!("{start}*"),
        };
        let new = self.rename.as_ref().map(|new| format!(":{}", new.as_str()));
        (pattern + &new.unwrap_or_default()).into()
    }
}

/// Where a credential comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// A file, a socket, or a directory of them.
    Path(AbsPath),
    /// A credential of the system, or a file of this name in a directory for credentials.
    System(CredentialName),
}

impl LoadCredential {
    /// Reads `ID[:PATH]`, where a name of a credential is also a path.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let text = bytes(value)?;
        let (name, path) = split(text).unwrap_or((text, b""));
        let name = CredentialName::parse(name)?;
        let source = match path {
            b"" => CredentialSource::System(name.clone()),
            [b'/', ..] => CredentialSource::Path(AbsPath::parse(OsStr::from_bytes(path))?),
            path => CredentialSource::System(CredentialName::parse(path)?),
        };
        Ok(Self { name, source })
    }

    /// The text that is read as this credential.
    pub(crate) fn written(&self) -> OsString {
        let mut text = OsString::from(self.name.as_str());
        match &self.source {
            CredentialSource::System(name) if *name == self.name => {}
            CredentialSource::System(name) => text.push(format!(":{}", name.as_str())),
            CredentialSource::Path(path) => {
                text.push(":");
                text.push(path.as_path());
            }
        }
        text
    }
}

/// A credential with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCredential {
    /// Its name.
    pub name: CredentialName,
    /// Its data.
    pub data: Vec<u8>,
}

impl SetCredential {
    /// Reads `ID:DATA`, where data have escapes as in C.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let text = bytes(value)?;
        // systemd does not take empty data either.
        let (name, data) = split(text).filter(|(_, data)| !data.is_empty()).ok_or_else(|| {
            ValueError::hinted("without data", "write ID:VALUE; an ID has printable ASCII characters")
        })?;
        Ok(Self { name: CredentialName::parse(name)?, data: unescape(data)? })
    }

    /// The text that is read as this credential.
    pub(crate) fn written(&self) -> OsString {
        let mut text = format!("{}:", self.name.as_str());
        for (at, &byte) in self.data.iter().enumerate() {
            // A blank at either end of a line of a unit would be lost.
            let outer = at == 0 || at + 1 == self.data.len();
            match byte {
                b'\\' => text.push_str("\\\\"),
                b' ' if !outer => text.push(' '),
                b'!'..=b'~' => text.push(char::from(byte)),
                // Writing to a string does not fail.
                _ => drop(write!(text, "\\x{byte:02x}")),
            }
        }
        text.into()
    }
}

fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b':')?;
    Some((&text[..at], &text[at + 1..]))
}

/// Replaces the escapes of C (systemd.syntax(7)), NUL included.
fn unescape(text: &[u8]) -> Result<Vec<u8>, ValueError> {
    unescape_data(text).ok_or_else(|| {
        ValueError::hinted("not a valid escape", "write \\\\ for a backslash, and \\xHH for a byte")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_all_bytes_come_back() {
        let data: Vec<u8> = (0..=255).chain(*b" a ").collect();
        let one = SetCredential { name: CredentialName::parse(b"key").unwrap(), data };
        assert_eq!(SetCredential::parse(&one.written()), Ok(one));
        let read = |text: &str| SetCredential::parse(text.as_ref()).map(|one| one.data);
        assert_eq!(read(r#"a:x:\n\x00\101\u00e9 "q" 100%"#).unwrap(), "x:\n\0A\u{e9} \"q\" 100%".as_bytes());
        for wrong in ["a", "a:", ":x", "a/b:x", "..:x", "a:\\", "a:\\q", "a:\\x0", "a:\\400"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn source_is_a_path_or_a_name() {
        let read = |text: &str| LoadCredential::parse(text.as_ref()).map(|one| one.written());
        for text in ["key:/etc/key", "key", "key:other"] {
            assert_eq!(read(text).unwrap(), *text);
        }
        assert_eq!(read("key:").unwrap(), *"key");
        for wrong in ["", ":/x", "key:a/b", "key:../x", "k\u{e9}:/x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
