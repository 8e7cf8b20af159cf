//! The command of a service.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::ValueError;
use super::value_error::bytes;

/// The maximum length of an argument (`MAX_ARG_STRLEN` without the NUL, execve(2)).
const MAX_ARGUMENT_BYTES: usize = 131_071;

/// Reads an `argv[0]` (execve(2)).
pub(super) fn argv0(name: &OsStr) -> Result<OsString, ValueError> {
    if bytes(name)?.is_empty() {
        Err("the name is empty".into())
    } else if name.len() > MAX_ARGUMENT_BYTES {
        Err(format!("longer than {MAX_ARGUMENT_BYTES} bytes").into())
    } else {
        Ok(name.to_owned())
    }
}

/// A program and its arguments, without `argv[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// An absolute path, or a bare name that is searched in the service's `PATH`.
    pub program: OsString,
    /// The arguments, without `argv[0]`.
    pub arguments: Vec<OsString>,
}

impl Command {
    /// The command of a spec whose commands are all in [`super::Native`].
    pub(super) fn native() -> Self {
        Self { program: OsString::new(), arguments: Vec::new() }
    }

    /// Whether the command is unknown here because it is in [`super::Native`] only.
    #[doc(hidden)]
    pub fn is_native(&self) -> bool {
        self.program.is_empty()
    }

    /// Reads a command. The first word is the program, and its `argv[0]` verbatim.
    ///
    /// # Errors
    ///
    /// There is no word, or one contains a NUL byte.
    pub fn new(words: Vec<OsString>) -> Result<Self, ValueError> {
        let mut words = words.into_iter();
        let program = words.next().ok_or("no program to run")?;
        let command = Self { program, arguments: words.collect() };
        for (index, word) in command.argv().enumerate() {
            if word.as_bytes().contains(&0) {
                return Err(format!("argument {index} contains a NUL byte").into());
            }
            if word.len() > MAX_ARGUMENT_BYTES {
                return Err(format!("argument {index} is longer than {MAX_ARGUMENT_BYTES} bytes").into());
            }
        }
        let path = Path::new(&command.program);
        let bare = !command.program.as_bytes().contains(&b'/');
        if command.program.is_empty() || command.program.as_bytes().ends_with(b"/") {
            Err("the program's path is empty or ends with '/'".into())
        } else if !bare && !path.is_absolute() {
            Err(ValueError::hinted(
                "the program's path is relative",
                "write an absolute path, or a bare name",
            ))
        } else if path.components().any(|part| part == Component::ParentDir) {
            Err("the program's path must not contain '..'".into())
        } else {
            Ok(command)
        }
    }

    /// The program as it was written, then its arguments.
    pub fn argv(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(self.program.as_os_str()).chain(self.arguments.iter().map(OsString::as_os_str))
    }
}
