//! The option words of `svcadapt run`, read by the table of fields.
//!
//! The grammar is clap's: `--long VALUE`, `--long=VALUE`, `-s VALUE`, `-sVALUE`, `-s=VALUE`. A switch needs no value.
//! Only `--mode` and the options of [`FIELDS`] are known, and `--` is required before the program.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::{FIELDS, Field, FieldRow};

/// The value of a switch that is given without one.
pub const SWITCH_ON: &str = "yes";

/// The words `[OPTION]... -- PROGRAM [ARGUMENT]...`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionWords<'a> {
    /// The fields with their values in the order of [`FIELDS`], as clap's are read; values of one field in the order
    /// in which they were given.
    pub values: Vec<(Field, &'a OsStr)>,
    /// The value of `--mode`. `None` means "not set".
    pub mode: Option<&'a OsStr>,
    /// The words after `--`: the program and its arguments.
    pub command: &'a [OsString],
}

/// Why words are not of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionError<'a> {
    /// This word is no option of the table: another option of `run`, a positional word, or a mistake.
    Unknown(&'a OsStr),
    /// This option needs a value and is the last word.
    MissingValue(&'a OsStr),
    /// `--mode` is given twice.
    RepeatedMode,
    /// There is no `--`.
    MissingCommand,
}

impl fmt::Display for OptionError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |word: &OsStr| word.to_string_lossy().escape_debug().to_string();
        match self {
            Self::Unknown(word) => write!(f, "'{}' is not an option that describes a service", escaped(word)),
            Self::MissingValue(word) => write!(f, "option '{}' has no value", escaped(word)),
            Self::RepeatedMode => f.write_str("option '--mode' is given twice"),
            Self::MissingCommand => f.write_str("there is no program after '--'"),
        }
    }
}

impl std::error::Error for OptionError<'_> {}

impl<'a> OptionWords<'a> {
    /// Reads the words after `svcadapt run`. Values are not checked.
    ///
    /// # Errors
    ///
    /// The first word that is no such option, or that lacks its value; a repeated `--mode`; no program.
    pub fn parse(words: &'a [OsString]) -> Result<Self, OptionError<'a>> {
        let (mut rows, mut mode) = (Vec::<(usize, &OsStr)>::new(), None);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                rows.sort_by_key(|(row, _)| *row);
                let values = rows.into_iter().map(|(row, value)| (FIELDS[row].field, value)).collect();
                return Ok(Self { values, mode, command: rest.as_slice() });
            }
            let (option, value) = option(word).ok_or(OptionError::Unknown(word))?;
            let value = match (value, option) {
                (Some(value), _) => value,
                (None, Name::Row(row)) if FIELDS[row].value == "BOOL" => OsStr::new(SWITCH_ON),
                (None, _) => rest.next().ok_or(OptionError::MissingValue(word))?,
            };
            match option {
                Name::Row(row) => rows.push((row, value)),
                Name::Mode if mode.is_none() => mode = Some(value),
                Name::Mode => return Err(OptionError::RepeatedMode),
            }
        }
        Err(OptionError::MissingCommand)
    }
}

/// What an option sets.
#[derive(Clone, Copy)]
enum Name {
    /// The field of this row of [`FIELDS`].
    Row(usize),
    /// The mode, which belongs to no spec.
    Mode,
}

/// Splits an option word into its name and the value within the same word.
fn option(word: &OsStr) -> Option<(Name, Option<&OsStr>)> {
    let position = |is: &dyn Fn(&FieldRow) -> bool| FIELDS.iter().position(is).map(Name::Row);
    let bytes = word.as_bytes();
    if let Some(long) = bytes.strip_prefix(b"--") {
        let equals = long.iter().position(|byte| *byte == b'=');
        let name = &long[..equals.unwrap_or(long.len())];
        let value = equals.map(|at| OsStr::from_bytes(&long[at + 1..]));
        let mode = (name == b"mode").then_some(Name::Mode);
        Some((mode.or_else(|| position(&|row| row.option.as_bytes() == name))?, value))
    } else {
        let (letter, value) = bytes.strip_prefix(b"-")?.split_first()?;
        let name = position(&|row| row.short == Some(char::from(*letter)))?;
        let value = (!value.is_empty()).then(|| value.strip_prefix(b"=").unwrap_or(value));
        Some((name, value.map(OsStr::from_bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn long_and_short_options_are_read() {
        let words = words("-c=/srv -uwww --umask 027 --no-new-privileges --nice=-5 --mode=auto -- /x --y");
        let read = OptionWords::parse(&words).unwrap();
        let expected = [
            (Field::User, "www"),
            (Field::Umask, "027"),
            (Field::WorkingDirectory, "/srv"),
            (Field::Nice, "-5"),
            (Field::NoNewPrivileges, "yes"),
        ];
        assert_eq!(read.values, expected.map(|(field, value)| (field, OsStr::new(value))));
        assert_eq!((read.mode, read.command), (Some(OsStr::new("auto")), &words[words.len() - 2..]));
    }

    #[test]
    fn values_of_one_field_keep_their_order() {
        let words = words("-E B=1 --user www --environment=A=2 -EA=3 -- /x");
        let values = OptionWords::parse(&words).unwrap().values;
        let environment = values.into_iter().filter(|(field, _)| *field == Field::Environment);
        assert_eq!(environment.map(|(_, value)| value).collect::<Vec<_>>(), ["B=1", "A=2", "A=3"]);
    }

    #[test]
    fn words_of_another_form_are_errors() {
        for (text, error) in [
            ("web.json", OptionError::Unknown("web.json".as_ref())),
            ("--dry-run -- x", OptionError::Unknown("--dry-run".as_ref())),
            ("-z -- x", OptionError::Unknown("-z".as_ref())),
            ("- -- x", OptionError::Unknown("-".as_ref())),
            ("-u", OptionError::MissingValue("-u".as_ref())),
            ("--mode auto --mode auto -- x", OptionError::RepeatedMode),
            ("--user www", OptionError::MissingCommand),
        ] {
            assert_eq!(OptionWords::parse(&words(text)), Err(error), "{text}");
        }
    }
}
