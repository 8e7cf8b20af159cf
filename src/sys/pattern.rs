//! Patterns of a shell: fnmatch(3) and glob(3).

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// How letters are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `A` is not `a`.
    Sensitive,
    /// `A` is `a`.
    Ignored,
}

/// Whether a text matches a pattern as a whole (fnmatch(3)).
pub fn matches(pattern: &OsStr, text: &OsStr, case: Case) -> bool {
    let (Ok(pattern), Ok(text)) = (CString::new(pattern.as_bytes()), CString::new(text.as_bytes())) else {
        return false;
    };
    let flags = if case == Case::Ignored { libc::FNM_CASEFOLD } else { 0 };
    // SAFETY: both are terminated strings that live until the call returns, and it keeps neither.
    unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), flags) == 0 }
}

/// Whether something in the file system matches a pattern without braces (glob(3)). `.` and `..` count only if they are
/// written.
pub fn exists(pattern: &OsStr) -> bool {
    let Ok(pattern) = CString::new(pattern.as_bytes()) else { return false };
    let written = last_name(pattern.as_bytes()).to_vec();
    // SAFETY: zeroes are a glob_t without results, offsets or functions.
    let mut found: libc::glob_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pattern is a terminated string, `found` is initialized, and glob(3) calls no function of ours.
    let status = unsafe { libc::glob(pattern.as_ptr(), libc::GLOB_NOSORT, None, &raw mut found) };
    let counts = |at: usize| {
        // SAFETY: glob(3) has filled `gl_pathc` pointers, and `at` is below that.
        let pointer = unsafe { found.gl_pathv.add(at) };
        // SAFETY: it is one of those pointers.
        let path = unsafe { *pointer };
        // SAFETY: each of them leads to a terminated string, which lives until globfree(3).
        let path = unsafe { CStr::from_ptr(path) };
        let name = last_name(path.to_bytes());
        name == written.as_slice() || name != b"." && name != b".."
    };
    let any = status == 0 && (0..found.gl_pathc).any(counts);
    // SAFETY: `found` was passed to glob(3), and its strings are not used any more.
    unsafe { libc::globfree(&raw mut found) };
    any
}

fn last_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_the_whole_text() {
        for (pattern, text, case, expected) in [
            ("6.*", "6.18", Case::Sensitive, true),
            ("6", "6.18", Case::Sensitive, false),
            ("[!a-c]?", "dx", Case::Sensitive, true),
            ("WEB", "web", Case::Sensitive, false),
            ("WEB*", "web1", Case::Ignored, true),
            ("", "", Case::Sensitive, true),
        ] {
            assert_eq!(matches(pattern.as_ref(), text.as_ref(), case), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn existing_paths_are_found_by_pattern() {
        for (pattern, expected) in [
            ("/", true),
            ("/de?/nul*", true),
            ("/no-such-*", false),
            ("/dev/null/*", false),
            ("/dev/.", true),
        ] {
            assert_eq!(exists(pattern.as_ref()), expected, "{pattern}");
        }
    }

    #[test]
    fn dot_entries_do_not_match_a_pattern() {
        let directory = std::env::temp_dir().join(format!("svcadapt-glob-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let pattern = directory.join(".*");
        let empty = exists(pattern.as_os_str());
        std::fs::write(directory.join(".x"), "").unwrap();
        let filled = exists(pattern.as_os_str());
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!((empty, filled), (false, true));
    }
}
