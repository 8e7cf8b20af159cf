//! Why a value is none.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Why a value cannot be taken, and where there is one the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// The reason, in words.
    pub cause: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ValueError {
    /// A reason with its cure.
    pub fn hinted(cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { cause: cause.into(), hint: Some(hint.into()) }
    }
}

impl<T: Into<String>> From<T> for ValueError {
    fn from(cause: T) -> Self {
        Self { cause: cause.into(), hint: None }
    }
}

/// The value as text. Everything but arguments, environment values and paths has to be UTF-8.
pub(super) fn text(value: &OsStr) -> Result<&str, ValueError> {
    let text = value.to_str().ok_or("it is not UTF-8")?;
    if text.contains('\0') { Err("it holds a NUL byte".into()) } else { Ok(text) }
}

/// The value as bytes that the kernel can be given.
pub(super) fn bytes(value: &OsStr) -> Result<&[u8], ValueError> {
    let bytes = value.as_bytes();
    if bytes.contains(&0) { Err("it holds a NUL byte".into()) } else { Ok(bytes) }
}
