//! The text of the files beside a lock: one field a line, `NAME=VALUE`, with `%` before the digits of an escaped byte.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The last line of a complete file.
pub(super) const END: &[u8] = b"end=\n";

/// Adds a field.
pub(super) fn put(text: &mut Vec<u8>, name: &str, value: &OsStr) {
    text.extend(name.bytes());
    text.push(b'=');
    for &byte in value.as_bytes() {
        match byte {
            b'%' | b'\n' => text.extend(format!("%{byte:02x}").bytes()),
            _ => text.push(byte),
        }
    }
    text.push(b'\n');
}

/// The fields of a complete text, in order. `None` if it is not complete.
pub(super) fn fields(text: &[u8]) -> Option<impl Iterator<Item = (&[u8], OsString)>> {
    let lines = text.strip_suffix(END)?.split(|&byte| byte == b'\n');
    Some(lines.filter_map(|line| {
        let at = line.iter().position(|&byte| byte == b'=')?;
        Some((&line[..at], unescape(&line[at + 1..])))
    }))
}

fn unescape(value: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(protected) if byte == b'%' => {
                bytes.push(protected);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    OsString::from_vec(bytes)
}
