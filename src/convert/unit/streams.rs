//! The directives of the standard streams (systemd.exec(5), "Logging and Standard Input/Output").

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::words::unescape;
use svcadapt_spec::{Field as F, Output};

use super::UnmappedReason;
use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::value::{discard_unmapped, keep, last, put, resolved, unusable};

/// Reads one of the three streams.
pub(super) fn stream(reader: &mut UnitReader, site: &Site, field: F) {
    let text = site.line.value.as_str();
    if text == "inherit" && field != F::StandardInput {
        // Its meaning depends on lines that may follow.
        let (value, origin) = (text.into(), site.origin.clone());
        let value = UnitValue { field, value, origin, written: text.into() };
        discard_unmapped(reader, site);
        return reader.values.push(value);
    }
    let words: &[&str] = match field {
        F::StandardInput => &["null", "tty", "tty-force", "tty-fail", "socket", "fd", "data"],
        _ => &[
            "null",
            "tty",
            "socket",
            "fd",
            "journal",
            "journal+console",
            "kmsg",
            "kmsg+console",
            "syslog",
            "syslog+console",
        ],
    };
    let kinds: &[&str] = match field {
        F::StandardInput => &["file:", "fd:"],
        _ => &["file:", "append:", "truncate:", "fd:"],
    };
    if !words.contains(&text) && !kinds.iter().any(|kind| text.starts_with(kind)) {
        return unusable(reader, site, "not a valid stream".into());
    }
    let Some(value) = resolved(reader, site, text.as_bytes()) else { return };
    discard_unmapped(reader, site);
    put(reader, site, field, value);
}

fn is_log(value: &OsStr) -> bool {
    matches!(Output::parse(value), Ok(Output::Log(_)))
}

/// Reads a line of text for standard input, with C-style escapes and specifiers.
pub(super) fn text(reader: &mut UnitReader, site: &Site) {
    let Some(plain) = unescape(site.line.value.as_bytes()) else {
        return unusable(reader, site, "invalid escape sequence".into());
    };
    if let Some(value) = resolved(reader, site, &plain) {
        put(reader, site, F::StandardInputText, OsString::from_vec(value.into_vec()));
    }
}

/// Resolves `inherit`: for output it duplicates standard input; for errors it duplicates standard output, and is the
/// default.
pub(super) fn finish(reader: &mut UnitReader) {
    let input = last(reader, F::StandardInput);
    if let Some(value) = last(reader, F::StandardOutput).filter(|value| value.value == "inherit") {
        reader.forget(F::StandardOutput);
        match input.as_ref().and_then(|input| input.value.to_str()).unwrap_or("null") {
            // What can only be read is not duplicated.
            "null" | "data" => reader.values.push(UnitValue { value: "null".into(), ..value }),
            "tty" | "tty-force" | "tty-fail" => {
                reader.values.push(UnitValue { value: "tty".into(), ..value });
            }
            "fd" => reader.values.push(UnitValue { value: "fd:stdin".into(), ..value }),
            same if same == "socket" || same.starts_with("fd:") => {
                reader.values.push(UnitValue { value: same.into(), ..value });
            }
            _ => keep(reader, value, "Service", UnmappedReason::NoField),
        }
    }
    let error = last(reader, F::StandardError);
    let elsewhere =
        reader.unmapped.iter().any(|line| line.section == "Service" && line.directive == "StandardError");
    if !elsewhere && error.as_ref().is_none_or(|value| value.value == "inherit") {
        reader.forget(F::StandardError);
        // Errors follow a log without a value: an option that sends the output elsewhere then sends them, too.
        let output = last(reader, F::StandardOutput).filter(|value| !is_log(&value.value));
        match (output, error) {
            (Some(output), own) => {
                // The name that a bare `fd` has depends on the stream.
                let value = if output.value == "fd" { "fd:stdout".into() } else { output.value.clone() };
                let UnitValue { origin, written, .. } = own.unwrap_or(output);
                reader.values.push(UnitValue { field: F::StandardError, value, origin, written });
            }
            (None, Some(value)) => keep(reader, value, "Service", UnmappedReason::NoField),
            (None, None) => {}
        }
    }
}
