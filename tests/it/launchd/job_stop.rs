//! How the stand-in ends a job and the processes that it leaves.

use std::time::Duration;

use super::support::{RUN_AT_LOAD, arguments, open_dir, shell};
use crate::harness::{Dir, Launchd, wait_until};

const SECOND: Duration = Duration::from_millis(50);

/// A job that creates a file when it runs, and then obeys or ignores SIGTERM.
fn stays(dir: &Dir, launchd: &Launchd, label: &str, how: &str, keys: &str) {
    let (inspect, out) = (dir.join("inspect").display().to_string(), dir.join(label));
    let words = [&inspect, "--out", &out.display().to_string(), "--stdout", "up", how];
    let log = format!("<key>StandardOutPath</key><string>{}.log</string>", out.display());
    launchd.load(label, &(RUN_AT_LOAD.to_owned() + &arguments(&words) + &log + keys));
    wait_until("it has set its handler", || {
        std::fs::read_to_string(dir.join(&format!("{label}.log"))).ok().filter(|text| text == "up\n")
    });
}

#[test]
fn stop_sends_sigterm_and_sigkill_after_exit_time_out() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    stays(&dir, &launchd, "good", "--stay", "<key>KeepAlive</key><true/>");
    launchd.must("bootout good");
    launchd.wait("good", "removed");
    assert_eq!(launchd.story("good"), "loaded spawned sent(15) exited(0) removed");
    assert_eq!(launchd.ask("print good").status, 113);
    for (label, keys, seconds) in
        [("three", "<key>ExitTimeOut</key><integer>3</integer>", 3), ("default", "", 5)]
    {
        stays(&dir, &launchd, label, "--deaf", keys);
        launchd.must(&format!("bootout {label}"));
        launchd.wait(label, "removed");
        assert_eq!(launchd.story(label), "loaded spawned sent(15) sent(9) exited(-9) removed");
        let at = |number| launchd.wait_nth(label, "sent", number)["time"].as_u64().unwrap();
        let waited = Duration::from_micros(at(2) - at(1));
        assert!(
            waited >= SECOND * seconds && waited < SECOND * seconds + Duration::from_secs(2),
            "{waited:?}"
        );
    }
    // Without a limit.
    stays(&dir, &launchd, "never", "--deaf", "<key>ExitTimeOut</key><integer>0</integer>");
    stays(&dir, &launchd, "later", "--deaf", "");
    launchd.must("bootout never");
    launchd.must("bootout later");
    launchd.wait("later", "removed");
    assert_eq!(launchd.story("never"), "loaded spawned sent(15)");
    assert!(launchd.processes().len() == 1);
}

#[test]
fn signal_does_not_count_as_a_stop() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    stays(&dir, &launchd, "x", "--stay", "<key>KeepAlive</key><true/>");
    launchd.must("kill TERM x");
    launchd.wait_nth("x", "spawned", 2);
    let story = launchd.story("x");
    assert_eq!(story, "loaded spawned sent(15) exited(0) kept throttled spawned");
    launchd.must("kill 9 x");
    launchd.wait_nth("x", "spawned", 3);
    assert!(launchd.must("print x").contains("state = running\nruns = 3\n"));
}

#[test]
fn kickstart_k_stops_and_starts_the_job() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    stays(&dir, &launchd, "x", "--stay", "<key>ThrottleInterval</key><integer>0</integer>");
    launchd.must("kickstart x");
    assert_eq!(launchd.story("x"), "loaded spawned");
    launchd.must("kickstart -k x");
    launchd.wait_nth("x", "spawned", 2);
    assert_eq!(launchd.story("x"), "loaded spawned sent(15) exited(0) spawned");
}

#[test]
fn process_group_is_ended_unless_abandoned() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    // It ends once its child runs, which creates a file.
    let leaves = |name: &str, how: &str| {
        let mark = dir.join(name).display().to_string();
        shell(&format!("{how} sh -c ': > {mark}; exec sleep 60' & until [ -e {mark} ]; do :; done"))
    };
    launchd.load("swept", &leaves("a", ""));
    launchd.wait("swept", "exited");
    // The child is an orphan now, and process 1 reaps it.
    launchd.wait("", "orphan");
    wait_until("no process is left", || launchd.processes().is_empty().then_some(()));
    let abandon = "<key>AbandonProcessGroup</key><true/>";
    launchd.load("abandoned", &(leaves("b", "") + abandon));
    // A process in another session is not ended.
    launchd.load("escaped", &leaves("c", "setsid"));
    launchd.wait("abandoned", "idle");
    launchd.wait("escaped", "idle");
    assert_eq!(launchd.processes().len(), 2, "{:?}", launchd.processes());
}

#[test]
fn stand_in_ends_with_all_its_processes() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let inspect = dir.join("inspect").display().to_string();
    launchd.load("x", &shell(&format!("setsid {inspect} --deaf & exec {inspect} --deaf")));
    wait_until("both run", || (launchd.processes().len() == 2).then_some(()));
    let left = launchd.processes();
    drop(launchd);
    assert!(left.iter().all(|process| !process.is_alive()));
    dir.nothing_left();
}
