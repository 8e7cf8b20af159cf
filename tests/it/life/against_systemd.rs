//! The life of a service under svcadapt is its life under systemd: the same units, event by event.
//!
//! `units.txt` and `cases.rs` have the units, `generated.rs` makes more of them from a seed. A tracing program
//! (tests/tools/trace.rs) writes a line for each start of a command, with its identity and the variables that it sees,
//! and for each signal. These lines and what is left at the end are compared: under each systemd from 252 on, in classic
//! mode, in supervised mode, and a part of them as process 1 of a container. Differences have reasons, in docs/differences.md; one that is gone is an error, too.

mod cases;
mod differences;
mod generated;
mod host;
mod play;

use std::env;
use std::path::Path;

use cases::Case;
use differences::Differences;
use host::{Svcadapt, UnderSystemd, is_compared};
use play::{Life, play};

use crate::harness::{Dir, Systemd, all_rounds};

/// The first version with `Type=exec` and all of these commands that the tests boot.
const OLDEST: u32 = 252;
/// The seeds of the units that are made in each run of the tests.
const SEEDS: u64 = 16;

#[test]
fn life_of_each_unit_is_the_one_under_systemd() {
    let mut all = cases::all();
    all.extend((0..SEEDS).map(generated::case));
    // A fourth of them, or all.
    all = all.into_iter().step_by(if all_rounds() { 1 } else { 4 }).collect();
    // For a person who looks at some of them.
    if let Some(part) = env::var_os("SVCADAPT_TEST_UNITS") {
        all.retain(|case| part.to_str().unwrap().split(',').any(|part| case.name.contains(part)));
    }
    compare(&all);
}

#[test]
#[ignore = "as many seeds as SVCADAPT_TEST_SEEDS says"]
fn life_of_units_from_many_seeds_is_the_one_under_systemd() {
    let number = |name: &str, default| {
        env::var_os(name).map_or(default, |value| value.to_str().unwrap().parse::<u64>().expect("a number"))
    };
    let first = number("SVCADAPT_TEST_SEED", SEEDS);
    let seeds = first..first + number("SVCADAPT_TEST_SEEDS", 200);
    compare(&seeds.map(generated::case).collect::<Vec<_>>());
}

fn compare(cases: &[Case]) {
    let systemds = Systemd::own_of_versions(OLDEST..);
    if systemds.is_empty() {
        return;
    }
    let dir = Dir::new();
    for program in ["trace", "svcadapt"] {
        dir.program(program);
    }
    for program in ["chrt", "ionice"] {
        dir.own_copy(&Path::new("/usr/bin").join(program), 0o755);
    }
    let (real, adapted) = std::thread::scope(|scope| {
        let dir = &dir;
        let real: Vec<_> = systemds
            .iter()
            .map(|systemd| scope.spawn(|| play(&mut UnderSystemd::new(systemd), dir, cases)))
            .collect();
        let adapted = Svcadapt::MODES.map(|mode| {
            let cases: Vec<Case> =
                cases.iter().filter(|case| is_compared(mode, &case.name)).cloned().collect();
            scope.spawn(move || play(&mut Svcadapt::new(mode), dir, &cases))
        });
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<Life>>| thread.join().unwrap();
        (real.into_iter().map(join).collect::<Vec<_>>(), adapted.map(join))
    });
    let known = Differences::documented();
    let mut wrong = known.unknown_units(&cases::all());
    for (mode, adapted) in Svcadapt::MODES.iter().zip(&adapted) {
        let compared = cases.iter().enumerate().filter(|(_, case)| is_compared(mode, &case.name));
        for ((at, case), adapted) in compared.zip(adapted) {
            let mut different: Vec<(Vec<u32>, String)> = Vec::new();
            for (systemd, lives) in systemds.iter().zip(&real) {
                let version = systemd.version();
                let variables = known.variables(mode, version);
                let [expected, found] = [&lives[at], adapted].map(|life| without(&life.lines, &variables));
                match (expected == found, known.has(&case.name, mode, version)) {
                    (false, false) => {
                        // As far as possible the same text for all versions.
                        let few = known.variables(mode, u32::MAX);
                        let fewer = [&expected, &found].map(|life| without(life, &few));
                        let [one, other] = if fewer[0] == fewer[1] { [expected, found] } else { fewer };
                        let text = beside(&one, &other);
                        match different.iter_mut().find(|(_, other)| *other == text) {
                            Some((versions, _)) => versions.push(version),
                            None => different.push((vec![version], text)),
                        }
                    }
                    (true, true) => {
                        wrong.push(format!("{} is the same in {mode} mode as under {version}", case.name));
                    }
                    (true, false) | (false, true) => {}
                }
            }
            for (versions, text) in different {
                let (name, unit) = (&case.name, &case.unit);
                wrong.push(format!(
                    "{name} differs in {mode} mode from {versions:?}:\n{unit}{text}{}",
                    adapted.errors
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} units:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The lines without these variables.
fn without(lines: &[String], variables: &[&str]) -> Vec<String> {
    let is_one = |word: &str| word.split_once('=').is_some_and(|(name, _)| variables.contains(&name));
    let line = |line: &String| line.split(' ').filter(|word| !is_one(word)).collect::<Vec<_>>().join(" ");
    lines.iter().map(line).collect()
}

/// Both lists of lines, with a mark at those that differ.
fn beside(expected: &[String], found: &[String]) -> String {
    let lines = (0..expected.len().max(found.len())).map(|at| match (expected.get(at), found.get(at)) {
        (Some(one), Some(other)) if one == other => format!("    {one}\n"),
        (one, other) => {
            let one = one.map(|line| format!("  - {line}\n")).unwrap_or_default();
            one + &other.map(|line| format!("  + {line}\n")).unwrap_or_default()
        }
    });
    lines.collect()
}
