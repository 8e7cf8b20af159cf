//! Whole files for whole specs: `tests/golden/cases/CASE/` has a spec and what svcadapt makes of it.
//!
//! `UPDATE=1 cargo test --test it -- golden` writes the files again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Capability, Dir, SOURCES, Svc, require};

/// What is made of a spec: the name of the file, and the arguments before the spec.
const MADE: &[(&str, &[&str])] = &[
    ("unit", &["gen-unit", "--svcadapt", "/usr/bin/svcadapt"]),
    ("plist", &["gen-plist", "--svcadapt", "/usr/local/bin/svcadapt"]),
    ("openrc", &["gen-openrc", "--svcadapt", "/usr/bin/svcadapt"]),
    ("runit", &["gen-runit", "--svcadapt", "/usr/bin/svcadapt"]),
    ("s6", &["gen-s6", "--svcadapt", "/usr/bin/svcadapt"]),
    ("sysv", &["gen-sysv", "--svcadapt", "/usr/bin/svcadapt"]),
    ("show", &["show"]),
    ("explain", &["explain", "--host", "systemd"]),
    ("explain-classic", &["explain", "--host", "classic"]),
];

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(SOURCES).join("tests/golden/cases");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 7, "the cases have not been found");
    cases
}

/// Compares what is printed for each spec with the file beside it: standard output, then what standard error says.
fn compare(made: &[(&str, &[&str])]) {
    let mut different = Vec::new();
    for case in cases() {
        for (name, arguments) in made {
            let dir = Dir::new();
            fs::copy(case.join("spec.json"), dir.join("spec.json")).unwrap();
            let ran = Svc::new(&dir).args(arguments.iter().chain(&["spec.json"])).output();
            let mut text = ran.stdout;
            let said = ran.stderr;
            if !said.is_empty() {
                text = format!("{text}--- standard error\n{said}");
            }
            let file = case.join(name);
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&file, &text).unwrap();
            } else if fs::read_to_string(&file).unwrap_or_default() != text {
                different.push(format!("{}:\n{text}", file.display()));
            }
        }
    }
    assert!(different.is_empty(), "{}\nUPDATE=1 takes it over", different.join("\n"));
}

#[test]
fn files_made_of_each_golden_spec_are_as_recorded() {
    compare(MADE);
}

#[test]
fn plan_of_each_golden_spec_is_as_recorded() {
    if require(Capability::Root) {
        compare(&[("plan", &["run", "--dry-run", "--mode", "systemd"])]);
    }
}
