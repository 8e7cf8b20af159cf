//! The house rules that the compiler does not know: which room may use which, and what lives in one room only.
//!
//! Between packages the compiler keeps the walls. The tables here are those of ARCHITECTURE.md. If the work shows a
//! better house, the tables change in the same commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::harness::SOURCES;

/// A package: its folder, and its rooms, each with the rooms of this package that it may use besides itself. The files
/// beside the rooms are above them all.
struct Package {
    folder: &'static str,
    rooms: &'static [(&'static str, &'static [&'static str])],
}

const PACKAGES: &[Package] = &[
    Package { folder: "src/spec", rooms: &[] },
    Package {
        folder: "src/convert",
        rooms: &[
            ("load", &["divide", "json", "plist", "unit"]),
            ("lint", &["directive", "divide", "harden", "json", "plist", "unit"]),
            ("json", &["directive", "divide", "plist", "unit"]),
            ("script", &["divide"]),
            ("plist", &["divide"]),
            ("unit", &["directive", "divide", "harden"]),
            ("harden", &["directive", "divide"]),
            ("divide", &["directive"]),
            ("directive", &[]),
        ],
    },
    Package {
        folder: "src",
        rooms: &[
            ("daemon", &["plan", "registry", "setup", "notify", "launch", "control", "detect", "sys"]),
            ("control", &["launch", "registry", "sys"]),
            (
                "launch",
                &["conditions", "detect", "logs", "plan", "registry", "setup", "readiness", "notify", "sys"],
            ),
            ("conditions", &["sys"]),
            ("logs", &["plan", "sys"]),
            ("setup", &["logs", "plan", "registry", "sys"]),
            ("registry", &["plan", "sys"]),
            ("readiness", &["sys"]),
            ("notify", &["detect", "sys"]),
            ("plan", &["detect"]),
            ("detect", &["sys"]),
            ("sys", &[]),
        ],
    },
    Package { folder: "src/hosts", rooms: &[] },
    Package { folder: "src/cli", rooms: &[("audit", &[]), ("generate", &[])] },
];

/// Each crate that has a home, and the rooms (or packages) that are its home.
const CRATES: &[(&str, &[&str])] = &[
    ("clap", &["src/cli"]),
    ("clap_complete", &["src/cli"]),
    ("clap_mangen", &["src/cli"]),
    ("flate2", &["src/logs"]),
    ("nix", &["src/sys"]),
    ("regex_lite", &["src/spec", "src/readiness"]),
    ("libc", &["src/sys"]),
    ("sd_notify", &["src/notify"]),
    ("libsystemd", &["src/notify"]),
    ("serde", &["src/convert"]),
    ("serde_json", &["src/cli", "src/convert", "src/detect"]),
    ("plist", &["src/convert"]),
    ("svcadapt", &["src/cli", "src/hosts"]),
    ("svcadapt_convert", &["src/cli", "src/hosts"]),
    ("svcadapt_hosts", &["src/cli"]),
];

/// The files outside of `sys` that ask which system this is: one reads it for the record, the other has a crate that
/// only Linux can build.
const KNOWS_THE_PLATFORM: [&str; 2] = ["src/detect/probe.rs", "src/notify/journal.rs"];

/// The longest file.
const MAX_LINES: usize = 450;

#[test]
fn every_source_file_keeps_the_house_rules() {
    let files = sources();
    assert!(files.len() > 200, "the sources have not been found");
    let broken: Vec<String> = files.iter().flat_map(|(file, text)| check(file, text).0).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_folder_of_a_package_is_a_room_of_the_table() {
    let packages: Vec<&str> = PACKAGES.iter().map(|package| package.folder).collect();
    for package in PACKAGES {
        let found: BTreeSet<String> = fs::read_dir(Path::new(SOURCES).join(package.folder))
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| !packages.contains(&format!("{}/{name}", package.folder).as_str()))
            .collect();
        let rows: BTreeSet<String> = package.rooms.iter().map(|(room, _)| (*room).to_owned()).collect();
        // A folder beside a file of its name is that file's.
        let is_file =
            |name: &String| Path::new(SOURCES).join(package.folder).join(format!("{name}.rs")).exists();
        let found: BTreeSet<String> =
            found.into_iter().filter(|name| rows.contains(name) || !is_file(name)).collect();
        assert_eq!(found, rows, "{}", package.folder);
    }
}

