//! The sandbox of a service as lines of its unit.

use std::ffi::OsStr;

use super::quote;
use crate::WriteError;
use crate::divide::Place;
use crate::harden::Setting;

/// One line for each setting. A setting that cannot be written is added to `errors`.
pub(super) fn lines(settings: &[Setting], errors: &mut Vec<WriteError>) -> String {
    let mut text = String::new();
    for Setting { directive, value, .. } in settings {
        let quote = match *directive {
            "ReadWritePaths" => quote::namespace_path,
            // An empty value is the empty set.
            _ if value.is_empty() => |_: &OsStr| Ok(String::new()),
            _ => quote::raw,
        };
        match quote(value) {
            Ok(quoted) => text.extend([directive, "=", &quoted, "\n"]),
            Err(error) => errors.push(error.in_value(Place::Sandbox, value)),
        }
    }
    text
}
