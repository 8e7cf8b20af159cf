//! The names of the integration tests: a failed one must be understood by its name alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::SOURCES;

/// The longest name.
const LENGTH: usize = 70;

/// Beginnings that hide the subject, or waste the first word.
const BEGINNINGS: [&str; 9] = ["a_", "an_", "it_", "one_", "the_", "they_", "what_", "who_", "whoever_"];

/// Words for which the field has better ones: sent, set, reported, missing, refused, ignored.
const WORDS: [&str; 9] = ["told", "tells", "said", "says", "stands", "nobody", "somebody", "none", "whoever"];

#[test]
fn test_names_have_subject_condition_and_result() {
    let mut files = Vec::new();
    let folder = Path::new(SOURCES).join("tests/it");
    rust_files(&folder, &mut files);
    let (mut names, mut bad) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let found = tests_of(&text);
        names += found.len();
        let place = file.strip_prefix(&folder).unwrap().display();
        bad.extend(found.iter().filter(|name| !is_good(name)).map(|name| format!("{place}: {name}")));
    }
    assert!(names > 500, "only {names} tests were found");
    assert!(bad.is_empty(), "name them SUBJECT_CONDITION_RESULT:\n{}", bad.join("\n"));
}

#[test]
fn bad_test_names_are_recognised() {
    for name in ["stop_ends_the_whole_session", "nonexistent_user_is_refused", "s6_gets_readiness"] {
        assert!(is_good(name), "{name}");
    }
    for name in ["stopped", "what_is_wrong_is_refused", "a_stop_is_quick", "failure_is_told", &"a".repeat(71)]
    {
        assert!(!is_good(name), "{name}");
    }
    assert_eq!(
        tests_of("#[test]\n#[cfg(x)]\nfn one() {}\nfn two() {}\n    #[test]\n    fn three() {}\n"),
        ["one", "three"]
    );
}

fn is_good(name: &str) -> bool {
    name.len() <= LENGTH
        && name.contains('_')
        && !BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        && !name.split('_').any(|word| WORDS.contains(&word))
}

/// The names of the functions that follow a `#[test]`.
fn tests_of(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while lines.any(|line| line == "#[test]") {
        let name = lines.find_map(|line| line.strip_prefix("fn ")).and_then(|line| line.split('(').next());
        names.extend(name);
    }
    names
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}
