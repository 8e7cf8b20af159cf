//! The command lines of `ExecStart=` and the other `Exec…=` directives in a unit, with its specifiers.

use std::path::Path;

use svcadapt_spec::command_line::{CommandError, CommandLines, command_lines};

use super::specifiers::resolve;
use super::{SpecifierError, UnitName};

/// Reads a line. An error in a command with the prefix `-` is only a warning; the rest of the line is then ignored.
pub fn commands(line: &str, name: &UnitName, file: &Path) -> Result<CommandLines, CommandError> {
    command_lines(line.as_bytes(), &|word| Ok(resolve(word, name, file)?))
}

impl From<SpecifierError> for CommandError {
    fn from(error: SpecifierError) -> Self {
        Self { cause: error.to_string(), needs_host: error.is_unknown_here() }
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::command_line::CommandLine;

    use super::*;

    fn read(line: &str) -> Result<Vec<String>, String> {
        let name = UnitName::parse("web@1.service").unwrap();
        let shown = |c: CommandLine| {
            let argv: Vec<_> = c.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            format!("{} {} {}", c.prefixes, c.program.to_string_lossy(), argv.join("|"))
        };
        let lines = commands(line, &name, Path::new("/u")).map_err(|error| error.cause)?;
        Ok(lines.commands.into_iter().map(shown).collect())
    }

    #[test]
    fn prefixes_are_split_from_the_program() {
        assert_eq!(read("-+/a b").unwrap(), ["-+ /a /a|b"]);
        assert_eq!(read("\":/a $b\" ${c}").unwrap(), [": /a $b /a $b|${c}"]);
        assert_eq!(read("@!!/a b c").unwrap(), ["@!! /a b|c"]);
        assert_eq!(read("|sh").unwrap(), ["| sh sh"]);
        for line in ["+!/a", "++/a", "!!!/a", "", "@/a"] {
            assert!(read(line).is_err() || read(line).unwrap().is_empty(), "{line}");
        }
    }

    #[test]
    fn semicolon_as_a_word_separates_commands() {
        assert_eq!(read("/a b; \\; \";\" ; c%i d").unwrap(), [" /a /a|b;|;|;", " c1 c1|d"]);
        assert_eq!(read("; ; /a ;").unwrap(), [" /a /a"]);
    }

    #[test]
    fn error_after_prefix_dash_is_ignored() {
        assert!(
            read("a/b").is_err() && read("/a/").is_err() && read("/a \"b").is_err() && read("/a %Q").is_err()
        );
        assert_eq!(read("-a/b").unwrap(), [""; 0]);
        assert_eq!(read("- /a").unwrap(), [""; 0]);
    }
}
