//! A fault at any system call of a start or a stop: the exit status is true, nothing is left, and the next start works.

use std::path::Path;
use std::time::Duration;

use crate::harness::{Capability, Dir, Exit, SOURCES, Svc, all_rounds, example, require, skip};

/// One in so many cases is tried here; `tests/tools/sweep` without `--every` tries all. The steps are no divisors of the
/// number of faults.
const EVERY: &str = "151";
/// The same where not all rounds are asked for.
const RARELY: &str = "1201";

/// Calls that are repeated for each process of the machine: the first ones are enough.
const MOST: &str = "8";

#[test]
fn fault_at_any_system_call_gives_a_true_status_and_no_leftovers() {
    if ![Capability::Namespaces, Capability::Strace, Capability::Python].into_iter().all(require) {
        return;
    }
    if !Path::new("/usr/bin/cc").exists() {
        return skip("cc", "it is not installed");
    }
    let dir = Dir::new();
    let sweep = Path::new(SOURCES).join("tests/tools/sweep");
    let svcadapt = dir.program("svcadapt");
    let words = [
        sweep.as_os_str(),
        "--every".as_ref(),
        (if all_rounds() { EVERY } else { RARELY }).as_ref(),
        "--most".as_ref(),
        MOST.as_ref(),
        svcadapt.as_os_str(),
    ];
    let output = Svc::new(&dir)
        .program("/usr/bin/python3")
        .args(words)
        .args([example("becomes")])
        .deadline(Duration::from_secs(400))
        .output();
    assert_eq!(output.exit, Exit::Status(0), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains(" cases, 0 findings\n"), "{}", output.stdout);
    dir.nothing_left();
}
