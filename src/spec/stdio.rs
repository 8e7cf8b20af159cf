//! Standard input, output and error.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::value_error::bytes;
use super::{AbsPath, LogTarget, SocketName, TerminalClaim, ValueError};

/// The source of standard input (`StandardInput=`, systemd.exec(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// `null`: `/dev/null`, always at end of file.
    Null,
    /// `inherit`: the caller's descriptor.
    Inherit,
    /// `file:PATH`.
    File(AbsPath),
    /// `tty`, `tty-force` or `tty-fail`: the terminal, which becomes the controlling terminal of the service.
    Terminal(TerminalClaim),
    /// `socket`: the only socket of the service.
    Socket,
    /// `fd:NAME`: its first socket of this name.
    Named(SocketName),
    /// `data`: a file with the text and the data of the spec.
    Data,
}

/// The destination of standard output or error (`StandardOutput=`, systemd.exec(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `null`: `/dev/null`.
    Null,
    /// `inherit`: the caller's descriptor.
    Inherit,
    /// `/dev/fd/N`: a duplicate of the caller's descriptor N. Opening that path instead would fail for a socket, and for a
    /// pipe of another user.
    Descriptor(i32),
    /// A file.
    File(WriteMode, AbsPath),
    /// `journal`, `syslog` or `kmsg`, also with `+console`: a log.
    Log(LogTarget),
    /// `tty`: the terminal.
    Terminal,
    /// `socket`: the only socket of the service.
    Socket,
    /// `fd:NAME`: its first socket of this name.
    Named(SocketName),
}

/// What happens to the existing content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// `file:PATH`: overwritten from the start, not truncated.
    Overwrite,
    /// `append:PATH`: kept; every write goes to the end.
    Append,
    /// `truncate:PATH`: deleted when the service starts.
    Truncate,
}

impl Input {
    /// Reads `null`, `inherit`, `file:PATH`, `tty`, `tty-force`, `tty-fail`, `socket`, `fd:NAME` or `data`.
    ///
    /// # Errors
    ///
    /// The kind is another one, or its path is no [`AbsPath`].
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        match split(bytes(value)?) {
            (b"null", None) => Ok(Self::Null),
            (b"inherit", None) => Ok(Self::Inherit),
            (b"file", Some(path)) if descriptor(path) == Some(0) => Ok(Self::Inherit),
            (b"file", Some(path)) => AbsPath::parse(OsStr::from_bytes(path)).map(Self::File),
            (b"tty", None) => Ok(Self::Terminal(TerminalClaim::Wait)),
            (b"tty-force", None) => Ok(Self::Terminal(TerminalClaim::Force)),
            (b"tty-fail", None) => Ok(Self::Terminal(TerminalClaim::Fail)),
            (b"socket", None) => Ok(Self::Socket),
            (b"fd", name) => named(name, "stdin").map(Self::Named),
            (b"data", None) => Ok(Self::Data),
            _ => Err(ValueError::hinted(
                "unknown kind of standard input",
                "use null, inherit, file:PATH, tty, tty-force, tty-fail, socket, fd:NAME or data",
            )),
        }
    }
}

impl Input {
    /// The value that reads as this; a path need not be UTF-8.
    #[doc(hidden)]
    pub fn to_value(&self) -> OsString {
        match self {
            Self::File(file) => prefixed("file:", file),
            Self::Null | Self::Inherit | Self::Terminal(_) | Self::Socket | Self::Named(_) | Self::Data => {
                self.to_string().into()
            }
        }
    }
}

/// The name of `fd:NAME`; `fd` alone has the name of the stream (systemd.exec(5)).
fn named(name: Option<&[u8]>, stream: &str) -> Result<SocketName, ValueError> {
    SocketName::parse(name.map_or(OsStr::new(stream), OsStr::from_bytes))
}

fn prefixed(prefix: &str, path: &AbsPath) -> OsString {
    let mut value = OsString::from(prefix);
    value.push(path.as_path());
    value
}

