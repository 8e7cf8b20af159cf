//! A further command of a service: `ExecStartPre=`, `ExecStop=` and so on (systemd.service(5), "Command lines").

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::command_line::{CommandLine, command_lines};
use super::value_error::{bytes, text};
use super::words::escaped;
use super::{Command, ValueError};

/// A command with what the prefixes of its program say.
///
/// Its text is one command line of a unit, `-/bin/sh -c "test -e \"$FILE\""`, in which `%` is an ordinary character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecCommand {
    /// The program and its arguments, as they are in the line: variables are not expanded.
    pub command: Command,
    /// Its `argv[0]` (prefix `@`). `None`: the program as it was written.
    pub argv0: Option<OsString>,
    /// Whether `$NAME` and `${NAME}` are expanded in the arguments and in `argv[0]`, and `$$` is `$` (no prefix `:`).
    pub expand_variables: bool,
    /// Whether a failure counts as a success (prefix `-`).
    pub ignore_failure: bool,
    /// How much of the service's identity and sandbox applies to it.
    pub privileges: CommandPrivileges,
}

/// How much of the service's identity and sandbox applies to a command (systemd.service(5), "Special executable
/// prefixes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommandPrivileges {
    /// All of it.
    #[default]
    Service,
    /// `+`: none of it. The command runs with the rights of the manager.
    Full,
    /// `!`: all but the change of user, group and groups.
    KeepIdentity,
    /// `!!`: as `!` where the system has no ambient capabilities, else all of it.
    Ambient,
}

/// The prefixes of the service's own program, `ExecStart=`. Its prefixes `@` and `:` are fields of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandPrefix {
    /// Whether a failure of the program counts as a success (`-`).
    pub ignore_failure: bool,
    /// How much of the service's identity and sandbox applies to the program.
    pub privileges: CommandPrivileges,
}

/// The commands of a service besides its program, in the order of their execution.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// `ExecCondition=`: whether the service starts at all.
    pub condition: Vec<ExecCommand>,
    /// `ExecStartPre=`
    pub start_pre: Vec<ExecCommand>,
    /// The `ExecStart=` of a oneshot service after its first one, which is the program of the spec.
    pub start: Vec<ExecCommand>,
    /// `ExecStartPost=`
    pub start_post: Vec<ExecCommand>,
    /// `ExecReload=`
    pub reload: Vec<ExecCommand>,
    /// `ExecStop=`
    pub stop: Vec<ExecCommand>,
    /// `ExecStopPost=`
    pub stop_post: Vec<ExecCommand>,
}

impl CommandPrivileges {
    /// All of them, with their prefixes. A longer prefix is before its start.
    const ALL: [(Self, &'static str); 4] =
        [(Self::Full, "+"), (Self::Ambient, "!!"), (Self::KeepIdentity, "!"), (Self::Service, "")];

    fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(this, _)| *this == self).map_or("", |(_, sign)| sign)
    }

    fn of(prefixes: &str) -> Self {
        Self::ALL.iter().find(|(_, sign)| signs(prefixes) == *sign).map_or(Self::Service, |(this, _)| *this)
    }
}

/// The signs `+` and `!` of the prefixes.
fn signs(prefixes: &str) -> String {
    prefixes.chars().filter(|sign| matches!(sign, '+' | '!')).collect()
}

impl ExecCommand {
    /// Reads one command line.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let mut read =
            command_lines(bytes(value)?, &|word| Ok(word.to_vec())).map_err(|error| error.cause)?;
        let Some(line) = read.commands.pop() else {
            // The warning of a command that is ignored because of its prefix '-'.
            let cause = read.warnings.pop().and_then(|text| Some(text.split_once("; systemd")?.0.to_owned()));
            return Err(cause.unwrap_or_else(|| "there is no command".into()).into());
        };
        if !read.commands.is_empty() {
            return Err(ValueError::hinted(
                "more than one command",
                "set one command at a time; write \\; for an argument ;",
            ));
        }
        Self::of(line)
    }

    /// The command of a line that was read.
    #[doc(hidden)]
    pub fn of(line: CommandLine) -> Result<Self, ValueError> {
        if line.prefixes.contains('|') {
            return Err("the prefix '|' needs the user's login shell".into());
        }
        let (expand_variables, has_name) = (line.has_variables(), line.prefixes.contains('@'));
        let mut words = line.argv;
        let name = std::mem::replace(&mut words[0], line.program);
        Ok(Self {
            command: Command::new(words)?,
            argv0: has_name.then_some(name),
            expand_variables,
            ignore_failure: line.prefixes.contains('-'),
            privileges: CommandPrivileges::of(&line.prefixes),
        })
    }
}

