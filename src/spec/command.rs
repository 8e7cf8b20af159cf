//! What is executed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::ValueError;
use super::refusal::bytes;

/// The longest single argument that the kernel takes (`MAX_ARG_STRLEN` less its NUL, execve(2)).
const MAX_ARGUMENT_BYTES: usize = 131_071;

/// Reads the name that a program is called by, its `argv[0]` (execve(2)).
pub(super) fn argv0(name: &OsStr) -> Result<OsString, ValueError> {
    if bytes(name)?.is_empty() {
        Err("this is no name".into())
    } else if name.len() > MAX_ARGUMENT_BYTES {
        Err(format!("it is longer than {MAX_ARGUMENT_BYTES} bytes").into())
    } else {
        Ok(name.to_owned())
    }
}

/// A program and its arguments, not the name that it is called by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// An absolute path, or a bare name that is searched in the program's `PATH`.
    pub program: OsString,
    /// The arguments, without `argv[0]`.
    pub arguments: Vec<OsString>,
}

impl Command {
    /// What is started stands in the words of one host alone ([`super::Native`]).
    pub(super) fn native() -> Self {
        Self { program: OsString::new(), arguments: Vec::new() }
    }

    /// Whether nothing of it is known here: what is started stands in the words of one host alone.
    pub fn is_native(&self) -> bool {
        self.program.is_empty()
    }

    /// Takes the words of a command. `argv[0]` will be the first one as it stands.
    pub fn new(words: Vec<OsString>) -> Result<Self, ValueError> {
        let mut words = words.into_iter();
        let program = words.next().ok_or("no program to run")?;
        let command = Self { program, arguments: words.collect() };
        for (index, word) in command.argv().enumerate() {
            if word.as_bytes().contains(&0) {
                return Err(format!("argument {index} holds a NUL byte").into());
            }
            if word.len() > MAX_ARGUMENT_BYTES {
                return Err(format!("argument {index} is longer than {MAX_ARGUMENT_BYTES} bytes").into());
            }
        }
        let path = Path::new(&command.program);
        let bare = !command.program.as_bytes().contains(&b'/');
        if command.program.is_empty() || command.program.as_bytes().ends_with(b"/") {
            Err("this names no program".into())
        } else if !bare && !path.is_absolute() {
            Err(ValueError::hinted("a relative path names no program", "write it from '/', or a bare name"))
        } else if path.components().any(|part| part == Component::ParentDir) {
            Err("the path of a program must not contain '..'".into())
        } else {
            Ok(command)
        }
    }

    /// All words: the program as it was written, then its arguments.
    pub fn argv(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(self.program.as_os_str()).chain(self.arguments.iter().map(OsString::as_os_str))
    }
}