impl Output {
    /// The value that reads as this; a path need not be UTF-8.
    #[doc(hidden)]
    pub fn to_value(&self) -> OsString {
        match self {
            Self::File(WriteMode::Overwrite, file) => prefixed("file:", file),
            Self::File(WriteMode::Append, file) => prefixed("append:", file),
            Self::File(WriteMode::Truncate, file) => prefixed("truncate:", file),
            Self::Null
            | Self::Inherit
            | Self::Descriptor(_)
            | Self::Log(_)
            | Self::Terminal
            | Self::Socket
            | Self::Named(_) => self.to_string().into(),
        }
    }

    /// Reads `null`, `inherit`, `file:PATH`, `append:PATH`, `truncate:PATH`, `journal`, `kmsg` (each also with `+console`), `tty`,
    /// `socket` or `fd:NAME`. A bare path means `append:`. `/dev/stdout` and the other paths of a descriptor mean that
    /// descriptor.
    ///
    /// # Errors
    ///
    /// The kind is another one, or its path is no [`AbsPath`].
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
            (b"tty", None) => Ok(Self::Terminal),
            (b"socket", None) => Ok(Self::Socket),
            (b"fd", name) => named(name, "stdout").map(Self::Named),
            _ if value.as_bytes().starts_with(b"/") => file(WriteMode::Append, value.as_bytes()),
            _ => LogTarget::parse(value).map(Self::Log).map_err(|_| ValueError::hinted(
                "unknown kind of output",
                "use null, inherit, file:PATH, append:PATH, truncate:PATH, journal, kmsg, tty, socket or fd:NAME",
            )),
        }
    }
}

impl Output {
    /// Reads the output of stream `number`. The stream's own descriptor means `inherit`.
    pub(super) fn of_stream(number: i32, value: &OsStr) -> Result<Self, ValueError> {
        if (number, value.as_bytes()) == (2, b"fd") {
            return named(None, "stderr").map(Self::Named);
        }
        let own = Self::Descriptor(number);
        Self::parse(value).map(|output| if output == own { Self::Inherit } else { output })
    }
}

/// The descriptor that a path names, as `/dev/stdout` (fd(4), proc(5)).
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
            Self::Terminal(TerminalClaim::Wait) => f.write_str("tty"),
            Self::Terminal(TerminalClaim::Force) => f.write_str("tty-force"),
            Self::Terminal(TerminalClaim::Fail) => f.write_str("tty-fail"),
            Self::Socket => f.write_str("socket"),
            Self::Named(name) => write!(f, "fd:{name}"),
            Self::Data => f.write_str("data"),
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
            Self::Log(target) => target.fmt(f),
            Self::Terminal => f.write_str("tty"),
            Self::Socket => f.write_str("socket"),
            Self::Named(name) => write!(f, "fd:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_stream_is_printed_as_it_is_read() {
        for form in
            ["null", "inherit", "file:/a b", "append:/var/log/x:y", "truncate:/x", "tty", "socket", "fd:a b"]
        {
            assert_eq!(Output::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        for form in ["null", "inherit", "file:/a", "tty", "tty-force", "tty-fail", "socket", "fd:x", "data"] {
            assert_eq!(Input::parse(OsStr::new(form)).unwrap().to_string(), form);
        }
        assert_eq!(Input::parse(OsStr::new("fd")).unwrap().to_string(), "fd:stdin");
        assert_eq!(Output::of_stream(1, OsStr::new("fd")).unwrap().to_string(), "fd:stdout");
        assert_eq!(Output::of_stream(2, OsStr::new("fd")).unwrap().to_string(), "fd:stderr");
        assert_eq!(Output::parse(OsStr::new("/x")).unwrap().to_string(), "append:/x");
        assert_eq!(Input::parse(OsStr::new("file:/x")).unwrap().to_string(), "file:/x");
    }

    #[test]
    fn path_of_a_descriptor_is_that_descriptor() {
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
    fn invalid_standard_stream_is_refused() {
        for form in ["", "file:", "append:x", "null:/x", "tty:x", "tty-force", "data", "fd:", "socket:x"] {
            assert!(Output::parse(OsStr::new(form)).is_err(), "{form:?} was taken");
        }
        assert!(Input::parse(OsStr::new("append:/x")).is_err());
    }
}
