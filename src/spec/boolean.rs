//! Booleans of systemd.syntax(7).

use std::ffi::OsStr;

use crate::ValueError;
use crate::value_error::text;

/// Reads a boolean as systemd does: `1 yes y true t on` and `0 no n false f off`, in any case. `None` if it is not one.
#[doc(hidden)]
pub fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// Reads the boolean value of an option.
pub(crate) fn yes_or_no(value: &OsStr) -> Result<bool, ValueError> {
    boolean(text(value)?).ok_or_else(|| "neither yes nor no".into())
}
