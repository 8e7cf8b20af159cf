//! What shuts a service in, as lines of its unit.

use std::ffi::OsStr;

use super::quote;
use crate::WriteError;
use crate::divide::Place;
use crate::harden::Setting;

/// One line for each; what cannot be written is added to `refused`.
pub(super) fn lines(settings: &[Setting], refused: &mut Vec<WriteError>) -> String {
    let mut text = String::new();
    for Setting { directive, value, .. } in settings {
        let quote = match *directive {
            "ReadWritePaths" => quote::namespace_path,
            // No value: none of what it could hold.
            _ if value.is_empty() => |_: &OsStr| Ok(String::new()),
            _ => quote::raw,
        };
        match quote(value) {
            Ok(quoted) => text.extend([directive, "=", &quoted, "\n"]),
            Err(unfit) => refused.push(unfit.of(Place::Sandbox, value)),
        }
    }
    text
}
