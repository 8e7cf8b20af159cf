//! What has been loaded, and why it could not be.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use svcadapt_spec::{Origin, SpecDraft, SpecError, ValueError};

use crate::divide::Subject;
use crate::plist::OriginalJob;
use crate::unit::{OriginalUnit, Unmapped};

/// A loaded file, with messages about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The settings.
    pub draft: SpecDraft,
    /// Settings that the file's own host ignores, or that mean something slightly different on other hosts.
    pub warnings: Vec<SpecError>,
    /// Settings that svcadapt does not act on. The draft keeps them as native lines or keys.
    pub unsupported: Vec<Remark>,
    /// The places of the draft's native lines and keys.
    pub places: Vec<(Subject, Origin)>,
    /// Settings in files that were not read; the file's own host reads them in any case.
    pub elsewhere: Vec<Remark>,
    /// The source text, if it can be rewritten for its own host.
    pub source: Option<Source>,
    /// Socket units that were not read because nothing starts them together with the service.
    pub unused_sockets: Vec<SpecError>,
}

/// The source text of a file.
#[derive(Debug)]
pub enum Source {
    /// A unit, and the drop-ins that were read with it.
    Unit(Box<OriginalUnit>, Vec<PathBuf>),
    /// A property list.
    Plist(OriginalJob),
}

/// A remark about one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// About an assignment of a unit.
    Line {
        /// The assignment.
        line: Unmapped,
        /// The remark.
        cause: String,
    },
    /// About a key of a property list.
    Key(SpecError),
}

/// Why a file cannot be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// This file or directory cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The file, or its name, is invalid.
    Invalid(SpecError),
}

impl LoadError {
    /// An error of a whole file.
    pub(super) fn about(path: &Path, cause: impl Into<String>, hint: Option<&str>) -> Self {
        let error = ValueError { hint: hint.map(str::to_owned), ..ValueError::from(cause.into()) };
        let value = Some(path.display().to_string());
        Self::Invalid(SpecError { field: None, value, origin: None, error })
    }
}

impl From<SpecError> for LoadError {
    fn from(error: SpecError) -> Self {
        Self::Invalid(error)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}
