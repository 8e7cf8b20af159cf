//! Signals: the starter's dispositions are reset, Rust's own stay, and mapped signals can be read.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{becomes, logged, seen};
use crate::harness::{Dir, Service};

const SIGPIPE: i32 = 13;

#[test]
fn signals_ignored_or_blocked_by_the_starter_are_reset() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", "ready", "stay"]).via_hostile(&["--only", "ignored,blocked"]).run();
    let now = seen(&service);
    assert_eq!(now["signals"]["blocked"], json!([]));
    // Rust ignores SIGPIPE and handles SIGBUS and SIGSEGV for stack overflows.
    assert_eq!(now["signals"]["ignored"], json!([SIGPIPE]));
    assert_eq!(now["signals"]["caught"], json!([7, 11]));
    // So SIGTERM ends it.
    let main = service.main();
    main.signal(Signal::SIGTERM);
    main.wait_gone();
}

#[test]
fn mapped_signal_is_delivered_and_has_no_other_effect() {
    let (dir, service) = (Dir::new(), Service::new());
    let map = ["TERM=tell", "HUP=tell", "USR1=tell", "RTMIN+3=tell", "USR2=ignore", "INT=default"];
    let words: Vec<&str> = map.iter().flat_map(|one| ["--signal", one]).collect();
    let deeds = ["enter", "ready", "signals", "stopping"];
    becomes(&dir, &service, &[&words[..], &deeds].concat()).via_hostile(&["--only", "ignored"]).run();
    let main = service.main();
    let now = seen(&service);
    let numbers = |key: &str| now["signals"][key].clone();
    let first = libc::SIGRTMIN();
    let mut reported =
        [Signal::SIGHUP as i32, Signal::SIGUSR1 as i32, Signal::SIGTERM as i32, first + 3, 7, 11];
    reported.sort_unstable();
    assert_eq!(numbers("blocked"), json!([]));
    assert_eq!(numbers("ignored"), json!([Signal::SIGUSR2 as i32, SIGPIPE]));
    assert_eq!(numbers("caught"), json!(reported));
    // One after the other: the kernel merges pending signals of one kind.
    for (signal, name) in [(Signal::SIGHUP, "SIGHUP"), (Signal::SIGUSR1, "SIGUSR1")] {
        main.signal(signal);
        logged(&dir, &format!("signal: {name}"));
    }
    main.signal(Signal::SIGUSR2);
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    logged(&dir, "signal: SIGTERM");
    logged(&dir, "stopping: Ok(())");
    assert!(!dir.read("log").contains("USR2"));
}

/// Mapped signals are the program's alone. (The C library's posix_spawn(3) ignores its own two, 32 and 33, for every
/// caller.)
#[test]
fn children_inherit_no_blocked_or_ignored_signal() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["--signal", "TERM=tell", "--signal", "HUP=tell"];
    let masks = "sh=for m in Blk Ign; do \
                 echo $((0x$(grep Sig$m /proc/self/status | cut -f 2) & ~0x180000000)); done";
    becomes(&dir, &service, &[&words[..], &["enter", masks, "ready", "stay"]].concat())
        .via_hostile(&["--only", "ignored,blocked"])
        .run();
    logged(&dir, "sh: \"0\\n0\\n\"");
}

#[test]
fn signals_reach_their_reader_despite_later_threads() {
    let (dir, service) = (Dir::new(), Service::new());
    let deeds = ["--signal", "TERM=tell", "enter", "thread", "thread", "ready", "signals"];
    becomes(&dir, &service, &deeds).run();
    let main = service.main();
    assert_eq!(seen(&service)["threads"], Value::from(3));
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    logged(&dir, "signal: SIGTERM");
}
