//! The origin of a value, and the error of a spec.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Field, ValueError};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Option,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The place in it. `None` if the reader of that format does not know it.
        spot: Option<Spot>,
        /// The field's name in that file. `None`: systemd's name, as in a unit.
        key: Option<String>,
    },
}

impl Origin {
    /// A file that uses systemd's names, or the file as a whole.
    #[doc(hidden)]
    pub fn in_file(path: impl Into<PathBuf>, spot: Option<Spot>) -> Self {
        Self::File { path: path.into(), spot, key: None }
    }

    /// The same place, where the field has another name.
    #[doc(hidden)]
    #[must_use]
    pub fn with_key(&self, name: String) -> Self {
        match self {
            Self::Option => Self::Option,
            Self::File { path, spot, .. } => {
                Self::File { path: path.clone(), spot: spot.clone(), key: Some(name) }
            }
        }
    }

    /// The name of a field as the user wrote it: `--umask` or `UMask=`.
    #[doc(hidden)]
    pub fn name(&self, field: Field) -> String {
        match self {
            Self::Option => format!("--{}", field.option()),
            Self::File { key: Some(key), .. } => key.clone(),
            // A drop-in of a socket unit lies in NAME.socket.d.
            Self::File { path, key: None, .. } if path.to_string_lossy().contains(".socket") => {
                format!("{}=", field.socket_directive())
            }
            Self::File { key: None, .. } => format!("{}=", field.directive()),
        }
    }
}

/// A place in a text file, with the text of its line.
///
/// It prints as the line and a caret below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The line, cut to 120 characters.
    pub text: String,
}

/// The length to which a shown line is cut, in characters.
const MAX_SHOWN_CHARS: usize = 120;

impl Spot {
    /// The place at byte `offset` of a line.
    #[doc(hidden)]
    pub fn new(line: usize, text: &[u8], offset: usize) -> Self {
        let before = String::from_utf8_lossy(&text[..offset.min(text.len())]).chars().count();
        // A line may be very long: decode no more than can be shown (UTF-8 has at most four bytes a character).
        let shown = String::from_utf8_lossy(&text[..text.len().min(4 * MAX_SHOWN_CHARS)]);
        Self { line, column: before + 1, text: shown.chars().take(MAX_SHOWN_CHARS).collect() }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Control characters must not reach the terminal, and the caret must stay in its column.
        let plain: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        write!(f, "\n  | {plain}")?;
        if self.column <= MAX_SHOWN_CHARS {
            write!(f, "\n  | {:>column$}", '^', column = self.column)?;
        }
        Ok(())
    }
}

/// An error in a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// The field. `None` if the error concerns the command or a missing field.
    pub field: Option<Field>,
    /// The value as it was written, lossily decoded.
    pub value: Option<String>,
    /// Where the value comes from. `None` if there is no value.
    pub origin: Option<Origin>,
    /// The cause and the hint.
    pub error: ValueError,
}

impl SpecError {
    /// An error in a file that concerns no field.
    pub fn in_file(path: &Path, spot: Option<Spot>, cause: impl Into<String>) -> Self {
        Self::at(&Origin::in_file(path, spot), cause)
    }

    /// An error at a place that concerns no field.
    #[doc(hidden)]
    pub fn at(origin: &Origin, cause: impl Into<String>) -> Self {
        Self { field: None, value: None, origin: Some(origin.clone()), error: cause.into().into() }
    }

    /// The file and the place in it. `None` if the value is no file's.
    #[doc(hidden)]
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
        write!(f, ": {}", self.error.cause)?;
        spot.map_or(Ok(()), |spot| spot.fmt(f))?;
        match &self.error.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_in_a_file_shows_the_line_and_a_caret() {
        let spot = Some(Spot::new(7, b"\tUMask=0999", 7));
        let problem = SpecError {
            field: Some(Field::Umask),
            value: Some("0999".into()),
            origin: Some(Origin::in_file("/x", spot)),
            error: ValueError::hinted("no", "do"),
        };
        assert_eq!(
            problem.to_string(),
            "/x:7:8: UMask= '0999': no\n  |  UMask=0999\n  |        ^\n  hint: do"
        );
    }

    #[test]
    fn column_counts_characters_and_long_line_is_cut() {
        assert_eq!(Spot::new(1, "é=x".as_bytes(), 3).column, 3);
        let long = Spot::new(1, &b"x".repeat(1_000_000), 999_999);
        assert_eq!((long.column, long.text.len()), (1_000_000, MAX_SHOWN_CHARS));
        assert!(!long.to_string().contains('^'));
    }
}
