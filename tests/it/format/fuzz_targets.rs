//! No input makes a reader panic, run too long or use too much memory, and written files are read back unchanged.
//!
//! The targets are those of `fuzz/`, here with a bounded number of inputs from a seeded generator.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::{Dir, Exit, SOURCES, Svc, rounds};

/// All targets that have a program in `fuzz/`.
const TARGETS: [&str; 7] =
    ["unit", "plist", "json", "environment_file", "unit_round_trip", "plist_round_trip", "json_round_trip"];

// As many inputs as take a second or two without optimisation.

#[test]
fn fuzzed_units_do_not_break_the_reader() {
    campaign("unit", 1, 1_500);
}

#[test]
fn fuzzed_property_lists_do_not_break_the_reader() {
    campaign("plist", 2, 6_000);
}

#[test]
fn fuzzed_json_does_not_break_the_reader() {
    campaign("json", 3, 12_000);
}

#[test]
fn fuzzed_environment_files_do_not_break_the_reader() {
    campaign("environment_file", 4, 12_000);
}

#[test]
fn random_spec_round_trips_through_a_unit() {
    campaign("unit_round_trip", 5, 6_000);
}

#[test]
fn random_spec_round_trips_through_a_property_list() {
    campaign("plist_round_trip", 6, 4_000);
}

#[test]
fn random_spec_round_trips_through_json() {
    campaign("json_round_trip", 7, 4_000);
}

/// Runs in a process of its own with bounded time and memory.
fn campaign(target: &str, seed: u64, inputs: usize) {
    let dir = Dir::new();
    let current = dir.join("current");
    let output = Svc::new(&dir)
        .program("fuzz")
        .args([target, &seed.to_string(), &rounds(inputs).to_string()])
        .args([&current])
        .deadline(Duration::from_secs(120))
        .output();
    if output.exit == Exit::Status(0) {
        return;
    }
    // Outside of the directory, which is removed.
    let kept = std::env::temp_dir().join(format!("svcadapt-fuzz-{target}-{seed}"));
    let input = fs::read(&current).unwrap_or_default();
    fs::write(&kept, &input).unwrap();
    panic!(
        "{target}, seed {seed}: {}\n{}\ninput ({} bytes): {}\n\
         again: cargo run --example fuzz -- {target} --input {}",
        output.exit,
        output.stderr,
        input.len(),
        input[..input.len().min(2_000)].escape_ascii(),
        kept.display()
    );
}

/// cargo-fuzz builds one program for each target, which is named in three places.
#[test]
fn fuzz_target_has_program_seeds_and_dictionary() {
    let root = Path::new(SOURCES);
    for target in TARGETS {
        for path in [format!("tests/fuzz/seeds/{target}"), format!("tests/fuzz/dictionaries/{target}")] {
            assert!(root.join(&path).exists(), "no {path}");
        }
        // A published package contains no other package, so `fuzz/` may be missing.
        let program = root.join(format!("fuzz/fuzz_targets/{target}.rs"));
        if let Ok(text) = fs::read_to_string(&program) {
            assert!(text.contains(&format!("fuzz::run(\"{target}\", bytes)")), "{text}");
        } else {
            assert!(!root.join("fuzz").exists(), "no {}", program.display());
        }
    }
}

/// The driver's own bounds work.
#[test]
fn fuzz_target_that_breaks_a_bound_fails() {
    let dir = Dir::new();
    for (target, exit) in
        [("panics", Exit::Status(101)), ("fills", Exit::Signal(6)), ("no such target", Exit::Status(101))]
    {
        let output = Svc::new(&dir).program("fuzz").args([target, "--input", "/dev/null"]).output();
        assert_eq!(output.exit, exit, "{target}: {}", output.stderr);
    }
}
