//! What is at a path.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::sys::{machine, pattern};

/// Whether something matches a pattern with alternatives in braces.
pub(super) fn exists_glob(pattern: &OsStr) -> bool {
    alternatives(pattern.as_bytes()).iter().any(|one| pattern::exists(&OsString::from_vec(one.clone())))
}

pub(super) fn is_directory(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir())
}

pub(super) fn is_symbolic_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// A path that is there, but cannot be looked at, is not known to be read-only.
pub(super) fn is_read_write(path: &Path) -> bool {
    match machine::is_read_only(path) {
        Ok(read_only) => !read_only,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

pub(super) fn is_file_not_empty(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether a directory has other entries than hidden ones and what editors and packages keep aside. One that cannot be read
/// counts as not empty.
pub(super) fn is_directory_not_empty(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().any(|entry| !is_aside(entry.file_name().as_bytes())),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

fn is_aside(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 3] = [b"lost+found", b"aquota.user", b"aquota.group"];
    const ENDS: [&[u8]; 17] = [
        b"rpmnew",
        b"rpmsave",
        b"rpmorig",
        b"dpkg-old",
        b"dpkg-new",
        b"dpkg-tmp",
        b"dpkg-dist",
        b"dpkg-bak",
        b"dpkg-backup",
        b"dpkg-remove",
        b"ucf-new",
        b"ucf-old",
        b"ucf-dist",
        b"swp",
        b"bak",
        b"old",
        b"new",
    ];
    let end = name.iter().rposition(|&byte| byte == b'.').map(|at| &name[at + 1..]);
    name.starts_with(b".")
        || name.ends_with(b"~")
        || NAMES.contains(&name)
        || end.is_some_and(|end| ENDS.contains(&end))
}

/// Whether a mount begins at a path, wherever links lead. A mount of a part of the same file system is known only from the
/// table of mounts (proc(5), `mountinfo`).
pub(super) fn is_mount_point(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let Some(parent) = path.parent() else { return true };
    let device = |path: &Path| fs::symlink_metadata(path).map(|found| found.dev()).ok();
    if device(&path) != device(parent) {
        return true;
    }
    let table = machine::text("/proc/self/mountinfo").unwrap_or_default();
    table.lines().filter_map(|line| line.split(' ').nth(4)).any(|point| unescaped(point) == path)
}

/// The kernel writes blanks and backslashes of a path as `\040`.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let octal =
            after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The most patterns that braces make of one.
const MAX_ALTERNATIVES: usize = 1000;

/// The patterns that braces stand for: `{a,b}c` is `ac` and `bc`. As in a shell, `{}` is kept as it is.
fn alternatives(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut open = vec![pattern.to_vec()];
    let mut done = Vec::new();
    while let Some(one) = open.pop() {
        match expanded(&one) {
            Some(several) if open.len() + done.len() + several.len() <= MAX_ALTERNATIVES => {
                open.extend(several);
            }
            Some(_) | None => done.push(one),
        }
    }
    done
}

/// The alternatives of the first braces. `None` without braces.
fn expanded(pattern: &[u8]) -> Option<Vec<Vec<u8>>> {
    let begin = (0..pattern.len()).find(|&at| {
        pattern[at] == b'{' && !pattern[at..].starts_with(b"{}") && (at == 0 || pattern[at - 1] != b'\\')
    })?;
    let (mut depth, mut parts, mut from) = (0_usize, Vec::new(), begin + 1);
    for at in begin..pattern.len() {
        match pattern[at] {
            b'{' => depth += 1,
            b',' if depth == 1 => {
                parts.push(&pattern[from..at]);
                from = at + 1;
            }
            b'}' if depth == 1 => {
                parts.push(&pattern[from..at]);
                let (head, tail) = (&pattern[..begin], &pattern[at + 1..]);
                return Some(parts.iter().map(|part| [head, part, tail].concat()).collect());
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_a_pattern_stand_for_their_alternatives() {
        for (pattern, expected) in [
            ("/a", &["/a"][..]),
            ("/{a,b}c", &["/ac", "/bc"]),
            ("/{a,{b,c}d}", &["/a", "/bd", "/cd"]),
            ("/{a,b}{c,d}", &["/ac", "/ad", "/bc", "/bd"]),
            ("/{}x", &["/{}x"]),
            ("/{a", &["/{a"]),
            ("/\\{a,b}", &["/\\{a,b}"]),
        ] {
            let mut found: Vec<_> = alternatives(pattern.as_bytes())
                .into_iter()
                .map(|one| String::from_utf8(one).unwrap())
                .collect();
            found.sort();
            assert_eq!(found, expected, "{pattern}");
        }
        assert!(alternatives(&b"{a,b}".repeat(40)).len() <= MAX_ALTERNATIVES);
    }

    #[test]
    fn path_in_the_table_of_mounts_is_unescaped() {
        for (text, path) in
            [("/a\\040b", "/a b"), ("/a", "/a"), ("/a\\134", "/a\\"), ("/a\\0", "/a\\0"), ("\\999", "\\999")]
        {
            assert_eq!(unescaped(text), Path::new(path), "{text}");
        }
    }

    #[test]
    fn root_directory_is_a_mount_point_and_a_file_is_none() {
        assert!(is_mount_point(Path::new("/")));
        assert!(!is_mount_point(Path::new("/no/such/path")));
    }
}
