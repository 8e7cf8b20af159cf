//! A late launcher reports what happened, even if everything is over before it has read anything.

use nix::sys::signal::Signal;

use crate::harness::{Dir, Svc, skip};

/// `run --mode classic` with these words, where each wait4(2) is delayed by a tenth of a second.
fn delayed<'a>(dir: &'a Dir, words: &[&str]) -> Option<Svc<'a>> {
    const STRACE: &str = "/usr/bin/strace";
    if !std::path::Path::new(STRACE).exists() {
        skip("strace", "it is not installed");
        return None;
    }
    dir.program("inspect");
    let path = dir.path().display().to_string();
    Some(
        Svc::new(dir)
            .program(STRACE)
            .args(["-o", "/dev/null", "-e", "trace=wait4", "-e", "inject=wait4:delay_enter=100000"])
            .args([
                "./svcadapt",
                "run",
                "--mode",
                "classic",
                "--standard-error",
                &format!("append:{path}/log"),
            ])
            .args(words.iter().map(|word| word.replace("[DIR]", &path))),
    )
}

#[test]
fn early_program_exit_is_reported_truly_by_a_late_launcher() {
    let dir = Dir::new();
    let never = ["--ready", "file:/nowhere/x", "--", "/bin/sh", "-c"];
    let Some(exits) = delayed(&dir, &[&never[..], &["exit 7"]].concat()) else { return };
    exits
        .stderr("svcadapt: start 'sh[ANY]': the program ended with status 7 before it was ready\n")
        .status(7)
        .run();
    delayed(&dir, &[&never[..], &["kill -USR1 $$"]].concat())
        .unwrap()
        .stderr("svcadapt: start 'sh[ANY]': the program ended by SIGUSR1 before it was ready\n")
        .signal(Signal::SIGUSR1)
        .run();
    // Without a probe the exec counts as success.
    delayed(&dir, &["--", "/bin/sh", "-c", "exit 7"]).unwrap().run();
    dir.nothing_left();
}

#[test]
fn early_step_failure_is_reported_by_a_late_launcher() {
    let dir = Dir::new();
    dir.executable("broken", "\x7fELF, or so it says");
    for probe in [&[][..], &["--ready", "notify"]] {
        let Some(fails) = delayed(&dir, &[probe, &["--", "[DIR]/broken"]].concat()) else { return };
        fails.stderr("svcadapt: exec '[DIR]/broken': exec format error\n").status(203).run();
    }
    dir.nothing_left();
}
