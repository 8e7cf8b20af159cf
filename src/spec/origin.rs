//! Where a value came from, and what is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Field, ValueError};

/// Where a value was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Option,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// Where in it; none where the reader of that format cannot tell.
        spot: Option<Spot>,
        /// What the value is called there; none: by systemd's name, as in a unit.
        key: Option<String>,
    },
}

impl Origin {
    /// In a file that calls fields by systemd's names, or as a whole.
    pub fn in_file(path: impl Into<PathBuf>, spot: Option<Spot>) -> Self {
        Self::File { path: path.into(), spot, key: None }
    }

    /// A field as whoever wrote it has named it there.
    pub fn name(&self, field: Field) -> String {
        match self {
            Self::Option => format!("--{}", field.option()),
            Self::File { key: Some(key), .. } => key.clone(),
            Self::File { key: None, .. } => format!("{}=", field.directive()),
        }
    }
}

/// A place in a text file, with what stands there.
///
/// Below a message it prints as the line and a caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// The line itself, as far as it is worth showing.
    pub text: String,
}

/// As much of a line as is kept to be shown, in characters.
const MAX_SHOWN_CHARS: usize = 120;

impl Spot {
    /// The place `offset` bytes into a line.
    pub fn new(line: usize, text: &[u8], offset: usize) -> Self {
        let before = String::from_utf8_lossy(&text[..offset.min(text.len())]).chars().count();
        // A line may have a million bytes; what is shown of it has four a character at most.
        let shown = String::from_utf8_lossy(&text[..text.len().min(4 * MAX_SHOWN_CHARS)]);
        Self { line, column: before + 1, text: shown.chars().take(MAX_SHOWN_CHARS).collect() }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A terminal must not obey what stands in a file, and the caret has to meet its character.
        let plain: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        write!(f, "\n  | {plain}")?;
        if self.column <= MAX_SHOWN_CHARS {
            write!(f, "\n  | {:>column$}", '^', column = self.column)?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// The field that it is about; none where a field is missing or the command is meant.
    pub field: Option<Field>,
    /// What was written, as far as it can be shown.
    pub value: Option<String>,
    /// Where it was written; none where nothing was.
    pub origin: Option<Origin>,
    /// Why it cannot be.
    pub refusal: ValueError,
}

impl SpecError {
    /// Something that is wrong in a file, about no field.
    pub fn in_file(path: &Path, spot: Option<Spot>, cause: impl Into<String>) -> Self {
        Self::at(&Origin::in_file(path, spot), cause)
    }

    /// Something that is wrong at a place, about no field.
    pub fn at(origin: &Origin, cause: impl Into<String>) -> Self {
        Self { field: None, value: None, origin: Some(origin.clone()), refusal: cause.into().into() }
    }

    /// The file, and where in it.
    pub fn place(&self) -> Option<(&Path, Option<&Spot>)> {
        match &self.origin {
            Some(Origin::File { path, spot, .. }) => Some((path, spot.as_ref())),
            Some(Origin::Option) | None => None,
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = match &self.origin {
            Some(Origin::File { spot, .. }) => spot.as_ref(),
            _ => None,
        };
        match (&self.origin, self.field) {
            (Some(Origin::File { path, .. }), field) => {
                write!(f, "{}", path.display())?;
                if let Some(spot) = spot {
                    write!(f, ":{}:{}", spot.line, spot.column)?;
                }
                if let (Some(origin), Some(field)) = (&self.origin, field) {
                    write!(f, ": {}", origin.name(field))?;
                }
            }
            (_, Some(field)) => write!(f, "--{}", field.option())?,
            (_, None) => write!(f, "spec")?,
        }
        if let Some(value) = &self.value {
            write!(f, " '{}'", value.escape_debug())?;
        }
        write!(f, ": {}", self.refusal.cause)?;
        spot.map_or(Ok(()), |spot| spot.fmt(f))?;
        match &self.refusal.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_in_a_file_shows_its_line_and_a_caret() {
        let spot = Some(Spot::new(7, b"\tUMask=0999", 7));
        let problem = SpecError {
            field: Some(Field::Umask),
            value: Some("0999".into()),
            origin: Some(Origin::in_file("/x", spot)),
            refusal: ValueError::hinted("no", "do"),
        };
        assert_eq!(
            problem.to_string(),
            "/x:7:8: UMask= '0999': no\n  |  UMask=0999\n  |        ^\n  hint: do"
        );
    }

    #[test]
    fn a_column_counts_characters_and_a_long_line_is_cut() {
        assert_eq!(Spot::new(1, "é=x".as_bytes(), 3).column, 3);
        let long = Spot::new(1, &b"x".repeat(1_000_000), 999_999);
        assert_eq!((long.column, long.text.len()), (1_000_000, MAX_SHOWN_CHARS));
        assert!(!long.to_string().contains('^'));
    }
}