#[test]
fn permission_that_no_file_uses_is_not_in_the_table() {
    let used: BTreeSet<(String, String)> =
        sources().iter().flat_map(|(file, text)| check(file, text).1).collect();
    for package in PACKAGES {
        for (room, uses) in package.rooms {
            for allowed in *uses {
                let pair = (format!("{}/{room}", package.folder), (*allowed).to_owned());
                assert!(used.contains(&pair), "{}: `{room}` does not use `{allowed}`", package.folder);
            }
        }
    }
}

#[test]
fn table_of_rooms_has_no_circle() {
    for package in PACKAGES {
        // Rooms that use only rooms already taken away can be taken away; with a circle some would stay.
        let mut left: Vec<_> = package.rooms.to_vec();
        while let Some(bottom) = left
            .iter()
            .position(|(_, uses)| uses.iter().all(|used| left.iter().all(|(room, _)| room != used)))
        {
            left.swap_remove(bottom);
        }
        assert_eq!(left, [], "{}", package.folder);
    }
}

#[test]
fn architecture_page_has_the_table_of_rooms() {
    let page = fs::read_to_string(Path::new(SOURCES).join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = page.split_once("<!-- import table -->\n").expect("the page has the table");
    let (table, _) = rest.split_once("<!-- end -->").expect("the table has an end");
    let rows: Vec<(String, String)> = table
        .lines()
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[2].to_owned())
        })
        .collect();
    let row = |package: &Package, (room, uses): &(&str, &[&str])| {
        (format!("{}/{room}", package.folder), uses.join(", "))
    };
    let expected: Vec<_> =
        PACKAGES.iter().flat_map(|package| package.rooms.iter().map(|room| row(package, room))).collect();
    assert_eq!(rows, expected);
}

#[test]
fn broken_house_rule_is_reported_at_its_line() {
    for (file, text, expected) in [
        (
            "src/setup/user.rs",
            "use crate::plan::Step;\nuse crate::launch::Outcome;\n",
            "src/setup/user.rs:2: `setup` may not use `launch`",
        ),
        (
            "src/convert/unit/mod.rs",
            "fn f() { crate::plist::write(); }\n",
            "src/convert/unit/mod.rs:1: `unit` may not use `plist`",
        ),
        (
            "src/detect/probe.rs",
            "use crate::{\n    sys::procfs,\n    plan::{Plan},\n};\n",
            "src/detect/probe.rs:3: `detect` may not use `plan`",
        ),
        (
            "src/readiness/tcp.rs",
            "pub(in crate::control) fn f() {}\n",
            "src/readiness/tcp.rs:1: `readiness` may not use `control`",
        ),
        (
            "src/detect/probe.rs",
            "\nuse super::super::plan;\n",
            "src/detect/probe.rs:2: leave the room by its name, `crate::room`, not by `super`",
        ),
        (
            "src/detect/mod.rs",
            "use super::plan;\n",
            "src/detect/mod.rs:1: leave the room by its name, `crate::room`, not by `super`",
        ),
        (
            "src/plan/step.rs",
            "use svcadapt::Name;\n",
            "src/plan/step.rs:1: the crate `svcadapt` belongs in `src/cli`, `src/hosts`",
        ),
        (
            "src/plan/step.rs",
            "fn f() { unsafe { g() } }\n",
            "src/plan/step.rs:1: `unsafe` belongs in `src/sys`",
        ),
        ("src/spec/x.rs", "fn f() { unsafe { g() } }\n", "src/spec/x.rs:1: `unsafe` belongs in `src/sys`"),
        (
            "src/plan/step.rs",
            "#[cfg(not(target_os = \"linux\"))]\nfn f() {}\n",
            "src/plan/step.rs:1: `target_os` belongs in `src/sys`",
        ),
        (
            "src/setup/child.rs",
            "fn f(pid: nix::unistd::Pid) {}\n",
            "src/setup/child.rs:1: the crate `nix` belongs in `src/sys`",
        ),
        (
            "src/setup/child.rs",
            "fn f() { println!(\"{}\", libc::EPERM); }\n",
            "src/setup/child.rs:1: the crate `libc` belongs in `src/sys`",
        ),
        (
            "src/setup/child.rs",
            "use libc as c;\n",
            "src/setup/child.rs:1: the crate `libc` belongs in `src/sys`",
        ),
    ] {
        assert_eq!(check(file, text).0, [expected], "{file}: {text}");
    }
    assert_eq!(
        check("src/plan/long.rs", &"//\n".repeat(451)).0,
        ["src/plan/long.rs:451: more than 450 lines"]
    );
}

