//! `--watchdog-probe`: a watchdog for a program that knows none, fed by a probe.

use std::fs;
use std::time::{Duration, Instant};

use super::support::Traced;
use crate::harness::{Exit, Process, wait_until};

/// A program that counts how often its probe was tried.
const COUNTED: &str = "exec:test -e [DIR]/good && echo tried >>[DIR]/tries";

fn options<'a>(traced: &Traced, probe: &'a str, more: &'a [&'a str]) -> Vec<String> {
    let probe = probe.replace("[DIR]", &traced.dir.path().display().to_string());
    let words = ["--watchdog-sec=1", "--watchdog-probe", probe.as_str()];
    words.iter().chain(more).map(|&word| word.to_owned()).collect()
}

/// Starts it. Returns its monitor.
fn start(traced: &Traced, probe: &str, more: &[&str], program: &str) -> Process {
    let options = options(traced, probe, more);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    traced.run("classic", &options, program).run();
    traced.service.monitor().unwrap()
}

fn tries(traced: &Traced) -> usize {
    fs::read_to_string(traced.dir.join("tries")).unwrap_or_default().lines().count()
}

fn stop(traced: &Traced) {
    assert_eq!(traced.ask("stop").output().exit, Exit::Status(0));
    traced.dir.nothing_left();
}

#[test]
fn program_without_a_successful_probe_is_restarted() {
    let traced = Traced::new();
    traced.dir.write("good", "");
    start(&traced, COUNTED, &["--restart=on-watchdog", "--restart-sec=10ms"], "exec sleep 1000");
    let main = traced.service.main();
    wait_until("it was tried for longer than the watchdog's time", || (tries(&traced) >= 5).then_some(()));
    assert!(main.is_alive());
    assert_eq!(traced.service.main().pid(), main.pid());
    fs::remove_file(traced.dir.join("good")).unwrap();
    main.wait_gone();
    traced.dir.write("good", "");
    wait_until("it was started again", || {
        (traced.service.running().is_some_and(|now| now.pid() != main.pid())).then_some(())
    });
    stop(&traced);
}

#[test]
fn probe_that_hangs_is_a_miss_and_leaves_no_process() {
    let traced = Traced::new();
    // The program gets WatchdogSignal=, and its end is the watchdog's.
    let more = ["--watchdog-signal=USR1", "--exec-stop-post", "[T] post"];
    let monitor = start(
        &traced,
        "exec:echo $$ >>[DIR]/hung; exec sleep 1000",
        &more,
        "trap 'exit 7' USR1; while :; do sleep 0.01; done",
    );
    let log = traced.wait_for_lines(2);
    assert!(log[1].starts_with("post none watchdog exited 7 "), "{log:?}");
    monitor.wait_gone();
    let hung = traced.dir.read("hung");
    let pid: i32 = hung.lines().next().unwrap().parse().unwrap();
    wait_until("the probe is gone", || Process::open(pid).is_err().then_some(()));
    traced.dir.nothing_left();
}

#[test]
fn probes_of_places_feed_the_watchdog_until_they_are_gone() {
    let traced = Traced::new();
    traced.dir.write("place", "");
    let place = "file:[DIR]/place";
    let monitor = start(&traced, place, &["--exec-stop-post", "[T] post"], "exec sleep 1000");
    let main = traced.service.main();
    let began = Instant::now();
    wait_until("the time of the watchdog has passed twice", || {
        (began.elapsed() > Duration::from_secs(2)).then_some(())
    });
    assert_eq!(traced.service.main().pid(), main.pid());
    fs::remove_file(traced.dir.join("place")).unwrap();
    main.wait_gone();
    let log = traced.wait_for_lines(2);
    assert!(log[1].starts_with("post none watchdog "), "{log:?}");
    monitor.wait_gone();
    traced.dir.nothing_left();
}

#[test]
fn probe_without_a_watchdog_or_of_a_single_event_is_refused() {
    let traced = Traced::new();
    traced
        .run("classic", &["--watchdog-probe=tcp:80"], "exit 0")
        .stderr(
            "svcadapt: watchdog probe 'tcp:80': there is no watchdog that it could feed\n  hint: give its time with --watchdog-sec TIME\n",
        )
        .status(2)
        .run();
    traced
        .run("classic", &["--watchdog-sec=1", "--watchdog-probe=notify"], "exit 0")
        .stderr(
            "svcadapt: --watchdog-probe 'notify': it cannot be tried again while the program runs\n  hint: use tcp:[HOST:]PORT, unix:PATH, http://HOST:PORT/PATH, file:PATH or exec:COMMAND\n",
        )
        .status(2)
        .run();
    traced.dir.nothing_left();
}
