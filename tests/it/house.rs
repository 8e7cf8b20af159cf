//! The house rules that the compiler does not know: who may use whom, and what lives in one room only.
//!
//! The tables here are the design's. If the work shows a better house, the table changes in the same commit.

use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::harness::SOURCES;

/// Each room, and the rooms that it may use besides itself. `lib.rs` and `error.rs` stand above all rooms; the command
/// line (`cli/`) is a package of its own, which uses the public library, by its name.
const ROOMS: &[(&str, &[&str])] = &[
    ("cli", &[]),
    ("daemon", &["spec", "plan", "setup", "notify", "launch", "control", "detect", "sys"]),
    ("lint", &["spec", "format", "divide", "sys"]),
    ("control", &["spec", "setup", "notify", "sys"]),
    ("launch", &["spec", "plan", "setup", "readiness", "notify", "sys"]),
    ("setup", &["spec", "plan", "sys"]),
    ("readiness", &["spec", "sys"]),
    ("notify", &["detect", "sys"]),
    ("plan", &["spec", "divide", "detect"]),
    ("divide", &["spec"]),
    ("format", &["spec", "divide"]),
    ("detect", &["sys"]),
    ("spec", &[]),
    ("sys", &[]),
];

/// Each crate that has a home, and the rooms that are its home.
const CRATES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("nix", &["sys"]),
    ("libc", &["sys"]),
    ("caps", &["sys"]),
    ("sd_notify", &["notify"]),
    ("libsystemd", &["notify"]),
    ("serde", &["format"]),
    ("serde_json", &["cli", "format", "detect"]),
    ("plist", &["format"]),
];

/// The files outside of `sys` that ask which system this is: one reads it for the record, the other has a crate that
/// only Linux can build.
const KNOWS_THE_PLATFORM: [&str; 2] = ["detect/probe.rs", "notify/journal.rs"];

/// The longest file.
const LINES: usize = 450;