#[test]
fn file_that_keeps_the_house_rules_is_accepted() {
    for (file, text) in [
        ("src/control/stop.rs", "use crate::sys::process;\nuse crate::control::Named;\n"),
        ("src/plan/user.rs", "//! [`crate::launch`] is told in `nix::x`, unsafe.\n/* crate::sys */\n"),
        ("src/plan/user.rs", "const A: &str = \"crate::sys unsafe \\\" nix::\"; const C: char = '\"';\n"),
        ("src/plan/user.rs", "mod tests {\n    use super::*;\n}\nfn f<'a>(x: &'a str) {}\n"),
        ("src/detect/probe.rs", "#[cfg(target_os = \"macos\")]\nuse crate::sys::launchd;\n"),
        ("src/sys/linux.rs", "use nix::unistd;\nfn f() { unsafe { libc::sync() } }\n"),
        ("src/cli/main.rs", "use clap::Command;\nuse svcadapt::Daemon;\nuse crate::Exit;\n"),
        ("src/lib.rs", "#[allow(unsafe_code)]\npub mod sys;\npub use crate::plan::Plan;\n"),
        (
            "src/convert/plist/mod.rs",
            "pub mod plist;\npub use self::plist::read;\nuse crate::lines::Lines;\n",
        ),
        ("src/sys/linux/pid.rs", "use super::super::file;\n"),
        ("src/plan/mod.rs", "fn f() { let plist = 1; let nix: u8 = plist; }\n"),
    ] {
        assert_eq!(check(file, text).0, [""; 0], "{file}: {text}");
    }
}

/// Every source file of the packages, by its path from the top.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    walk(&Path::new(SOURCES).join("src"), &mut files);
    files.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(SOURCES).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(named).collect()
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

