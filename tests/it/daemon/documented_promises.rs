//! The documentation is true: python-daemon's table names existing tests, and every method of the builder is compared
//! with its option.

use std::fs;
use std::path::Path;

use crate::harness::SOURCES;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(SOURCES).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether this file has a test of this name that asserts something.
fn is_test(text: &str, name: &str) -> bool {
    let Some((_, rest)) = text.split_once(&format!("#[test]\nfn {name}() {{\n")) else { return false };
    let body = rest.split("\n}\n").next().unwrap_or_default();
    ["assert", ".run()", "logged("].iter().any(|word| body.contains(word))
}

/// The words between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn python_daemon_table_names_existing_tests() {
    let page = read("src/daemon/from_python_daemon.md");
    let (_, section) = page.split_once("\n# Its test suite").unwrap();
    let section = section.split("\n# ").next().unwrap();
    let rows: Vec<&str> =
        section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| behaviour")).collect();
    let rows: Vec<&str> = rows.into_iter().filter(|row| !row.starts_with("| ---")).collect();
    assert!(rows.len() > 10, "the table was not found");
    let (mut behaviours, mut tests) = (0, 0);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [behaviour, named] = cells[..] else { panic!("{row}") };
        // The number of python-daemon's tests in a row.
        behaviours += behaviour
            .split(['(', ')'])
            .skip(1)
            .step_by(2)
            .filter_map(|number| number.parse::<usize>().ok())
            .sum::<usize>();
        let mut file: Option<(String, String)> = None;
        let mut here = 0;
        for word in quoted(named) {
            let path = format!("tests/it/daemon/{word}.rs");
            let path = path.replace("daemon/../", "");
            match &file {
                Some((name, text)) if !Path::new(SOURCES).join(&path).exists() => {
                    assert!(is_test(text, word), "{name} has no test {word}");
                    here += 1;
                }
                // `module`: followed by its tests. A module outside of daemon/ is named as a whole.
                _ => {
                    let text = read(&path);
                    here += usize::from(word.starts_with("../") && text.contains("#[test]\n"));
                    file = Some((path, text));
                }
            }
        }
        assert!(here > 0, "{row} names no test");
        tests += here;
    }
    // Of 139, three are about imports and exception classes.
    assert!(behaviours == 136 && tests >= 25, "{behaviours} behaviours and {tests} tests");
}

/// Methods of the builder that set no field of the spec, and the file that tests them.
const BESIDE_THE_SPEC: [(&str, &str); 10] = [
    ("new", "tests/it/daemon/builder.rs"),
    ("spec", "tests/it/daemon/builder.rs"),
    ("plan", "tests/it/daemon/builder.rs"),
    ("detach_process", "tests/it/daemon/builder.rs"),
    ("reexecute", "tests/it/daemon/builder.rs"),
    ("signal_map", "tests/it/daemon/builder.rs"),
    ("signals", "tests/it/daemon/builder.rs"),
    ("keep_privileges", "tests/it/daemon/builder.rs"),
    ("enter", "tests/tools/becomes.rs"),
    ("run", "examples/echo.rs"),
];

#[test]
fn builder_methods_are_all_compared_with_options() {
    let mut methods = Vec::new();
    for source in ["src/daemon/builder.rs", "src/daemon/enter.rs"] {
        let text = read(source);
        // The blocks of `impl Daemon`, to the brace at the margin.
        for block in text.split("\nimpl").skip(1).filter(|block| {
            block
                .lines()
                .next()
                .is_some_and(|line| line.ends_with("Daemon<'fd> {") || line.ends_with("Daemon<'_> {"))
        }) {
            let block = block.split("\n}\n").next().unwrap();
            methods.extend(block.lines().filter_map(|line| {
                let rest = line.strip_prefix("    pub fn ")?;
                rest.split(['(', '<']).next().map(str::to_owned)
            }));
        }
    }
    assert!(methods.len() > 35, "{methods:?} are not all");
    let table = read("tests/it/daemon/builder.rs");
    let (_, table) = table.split_once("\nfn call<").unwrap();
    let table = table.split("\n}\n").next().unwrap();
    for method in &methods {
        match BESIDE_THE_SPEC.iter().find(|(known, _)| known == method) {
            Some((_, place)) => {
                let text = read(place);
                let used = [format!(".{method}("), format!("Daemon::{method}(")];
                assert!(used.iter().any(|used| text.contains(used)), "{place} has no {method}");
            }
            None => assert!(table.contains(&format!("daemon.{method}(")), "{method} has no row in `call`"),
        }
    }
    for (known, _) in BESIDE_THE_SPEC {
        assert!(methods.iter().any(|method| method == known), "there is no method {known}");
    }
}
