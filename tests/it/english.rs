//! One English: the words and phrases that made texts hard to read do not come back.
//!
//! The reader is an engineer in a hurry: subject (a noun of the trade), verb, reason, man page (CONTRIBUTING.md). The list
//! is short on purpose: it holds the markers of riddles, not every bad word.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::SOURCES;

/// A phrase, and what to write instead.
const MARKERS: &[(&str, &str)] = &[
    ("whoever", "name the process, user or program"),
    ("whomever", "name the process, user or program"),
    ("nobody", "no process, no user, no program"),
    ("somebody", "name the process, user or program"),
    ("is none", "is not set, is missing, is not a …"),
    ("are none", "are not set, are missing, are not …"),
    ("none of the service's", "does not belong to the service"),
    ("none where", "`None` if"),
    ("be had", "is available"),
    ("is told", "is reported, is sent to"),
    ("are told", "are reported, are sent to"),
    ("be told", "be reported, be sent to"),
    ("was told", "was reported, was sent to"),
    ("tells of", "reports"),
    ("and its kin", "name them"),
    ("the null device", "/dev/null"),
    ("let go of", "close, release"),
    ("lets go of", "closes, releases"),
    ("sees to", "does, handles"),
    ("nothing is in the way", "say what works"),
    ("what it is for", "name the purpose"),
    ("as people are told", "name the output"),
    ("stands in the way", "blocks, prevents"),
    ("says nothing of", "does not set, does not mention"),
];

/// Folders and files whose text people read. Expected output of other programs is not ours.
const READ: &[&str] = &[
    "src",
    "examples",
    "tests/it",
    "README.md",
    "docs",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "units/README.md",
    "launchd/README.md",
    "packaging",
];

#[test]
fn texts_have_no_markers_of_the_private_dialect() {
    let mut files = Vec::new();
    for name in READ {
        collect(&Path::new(SOURCES).join(name), &mut files);
    }
    assert!(files.len() > 300, "only {} files were found", files.len());
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !is_list(file)) {
        let text = fs::read_to_string(file).unwrap();
        let place = file.strip_prefix(SOURCES).unwrap_or(file).display();
        for (index, line) in text.lines().enumerate() {
            found.extend(markers(line).map(|(marker, instead)| {
                format!("{place}:{}: '{marker}' (write: {instead}): {}", index + 1, line.trim())
            }));
        }
    }
    assert!(found.is_empty(), "{} markers:\n{}", found.len(), found.join("\n"));
}

#[test]
fn marker_is_found_as_a_word_but_not_as_an_account() {
    let found = |line| markers(line).map(|(marker, _)| marker).collect::<Vec<_>>();
    assert_eq!(found("// Whoever waits is told."), ["whoever", "is told"]);
    assert_eq!(found("the null device"), ["the null device"]);
    for line in
        ["svcadapt run --user nobody", "user: \"nobody\"", "`nobody` owns it", "unbe had", "nobody:x:65534"]
    {
        assert_eq!(found(line), [""; 0], "{line}");
    }
}

/// The markers in a line, whatever their case, as whole words.
fn markers(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let line = line.to_lowercase();
    MARKERS.iter().copied().filter(move |(marker, _)| {
        line.match_indices(marker).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + marker.len()..]);
            let word = |c: char| c.is_alphanumeric() || c == '_';
            // "`None` if there is none" is plain.
            let plain = marker.ends_with("none") && before.ends_with("there ");
            let whole = !before.ends_with(word) && !after.starts_with(word);
            whole && !plain && !is_account(marker, before, after)
        })
    })
}

/// Whether the word is the user or group of that name: as a value, in quotes, or after the option that takes it.
fn is_account(marker: &str, before: &str, after: &str) -> bool {
    // As a word of code it is a name; in a comment or a quoted text it is prose.
    let is_prose = before.contains("//") || before.contains('"') || !after.contains([';', ',', ')']);
    ["nobody", "somebody"].contains(&marker)
        && (!is_prose
            || before.ends_with(['"', '\'', '`', '=', '(', '/', ',', ':', '<', '>', '['])
            || before.ends_with("l: ")
            || after.starts_with(['"', '\'', '`', ':', '.', '/'])
            || before.trim_end().ends_with('|')
            || ["user", "-u", "group", "account", "uid", "chown"]
                .iter()
                .any(|word| before.trim_end().ends_with(word)))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in &entries {
            collect(entry, files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
        files.push(path.to_owned());
    }
}

/// Whether a file has the words because it lists them.
fn is_list(file: &Path) -> bool {
    ["english.rs", "test_names.rs", "house.rs"].iter().any(|own| file.ends_with(format!("tests/it/{own}")))
}