/// Everything that a file does not keep, and each room that a room uses.
fn check(file: &str, text: &str) -> (Vec<String>, Vec<(String, String)>) {
    let package = PACKAGES.iter().filter(|package| file.starts_with(&format!("{}/", package.folder)));
    let package = package.max_by_key(|package| package.folder.len()).unwrap();
    let inside = &file[package.folder.len() + 1..];
    let room = inside.split_once('/').map(|(room, _)| room);
    // The names of the room, for tables that name rooms or whole packages.
    let home = room.map_or_else(|| package.folder.to_owned(), |room| format!("{}/{room}", package.folder));
    let is_home = |homes: &[&str]| homes.iter().any(|known| *known == home || *known == package.folder);
    let (mut broken, mut used) = (Vec::new(), Vec::new());
    let mut report = |line: usize, what: String| broken.push(format!("{file}:{line}: {what}"));

    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut paths = Vec::new();
    collect(tokens, &[], false, &mut paths);
    for path in &paths {
        let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
        match names[..] {
            ["unsafe"] if home != "src/sys" => report(path.line, "`unsafe` belongs in `src/sys`".to_owned()),
            ["target_os"] if home != "src/sys" && !KNOWS_THE_PLATFORM.contains(&file) => {
                report(path.line, "`target_os` belongs in `src/sys`".to_owned());
            }
            ["crate", other, ..] => {
                let rooms = package.rooms;
                if let Some(room) = room.filter(|room| *room != other)
                    && rooms.iter().any(|(name, _)| *name == other)
                {
                    let (_, allowed) = rooms.iter().find(|(name, _)| *name == room).expect("it has a row");
                    used.push((home.clone(), other.to_owned()));
                    if !allowed.contains(&other) {
                        report(path.line, format!("`{room}` may not use `{other}`"));
                    }
                }
            }
            ["super", ..] if room.is_some() => {
                let steps = names.iter().take_while(|name| **name == "super").count();
                // What is in a block may be in a module inside the file, which is one further down.
                let depth = inside.split('/').filter(|part| *part != "mod.rs").count();
                if steps >= depth + usize::from(path.nested) {
                    report(path.line, "leave the room by its name, `crate::room`, not by `super`".to_owned());
                }
            }
            [name, ..] if names.len() > 1 || path.import => {
                if let Some((name, homes)) = CRATES.iter().find(|(known, _)| *known == name)
                    && !is_home(homes)
                {
                    report(path.line, format!("the crate `{name}` belongs in `{}`", homes.join("`, `")));
                }
            }
            _ => {}
        }
    }
    if text.lines().count() > MAX_LINES {
        report(MAX_LINES + 1, format!("more than {MAX_LINES} lines"));
    }
    (broken, used)
}

/// A path of names, `a::b::c`, as the code has it: each leaf of a `use` tree is one.
struct Found {
    names: Vec<String>,
    line: usize,
    /// Whether it is a leaf of a `use`.
    import: bool,
    /// Whether it is within braces.
    nested: bool,
}

/// Collects the paths of a stream of tokens. Comments and literals are no names.
fn collect(tokens: TokenStream, prefix: &[String], nested: bool, found: &mut Vec<Found>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let (mut at, mut import) = (0, !prefix.is_empty());
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(name) if name == "use" => {
                import = true;
                at += 1;
            }
            TokenTree::Ident(name) => {
                let line = name.span().start().line;
                let mut names: Vec<String> = prefix.to_vec();
                // A path that goes on from something else, `::x`, `.x`, `'x`, is not one of its own.
                let own = at == 0
                    || !matches!(&tokens[at - 1], TokenTree::Punct(p) if matches!(p.as_char(), ':' | '.' | '\'')
                        && !is_type_colon(&tokens, at - 1));
                names.push(name.to_string());
                at += 1;
                while is_separator(&tokens, at) {
                    match tokens.get(at + 2) {
                        Some(TokenTree::Ident(name)) => {
                            names.push(name.to_string());
                            at += 3;
                        }
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            collect(group.stream(), &names, nested, found);
                            names.clear();
                            at += 3;
                        }
                        _ => break,
                    }
                }
                if own && !names.is_empty() {
                    found.push(Found { names, line, import, nested });
                }
                if matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "as") {
                    at += 2;
                }
            }
            TokenTree::Group(group) => {
                let nested = nested || group.delimiter() == Delimiter::Brace;
                // The braces of `use {a, b}` go on with what the `use` began.
                collect(group.stream(), &[], nested, found);
                at += 1;
            }
            TokenTree::Punct(punct) => {
                import &= punct.as_char() != ';';
                at += 1;
            }
            TokenTree::Literal(_) => at += 1,
        }
    }
}

/// Whether the tokens at this place are `::`.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Whether this colon stands alone: `name: Type`.
fn is_type_colon(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && !(at > 0 && colon(at - 1))
}
