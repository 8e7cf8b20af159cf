//! Standard input, output and error.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::refusal::bytes;
use super::{AbsPath, ValueError};

/// Where standard input comes from (`StandardInput=`, systemd.exec(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// `null`: the null device, always at its end.
    Null,
    /// `inherit`: what the starter has.
    Inherit,
    /// `file:PATH`.
    File(AbsPath),
}

/// Where standard output or error goes (`StandardOutput=`, systemd.exec(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `null`: the null device.
    Null,
    /// `inherit`: what the starter has.
    Inherit,
    /// `/dev/fd/N`: what the starter has open at this number. To open that name again is something else: a socket cannot
    /// be opened so at all, nor a pipe of another user's.
    Descriptor(i32),
    /// A file.
    File(WriteMode, AbsPath),
}

/// What happens to what a file already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// `file:PATH`: written over from its beginning, as far as is written.
    Overwrite,
    /// `append:PATH`: kept, and every write goes to the end.
    Append,
    /// `truncate:PATH`: thrown away when the service starts.
    Truncate,
}

impl Input {
    /// Reads `null`, `inherit` or `file:PATH`.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        match split(bytes(value)?) {
            (b"null", None) => Ok(Self::Null),
            (b"inherit", None) => Ok(Self::Inherit),
            (b"file", Some(path)) if descriptor(path) == Some(0) => Ok(Self::Inherit),
            (b"file", Some(path)) => AbsPath::parse(OsStr::from_bytes(path)).map(Self::File),
            _ => Err(ValueError::hinted("no kind of standard input", "null, inherit and file:PATH are")),
        }
    }
}

impl Output {
    /// Reads `null`, `inherit`, `file:PATH`, `append:PATH` or `truncate:PATH`; a bare path is appended to. `/dev/stdout`
    /// and the other names of a descriptor are that descriptor.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let file = |mode, path| match descriptor(path) {
            Some(number) => Ok(Self::Descriptor(number)),
            None => AbsPath::parse(OsStr::from_bytes(path)).map(|path| Self::File(mode, path)),
        };
        match split(bytes(value)?) {
            (b"null", None) => Ok(Self::Null),
            (b"inherit", None) => Ok(Self::Inherit),
            (b"file", Some(path)) => file(WriteMode::Overwrite, path),
            (b"append", Some(path)) => file(WriteMode::Append, path),
            (b"truncate", Some(path)) => file(WriteMode::Truncate, path),
            _ if value.as_bytes().starts_with(b"/") => file(WriteMode::Append, value.as_bytes()),
            _ => Err(ValueError::hinted(
                "no kind of output",
                "null, inherit, file:PATH, append:PATH and truncate:PATH are",
            )),
        }
    }
}

impl Output {
    /// The same for the stream of this number, which has its own descriptor already.
    pub(super) fn of_stream(number: i32, value: &OsStr) -> Result<Self, ValueError> {
        let own = Self::Descriptor(number);
        Self::parse(value).map(|output| if output == own { Self::Inherit } else { output })
    }
}

/// The descriptor that a path is another name of (fd(4), proc(5)).
fn descriptor(path: &[u8]) -> Option<i32> {
    let number = match path {
        b"/dev/stdin" => return Some(0),
        b"/dev/stdout" => return Some(1),
        b"/dev/stderr" => return Some(2),
        _ => ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"]
            .into_iter()
            .find_map(|directory| path.strip_prefix(directory.as_bytes()))?,
    };
    let digits = number.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(number).ok().filter(|_| digits)?.parse().ok()
}

fn split(value: &[u8]) -> (&[u8], Option<&[u8]>) {
    match value.iter().position(|&b| b == b':') {
        Some(colon) => (&value[..colon], Some(&value[colon + 1..])),
        None => (value, None),
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Inherit => f.write_str("inherit"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Inherit => f.write_str("inherit"),
            Self::Descriptor(number) => write!(f, "/dev/fd/{number}"),
            Self::File(WriteMode::Overwrite, path) => write!(f, "file:{path}"),
            Self::File(WriteMode::Append, path) => write!(f, "append:{path}"),
            Self::File(WriteMode::Truncate, path) => write!(f, "truncate:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_it_is_written() {
        for form in ["null", "inherit", "file:/a b", "append:/var/log/x:y", "truncate:/x"] {
            assert_eq!(Output::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(Output::parse(OsStr::new("/x")).unwrap().to_string(), "append:/x");
        assert_eq!(Input::parse(OsStr::new("file:/x")).unwrap().to_string(), "file:/x");
    }

    #[test]
    fn every_name_of_a_descriptor_is_that_descriptor() {
        for (form, number) in [
            ("/dev/stdout", 1),
            ("append:/dev/stderr", 2),
            ("file:/dev/fd/1", 1),
            ("truncate:/proc/self/fd/7", 7),
            ("/proc/thread-self/fd/10", 10),
        ] {
            assert_eq!(Output::parse(OsStr::new(form)), Ok(Output::Descriptor(number)), "{form}");
        }
        for form in
            ["/dev/fd/", "/dev/fd/-1", "/dev/fd/x", "/dev/fd/99999999999", "/dev/stdoutx", "/proc/1/fd/1"]
        {
            assert!(matches!(Output::parse(OsStr::new(form)), Ok(Output::File(..))), "{form}");
        }
        assert_eq!(Output::parse(OsStr::new("/dev/stdout")).unwrap().to_string(), "/dev/fd/1");
        assert_eq!(Input::parse(OsStr::new("file:/dev/stdin")), Ok(Input::Inherit));
    }

    #[test]
    fn what_has_no_place_is_refused() {
        for form in ["", "file:", "append:x", "journal", "null:/x", "tty"] {
            assert!(Output::parse(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
        assert!(Input::parse(OsStr::new("append:/x")).is_err());
    }
}