#[test]
fn sources_keep_the_house_rules() {
    let source = Path::new(SOURCES).join("src");
    let mut files = Vec::new();
    walk(&source, &mut files);
    files.sort();
    assert!(files.len() > ROOMS.len(), "the sources have not been found");
    let broken: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
            check(name, &fs::read_to_string(file).unwrap())
        })
        .map(|broken| broken.to_string())
        .collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn room_table_matches_the_rooms() {
    let mut rooms: Vec<String> = fs::read_dir(Path::new(SOURCES).join("src"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    rooms.sort();
    let mut rows: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    rows.sort_unstable();
    assert_eq!(rooms, rows);
}

#[test]
fn room_table_has_no_cycle() {
    // Rooms that use only rooms already taken away can be taken away; with a circle some would stay.
    let mut left: Vec<_> = ROOMS.to_vec();
    while let Some(bottom) =
        left.iter().position(|(_, uses)| uses.iter().all(|used| left.iter().all(|(room, _)| room != used)))
    {
        left.swap_remove(bottom);
    }
    assert_eq!(left, []);
}

#[test]
fn broken_rule_is_reported_at_its_line() {
    let broken =
        |file, text: &str| check(file, text).into_iter().map(|broken| broken.to_string()).collect::<Vec<_>>();
    for (file, text, expected) in [
        (
            "spec/user.rs",
            "use crate::spec::Name;\nuse crate::sys::user;\n",
            "src/spec/user.rs:2: `spec` may not use `sys`",
        ),
        (
            "format/mod.rs",
            "fn f() { crate::plan::environment(); }\n",
            "src/format/mod.rs:1: `format` may not use `plan`",
        ),
        (
            "readiness/tcp.rs",
            "pub(in crate::control) fn f() {}\n",
            "src/readiness/tcp.rs:1: `readiness` may not use `control`",
        ),
        (
            "readiness/tcp.rs",
            "use crate::Error;\n",
            "src/readiness/tcp.rs:1: `readiness` may not use `Error`",
        ),
        (
            "detect/probe.rs",
            "use crate::{sys::procfs, plan::Plan};\n",
            "src/detect/probe.rs:1: write one `use crate::room::Thing;` per line",
        ),
        (
            "detect/probe.rs",
            "\nuse super::super::plan;\n",
            "src/detect/probe.rs:2: leave the room by its name, `crate::room`, not by `super`",
        ),
        (
            "detect/mod.rs",
            "use super::plan;\n",
            "src/detect/mod.rs:1: leave the room by its name, `crate::room`, not by `super`",
        ),
        (
            "plan/step.rs",
            "use svcadapt::spec::Name;\n",
            "src/plan/step.rs:1: only `cli` uses the library by its name",
        ),
        ("plan/step.rs", "fn f() { unsafe { g() } }\n", "src/plan/step.rs:1: `unsafe` belongs in `sys`"),
        (
            "plan/step.rs",
            "#[cfg(not(target_os = \"linux\"))]\n",
            "src/plan/step.rs:1: `target_os` belongs in `sys` and `detect/probe.rs`",
        ),
        (
            "setup/child.rs",
            "fn f(pid: nix::unistd::Pid) {}\n",
            "src/setup/child.rs:1: the crate `nix` belongs in `sys`",
        ),
        ("setup/child.rs", "use libc as c;\n", "src/setup/child.rs:1: the crate `libc` belongs in `sys`"),
        (
            "detect/facts.rs",
            "use plist::Value;\n",
            "src/detect/facts.rs:1: the crate `plist` belongs in `format`",
        ),
    ] {
        assert_eq!(broken(file, text), [expected], "{file}: {text}");
    }
    assert_eq!(broken("plan/long.rs", &"//\n".repeat(451)), ["src/plan/long.rs:451: more than 450 lines"]);
}

#[test]
fn code_that_keeps_the_rules_is_not_reported() {
    for (file, text) in [
        ("control/stop.rs", "use crate::notify::notify;\nuse crate::control::Named;\n"),
        ("spec/user.rs", "//! [`crate::plan`] is told in `nix::x`, unsafe.\n/* crate::sys */\n"),
        (
            "spec/user.rs",
            "const A: &str = \"crate::sys unsafe \\\" nix::\"; const B: &str = r#\"\"nix::\"#; let c = '\"'; \n",
        ),
        ("spec/user.rs", "mod tests {\n    use super::*;\n}\nfn f<'a>(x: &'a str) {}\n"),
        ("detect/probe.rs", "#[cfg(target_os = \"macos\")]\nuse crate::sys::launchd;\n"),
        ("sys/linux.rs", "use nix::unistd;\nfn f() { unsafe { libc::sync() } }\n"),
        ("cli/main.rs", "use clap::Command;\nuse svcadapt::spec::Name;\nuse crate::Exit;\n"),
        ("lib.rs", "#[allow(unsafe_code)]\npub mod sys;\npub use crate::spec::Name;\n"),
        ("format/mod.rs", "pub mod plist;\npub use plist::read;\n"),
        ("sys/linux/pid.rs", "use super::super::file;\n"),
        ("plan/mod.rs", "let plist = 1; let nix: u8 = plist;\n"),
    ] {
        let broken: Vec<String> = check(file, text).into_iter().map(|broken| broken.to_string()).collect();
        assert_eq!(broken, [""; 0], "{file}: {text}");
    }
}

/// A rule that a line does not keep.
struct Broken {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Everything that a file, named from `src/`, does not keep.
fn check(file: &str, text: &str) -> Vec<Broken> {
    // What stands in src/ itself is above the rooms.
    let room = file.split_once('/').map(|(room, _)| room);
    let mut broken = Vec::new();
    for (index, line) in code(text).lines().enumerate() {
        let mut report = |what: String| broken.push(Broken { file: file.to_owned(), line: index + 1, what });
        if index == LINES {
            report(format!("more than {LINES} lines"));
        }
        if let Some(room) = room {
            paths(file, room, line, &mut report);
        }
        if room != Some("sys") && words(line).any(|word| word == "unsafe") {
            report("`unsafe` belongs in `sys`".to_owned());
        }
        if room != Some("sys")
            && !KNOWS_THE_PLATFORM.contains(&file)
            && words(line).any(|word| word == "target_os")
        {
            report("`target_os` belongs in `sys` and `detect/probe.rs`".to_owned());
        }
    }
    broken
}

/// The rules about paths: rooms and crates.
fn paths(file: &str, room: &str, line: &str, report: &mut impl FnMut(String)) {
    let allowed = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, uses)| uses);
    for used in after(line, "crate::") {
        match used {
            "" => report("write one `use crate::room::Thing;` per line".to_owned()),
            // In a package of its own the compiler knows it.
            used if room != "cli" && used != room && !allowed.contains(&used) => {
                report(format!("`{room}` may not use `{used}`"));
            }
            _ => {}
        }
    }
    // What is indented may be in a module inside the file, which is one further down.
    let depth = depth(file) + usize::from(line.starts_with(' '));
    if supers(line).any(|steps| steps >= depth) {
        report("leave the room by its name, `crate::room`, not by `super`".to_owned());
    }
    if room != "cli" && after(line, "svcadapt::").next().is_some() {
        report("only `cli` uses the library by its name".to_owned());
    }
    for (name, homes) in CRATES {
        if !homes.contains(&room) && uses_crate(line, name) {
            report(format!("the crate `{name}` belongs in `{}`", homes.join("`, `")));
        }
    }
}

/// How many modules down from the crate this file is: `room/mod.rs` is 1, `room/part.rs` is 2.
fn depth(file: &str) -> usize {
    file.split('/').filter(|part| *part != "mod.rs").count()
}

/// How many modules up each path goes that begins with `super`.
fn supers(line: &str) -> impl Iterator<Item = usize> {
    line.match_indices("super::")
        .filter(|(at, _)| !line[..*at].ends_with(is_path))
        .map(|(at, _)| line[at..].split("::").take_while(|part| *part == "super").count())
}

/// The word after each `path` that is not itself the end of a longer path or word.
fn after<'a>(line: &'a str, path: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(path).filter(|(at, _)| !line[..*at].ends_with(is_path)).map(move |(at, _)| {
        let rest = &line[at + path.len()..];
        &rest[..rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())]
    })
}