impl fmt::Display for ExecCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = String::new();
        first.push_str(if self.ignore_failure { "-" } else { "" });
        first.push_str(if self.argv0.is_some() { "@" } else { "" });
        first.push_str(if self.expand_variables { "" } else { ":" });
        first.push_str(self.privileges.sign());
        let mut program = first.into_bytes();
        program.extend(self.command.program.as_bytes());
        word(f, &program)?;
        let arguments = self.command.arguments.iter();
        for argument in self.argv0.iter().chain(arguments) {
            f.write_str(" ")?;
            word(f, argument.as_bytes())?;
        }
        Ok(())
    }
}

/// Writes a word; in quotes if it has a special character.
fn word(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:=,+@^~-!%${}".contains(byte);
    let escaped = escaped(bytes);
    if !bytes.is_empty() && bytes.iter().all(bare) {
        f.write_str(&escaped)
    } else {
        write!(f, "\"{escaped}\"")
    }
}

impl CommandPrefix {
    /// Whether there is no prefix.
    #[doc(hidden)]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The prefixes of a line that was read.
    #[doc(hidden)]
    pub fn of(line: &CommandLine) -> Self {
        Self {
            ignore_failure: line.prefixes.contains('-'),
            privileges: CommandPrivileges::of(&line.prefixes),
        }
    }

    /// Reads `-`, `+`, `!` and `!!`.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let prefixes = text(value)?;
        let privileges = CommandPrivileges::of(prefixes);
        let ignore_failure = prefixes.contains('-');
        let known = prefixes.matches('-').count() <= 1
            && prefixes.len() == usize::from(ignore_failure) + privileges.sign().len();
        if known && !prefixes.is_empty() {
            return Ok(Self { ignore_failure, privileges });
        }
        Err(ValueError::hinted(
            "not a prefix of a program",
            "use - and one of +, ! and !!; --argv0 is the prefix @, and --expand-variables no is the prefix :",
        ))
    }
}

impl fmt::Display for CommandPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.ignore_failure { "-" } else { "" }, self.privileges.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Result<ExecCommand, String> {
        ExecCommand::parse(OsStr::from_bytes(line)).map_err(|refusal| refusal.cause)
    }

    #[test]
    fn every_prefix_is_read_and_printed() {
        let command = read(b"-@:!!/bin/a zero $one").unwrap();
        assert_eq!(command.argv0.as_deref(), Some(OsStr::new("zero")));
        assert_eq!(command.command.argv().collect::<Vec<_>>(), ["/bin/a", "$one"]);
        assert!(command.ignore_failure && !command.expand_variables);
        assert_eq!(command.privileges, CommandPrivileges::Ambient);
        for (line, privileges) in [
            ("/a", CommandPrivileges::Service),
            ("+/a", CommandPrivileges::Full),
            ("!/a", CommandPrivileges::KeepIdentity),
            ("!-!/a", CommandPrivileges::Ambient),
        ] {
            assert_eq!(read(line.as_bytes()).unwrap().privileges, privileges, "{line}");
        }
    }

    #[test]
    fn printed_command_is_read_back() {
        for line in [
            b"/bin/kill -HUP $MAINPID".as_slice(),
            b"-/bin/sh -c 'a \"b\" > %t/x; c' ${D} $$ \\; \"\"",
            b"@:+/bin/a 'a zero' \\xff\\n \\\\ ;",
            b"sh \xff \xc3\xa9 a\\q",
            b"\"!/a b\" ;x",
        ] {
            let command = read(line).unwrap();
            let text = command.to_string();
            assert_eq!(read(text.as_bytes()), Ok(command), "{text}");
        }
        assert_eq!(read(b"/bin/kill -HUP $MAINPID").unwrap().to_string(), "/bin/kill -HUP $MAINPID");
        assert_eq!(read(b"-/a \\; b").unwrap().to_string(), "-/a \";\" b");
    }

    #[test]
    fn line_that_is_not_one_command_is_refused() {
        for (line, cause) in [
            ("", "there is no command"),
            ("/a ; /b", "more than one command"),
            ("|/a", "the prefix '|' needs the user's login shell"),
            ("-a/b", "not an absolute path, and not a bare name"),
            ("/a \"b", "a quote is not closed"),
            ("/a/../b", "the program's path must not contain '..'"),
            ("+!/a", "not an absolute path, and not a bare name"),
        ] {
            assert_eq!(read(line.as_bytes()), Err(cause.into()), "{line}");
        }
    }

    #[test]
    fn prefix_of_the_program_is_read_and_printed() {
        for text in ["-", "+", "!", "!!", "-+", "-!!"] {
            assert_eq!(CommandPrefix::parse(OsStr::new(text)).unwrap().to_string(), text);
        }
        assert_eq!(CommandPrefix::parse(OsStr::new("!-")).unwrap().to_string(), "-!");
        for text in ["", "--", "@", ":", "+!", "!!!", "|", "- "] {
            assert!(CommandPrefix::parse(OsStr::new(text)).is_err(), "{text:?}");
        }
    }
}
