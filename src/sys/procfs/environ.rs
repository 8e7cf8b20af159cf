//! The environment of a process at its exec: `/proc/PID/environ`.

use std::fs::File;
use std::io;
use std::io::Read;

use crate::sys::procfs;
use crate::sys::procfs::Unreadable;

/// The number of bytes of a variable that are kept, name and value together. A whole environment may have megabytes.
const MAX_VARIABLE_BYTES: usize = 512;

/// Calls `visit` with the name and value of each variable, together truncated to 512 bytes.
///
/// The data is in the memory of the process, which can overwrite it. Memory use is constant whatever the size. Requires
/// the permission to trace the process (ptrace(2)).
pub fn for_each_variable(pid: i32, visit: impl FnMut(&[u8], &[u8])) -> Result<(), Unreadable> {
    Ok(split(File::open(procfs::path(pid, "environ")?)?, visit)?)
}

fn split(mut text: impl Read, mut visit: impl FnMut(&[u8], &[u8])) -> io::Result<()> {
    let mut entry = Vec::with_capacity(MAX_VARIABLE_BYTES);
    let mut chunk = [0; 8192];
    loop {
        let length = match text.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for &byte in &chunk[..length] {
            if byte == 0 {
                entry_ends(&mut entry, &mut visit);
            } else if entry.len() < MAX_VARIABLE_BYTES {
                entry.push(byte);
            }
        }
    }
    entry_ends(&mut entry, &mut visit);
    Ok(())
}

fn entry_ends(entry: &mut Vec<u8>, visit: &mut impl FnMut(&[u8], &[u8])) {
    if let Some(equals) = entry.iter().position(|&byte| byte == b'=') {
        visit(&entry[..equals], &entry[equals + 1..]);
    }
    entry.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        split(text, |name, value| found.push((text_of(name), text_of(value)))).unwrap();
        found
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn names_and_values_are_split_at_the_first_equals_sign() {
        assert_eq!(pairs(b"A=1\0B=x=y\0no equals\0\0C="), [pair("A", "1"), pair("B", "x=y"), pair("C", "")]);
        assert_eq!(pairs(b""), []);
    }

    #[test]
    fn huge_variable_is_truncated_and_the_next_is_found() {
        let mut text = b"BIG=".to_vec();
        text.resize(4 << 20, b'x');
        text.extend_from_slice(b"\0IFS=1\0");
        let found = pairs(&text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.len(), MAX_VARIABLE_BYTES - "BIG=".len());
        assert_eq!(found[1], pair("IFS", "1"));
    }
}
