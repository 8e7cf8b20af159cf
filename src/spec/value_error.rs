//! The error of a value.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Why a value is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The cause, without the value itself.
    pub cause: String,
    /// What to write instead, if known.
    pub hint: Option<String>,
}

impl ValueError {
    /// An error with a hint.
    pub fn hinted(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: Some(hint.into()) }
    }
}

impl<T: Into<String>> From<T> for ValueError {
    fn from(cause: T) -> Self {
        Self { cause: cause.into(), hint: None }
    }
}

/// The value as text. All values but arguments, environment values and paths must be UTF-8.
pub(super) fn text(value: &OsStr) -> Result<&str, ValueError> {
    let text = value.to_str().ok_or("not UTF-8")?;
    if text.contains('\0') { Err("it contains a NUL byte".into()) } else { Ok(text) }
}

/// The value as bytes without NUL, as system calls take them.
pub(super) fn bytes(value: &OsStr) -> Result<&[u8], ValueError> {
    let bytes = value.as_bytes();
    if bytes.contains(&0) { Err("it contains a NUL byte".into()) } else { Ok(bytes) }
}
