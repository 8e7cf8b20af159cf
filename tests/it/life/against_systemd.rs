//! The life of a service under svcadapt is its life under systemd: the same units, event by event.
//!
//! `units.txt` has the units; those of `Restart=` are made here, each policy with each way to end. A tracing program
//! (tests/tools/trace.rs) writes a line for each start of a command, with the variables that it sees, and for each
//! signal. These lines and what is left at the end are compared: under systemd, in classic mode, in supervised mode.

mod host;

use host::Svcadapt;

use crate::harness::{Dir, Systemd};

/// A service, and what is asked of it.
#[derive(Debug, Clone)]
struct Case {
    name: String,
    rounds: Vec<(String, Until)>,
    unit: String,
}

/// When a round is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// So many lines are written, and nothing is under way.
    Settled(usize),
    /// So many lines are written.
    Lines(usize),
    /// The service has ended for good.
    End,
}

/// Differences with a reason: the unit, the mode or `both`, and why.
const KNOWN: [(&str, &str, &str); 7] = [
    ("stop_late", "both", NEXT),
    ("timeout_oneshot", "both", NEXT),
    ("kill_mode_none", "both", MONITOR),
    ("send_sigkill_no", "both", MONITOR),
    ("program_missing", "both", "a program that does not exist is reported before anything is started"),
    ("oneshot_without_program", "both", "svcadapt runs a program; a unit without one is refused"),
    ("permissions_start_only", "both", "this old name is not read; `run` names it"),
];
const NEXT: &str =
    "if a command ends with 0 by the signal of a timeout, systemd still runs the next one of its list";
const MONITOR: &str =
    "the kernel kills the program with its monitor, so that the program never runs unwatched";

#[test]
fn life_of_each_unit_is_the_one_under_systemd() {
    let Some(systemd) = Systemd::shared() else { return };
    // All starts of a user take turns: not hundreds at a time.
    for some in cases().chunks(48) {
        compare(systemd, some);
    }
}

fn compare(systemd: &Systemd, cases: &[Case]) {
    let dir = Dir::new();
    for program in ["trace", "svcadapt"] {
        dir.program(program);
    }
    let (expected, classic, supervised) = std::thread::scope(|scope| {
        let real = scope.spawn(|| host::play(&mut host::UnderSystemd::new(systemd), &dir, cases));
        let classic = scope.spawn(|| host::play(&mut Svcadapt::new("classic"), &dir, cases));
        let supervised = scope.spawn(|| host::play(&mut Svcadapt::new("supervised"), &dir, cases));
        (real.join().unwrap(), classic.join().unwrap(), supervised.join().unwrap())
    });
    let mut wrong = Vec::new();
    for (mode, found) in [("classic", &classic), ("supervised", &supervised)] {
        for ((case, expected), found) in cases.iter().zip(&expected).zip(found) {
            let known = KNOWN.iter().any(|(unit, of, _)| *unit == case.name && [mode, "both"].contains(of));
            match (expected == found, known) {
                (false, false) => wrong.push(format!(
                    "{} differs in {mode} mode:\n{}{}",
                    case.name,
                    case.unit,
                    beside(expected, found)
                )),
                (true, true) => wrong.push(format!("{} is equal in {mode} mode now", case.name)),
                (true, false) | (false, true) => {}
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} under systemd {}:\n{}",
        wrong.len(),
        cases.len(),
        systemd.version(),
        wrong.join("\n")
    );
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

fn cases() -> Vec<Case> {
    let text = include_str!("units.txt");
    let all = text.split("\n== ").skip(1).map(|part| {
        let (head, unit) = part.split_once('\n').unwrap();
        let (name, rounds) = head.split_once(": ").unwrap();
        let rounds = rounds.split("; ").map(|round| {
            let (action, until) = round.split_once(' ').unwrap();
            let until = match (until, until.strip_prefix('~')) {
                ("end", _) => Until::End,
                (_, Some(count)) => Until::Lines(count.parse().unwrap()),
                (count, None) => Until::Settled(count.parse().unwrap()),
            };
            (action.to_owned(), until)
        });
        Case { name: name.to_owned(), rounds: rounds.collect(), unit: unit.trim_end().to_owned() + "\n" }
    });
    all.chain(restarts()).collect()
}

/// The table of systemd.service(5), `Restart=`.
fn restarts() -> impl Iterator<Item = Case> {
    let policies = ["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];
    let ends = ["exit 0", "exit 1", "raise KILL", "raise TERM", "raise ABRT"];
    policies.into_iter().flat_map(move |policy| {
        ends.into_iter().map(move |end| Case {
            name: format!("restart_{policy}_{}", end.replace(' ', "_")),
            rounds: vec![("start".to_owned(), Until::End)],
            unit: format!("Restart={policy}\nRestartSec=1ms\nStartLimitBurst=2\nExecStart=[T] main {end}\n"),
        })
    })
}
