//! The inside of an environment file, and what is read from it, written again.

use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::environment_file::{Content, parse};

use super::gists;

pub(super) fn any(bytes: &[u8]) -> String {
    let Content { assignments, ignored, refused } = parse(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for broken in [&ignored, &refused] {
        assert!(broken.iter().all(|line| (1..=lines).contains(&line.line)));
        assert!(broken.is_sorted_by_key(|line| line.line));
    }
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
    let again = parse(&text);
    assert_eq!((&again.assignments, again.ignored, again.refused), (&assignments, vec![], vec![]));
    if ignored.is_empty() && refused.is_empty() {
        format!("{} variables", assignments.len().min(3))
    } else {
        gists(ignored.into_iter().chain(refused).map(|line| line.error.cause))
    }
}
