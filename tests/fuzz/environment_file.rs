//! The inside of an environment file, and what is read from it, written again.

use std::os::unix::ffi::OsStrExt;

use svcadapt::spec::environment_file::parse;

use super::gists;

pub(super) fn any(bytes: &[u8]) -> String {
    let assignments = match parse(bytes) {
        Ok(assignments) => assignments,
        Err(broken) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(!broken.is_empty() && broken.iter().all(|line| (1..=lines).contains(&line.line)));
            assert!(broken.is_sorted_by_key(|line| line.line));
            return gists(broken.into_iter().map(|line| line.refusal.cause));
        }
    };
    let mut text = Vec::new();
    for set in &assignments {
        text.extend([set.name.as_str().as_bytes(), b"=\""].concat());
        for &byte in set.value.as_bytes() {
            assert_ne!(byte, 0);
            if b"\"\\`$".contains(&byte) {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.extend(b"\"\n");
    }
    assert_eq!(parse(&text).as_ref(), Ok(&assignments));
    format!("{} variables", assignments.len().min(3))
}
