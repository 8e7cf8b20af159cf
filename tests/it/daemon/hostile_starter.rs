//! A program that becomes a service by the library has the same clean state as one started by `run`, whatever its
//! starter's state.

use serde_json::{Value, json};

use super::{becomes, seen};
use crate::harness::{Dir, Service, Svc, facts};

/// The facts that are compared. The rest differs by process (pids, times) or by design: see below.
const SAME: [&str; 14] = [
    "uid",
    "gid",
    "groups",
    "umask",
    "cwd",
    "root",
    "tty_nr",
    "nice",
    "oom_score_adj",
    "limits",
    "no_new_privs",
    "capabilities",
    "seccomp",
    "threads",
];

/// Started as a program by `svcadapt run`.
fn started(dir: &Dir, service: &Service, options: &[&str]) -> Value {
    let sleep = dir.program("/bin/sleep").display().to_string();
    // The library leaves the streams to the program.
    let null = "--standard-output=null";
    let words = ["run", "--mode", "classic", null, "--name", service.name(), "--", &sleep, "60"];
    // What a person at the terminal sees.
    let line = if options.contains(&"--tty") { "[NAME]: running, pid [PID]\n" } else { "" };
    Svc::new(dir).args(words).via_hostile(options).name("[NAME]", service.name()).stdout(line).run();
    facts(&service.main().pid().to_string()).unwrap()
}

#[test]
fn daemon_of_a_hostile_starter_equals_a_program_of_run() {
    let starters: [&[&str]; 5] = [
        &[],
        &["--only", "cwd", "--tty"],
        &["--only", "cwd", "--close-stdio"],
        &["--only", "nofile,fds"],
        &["--only", "umask,env,groups"],
    ];
    for options in starters {
        let (dir, one, other) = (Dir::new(), Service::new(), Service::new());
        let expected = started(&dir, &one, options);
        becomes(&dir, &other, &["enter", "ready", "stay"]).via_hostile(options).run();
        let got = seen(&other);
        for key in SAME {
            assert_eq!(got[key], expected[key], "{options:?}: {key}");
        }
        for number in ["0", "1", "2"] {
            assert_eq!(got["fds"][number], expected["fds"][number], "{options:?}: descriptor {number}");
        }
        // By design: Rust ignores SIGPIPE and handles stack overflows.
        assert_eq!(got["signals"], json!({ "blocked": [], "ignored": [13], "caught": [7, 11] }));
        assert_eq!(expected["signals"], json!({ "blocked": [], "ignored": [], "caught": [] }));
    }
}