/// `name::…` anywhere, or `use name`, where the name is not within another path.
fn uses_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, rest) = (&line[..at], &line[at + name.len()..]);
        let path = rest.starts_with("::") && !before.ends_with(is_path);
        let import = before.trim_start() == "use " && !rest.starts_with(is_path);
        path || import
    })
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter| !is_word(letter))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_path(letter: char) -> bool {
    is_word(letter) || letter == ':'
}

/// The same lines without comments and without what is in quotation marks.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest, code.chars().next_back());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (gone, next) = rest.split_at(length);
            code.extend(gone.chars().filter(|letter| *letter == '\n'));
            rest = next;
        }
    }
    code
}

/// How much of the beginning of `text` is a comment or a literal; 0 if it is neither.
fn skipped(text: &str, before: Option<char>) -> usize {
    let until =
        |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    if text.starts_with('r') && !before.is_some_and(|letter| is_word(letter) && letter != 'b') {
        let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
        if text[1 + hashes..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), 2 + hashes);
        }
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    // A lifetime has no second mark two letters on; an escape may be longer.
    let mut letters = text.chars().skip(1);
    match (text.starts_with('\''), letters.next(), letters.next()) {
        (true, Some('\\'), _) => quoted(text, '\''),
        (true, Some(letter), Some('\'')) => 2 + letter.len_utf8(),
        _ => 0,
    }
}

/// The length of a literal with its marks.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
