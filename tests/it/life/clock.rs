//! The clock of the day may be set at any time: no deadline of a life follows it.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Exit, Svc, wait_until};

/// Longer than anything here takes, and less than the clock jumps.
const LONG: Duration = Duration::from_secs(600);

/// In a process whose clock of the day jumps by an hour at each look (`tests/tools/clock_shim.rs`).
fn with_jumps<'a>(traced: &Traced, svc: Svc<'a>) -> Svc<'a> {
    svc.env("LD_PRELOAD", traced.dir.join("libclock_shim.so"))
}

#[test]
fn restart_and_stop_are_on_time_while_the_clock_jumps() {
    let traced = Traced::new();
    traced.dir.program("clock_shim");
    let options = ["--restart", "always", "--restart-sec", "300ms", "--timeout-stop-sec", "400ms"];
    with_jumps(&traced, traced.run("classic", &options, "trap '' TERM; while :; do sleep 1; done")).run();
    let monitor = traced.service.monitor().unwrap();
    // While it executes itself anew, no library is loaded.
    wait_until("the clock of the monitor jumps", || {
        let maps = fs::read_to_string(format!("/proc/{}/maps", monitor.pid())).unwrap();
        maps.contains("libclock_shim.so").then_some(())
    });
    traced.wait_for_lines(1);
    let killed = Instant::now();
    traced.service.main().signal(Signal::SIGKILL);
    traced.wait_for_lines(2);
    let took = killed.elapsed();
    assert!(took >= Duration::from_millis(300) && took < LONG, "the restart came after {took:?}");
    let stopped = Instant::now();
    let output = with_jumps(&traced, traced.ask("stop")).output();
    let took = stopped.elapsed();
    assert_eq!(output.exit, Exit::Status(0), "{}{}", output.stdout, output.stderr);
    assert!(took >= Duration::from_millis(400) && took < LONG, "the stop took {took:?}");
    traced.dir.nothing_left();
}

#[test]
fn start_timeout_is_on_time_while_the_clock_jumps() {
    for options in [&["--ready=file:[D]/never"][..], &["--type=notify", "--restart=always"]] {
        let traced = Traced::new();
        traced.dir.program("clock_shim");
        let path = traced.dir.path().display().to_string();
        let options: Vec<_> = options.iter().map(|word| word.replace("[D]", &path)).collect();
        let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
        options.push("--timeout-start-sec=400ms");
        options.extend(["--start-limit-interval-sec=1h", "--start-limit-burst=1"]);
        let started = Instant::now();
        let output = with_jumps(&traced, traced.run("classic", &options, "exec sleep 1000")).output();
        let took = started.elapsed();
        assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
        assert!(took >= Duration::from_millis(400) && took < LONG, "{options:?}: the start took {took:?}");
        traced.dir.wait_nothing_left();
    }
}
