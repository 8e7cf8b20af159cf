//! What is wrong in a unit file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{Origin, Spot};

/// One thing that is wrong, or strange, in a unit file.
///
/// It prints as `path:line:column: message`, then the line and a caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Where in it; none where all of it is meant.
    pub spot: Option<Spot>,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    pub(super) fn new(path: &Path, spot: Option<Spot>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), spot, message: message.into() }
    }

    pub(super) fn at(origin: &Origin, message: impl Into<String>) -> Self {
        match origin {
            Origin::File { path, spot, .. } => Self::new(path, spot.clone(), message),
            Origin::Option => Self::new(Path::new("-"), None, message),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(spot) = &self.spot {
            write!(f, "{}:{}:", spot.line, spot.column)?;
        }
        write!(f, " {}", self.message)?;
        self.spot.as_ref().map_or(Ok(()), |spot| spot.fmt(f))
    }
}
