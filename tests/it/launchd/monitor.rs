//! launchd follows only its child and sends only SIGTERM, so the adapter stays as a monitor.

use std::time::Duration;

use super::generated_jobs::generate;
use super::support::open_dir;
use crate::harness::{Dir, Launchd, Process, wait_until};

const SECOND: Duration = Duration::from_millis(400);

/// The daemon of the job.
fn daemon(dir: &Dir, launchd: &Launchd) -> Process {
    wait_until("the program reports", || dir.join("report").exists().then_some(()));
    wait_until("the adapter and the daemon", || (launchd.processes().len() == 2).then_some(()));
    launchd.process(&dir.report("report")["pid"])
}

const FORKS: [&str; 7] =
    ["[DIR]/daemonic", "--forks", "2", "--pid-file", "[DIR]/its.pid", "[DIR]/inspect", "--out"];

#[test]
fn forking_program_is_kept_and_stopped() {
    for (label, end, story) in [
        ("forking", "--stay", "loaded spawned sent(15) exited(0) removed"),
        // Killed by the adapter in time: launchd would have killed only the adapter.
        ("forking-deaf", "--deaf", "loaded spawned sent(15) exited(-9) removed"),
    ] {
        let dir = open_dir();
        dir.program("daemonic");
        let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
        let out = "--standard-output=append:[DIR]/out";
        let words = ["--type=forking", "--pid-file=[DIR]/its.pid", "--timeout-stop-sec=1", out];
        let program = [&FORKS[..], &["[DIR]/report", "--stdout", "up", end]].concat();
        assert_eq!(generate(&dir, &launchd, label, &words, &program), "");
        let main = daemon(&dir, &launchd);
        wait_until("its handler is there", || (dir.read("out") == "up\n").then_some(()));
        // The earlier record, of the monitor itself, has a shared session.
        wait_until("the adapter has found it", || {
            // The stand-in has its own /run.
            std::fs::read_to_string(format!("/proc/{}/root/run/svcadapt/{label}%record", main.pid()))
                .ok()
                .filter(|text| text.contains("\nsession="))
        });
        launchd.must(&format!("bootout {label}"));
        launchd.wait(label, "removed");
        assert_eq!(launchd.story(label), story);
        main.wait_gone();
        assert!(launchd.processes().is_empty());
    }
}

#[test]
fn forking_program_is_restarted_after_its_exit() {
    let dir = open_dir();
    dir.program("daemonic");
    let Some(launchd) = Launchd::start(&dir, Duration::from_millis(20)) else { return };
    let words = ["--type=forking", "--pid-file=[DIR]/its.pid", "--restart=on-failure"];
    let program = [&FORKS[..], &["[DIR]/report", "--exit-after", "50:3"]].concat();
    generate(&dir, &launchd, "again", &words, &program);
    assert_eq!(launchd.wait_nth("again", "exited", 2)["status"], 3);
}

#[test]
fn kill_and_reload_signals_are_translated() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let text =
        "trap 'echo quit; exit 0' QUIT; trap 'echo reload' USR1; echo up; while :; do sleep 60 & wait; done";
    let words = ["--kill-signal=SIGQUIT", "--reload-signal=SIGUSR1", "--standard-output=append:[DIR]/out"];
    generate(&dir, &launchd, "signals", &words, &["/bin/sh", "-c", text]);
    let wait_for_line = |line: &str| {
        wait_until(line, || {
            std::fs::read_to_string(dir.join("out")).ok().filter(|text| text.ends_with(line))
        });
    };
    wait_for_line("up\n");
    launchd.must("kill HUP signals");
    wait_for_line("reload\n");
    launchd.must("bootout signals");
    launchd.wait("signals", "removed");
    wait_for_line("quit\n");
    let story = launchd.story("signals");
    assert!(story.ends_with("sent(15) exited(0) removed"), "{story}");
    // A child that the shell has left ends by the signal of the stand-in.
    wait_until("no process of the job is left", || launchd.processes().is_empty().then_some(()));
}

#[test]
fn readiness_of_a_job_of_a_user_is_heard_by_root() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let words = ["--user=nobody", "--ready=file:[DIR]/up"];
    let program = ["[DIR]/inspect", "--out", "[DIR]/report", "--stay"];
    assert_eq!(generate(&dir, &launchd, "org.example.ready", &words, &program), "");
    assert_eq!(dir.awaited_report()["uid"]["real"], 65534);
    let svcadapt = dir.program("svcadapt").display().to_string();
    let ask = |label: &str, timeout: &str| {
        let wait = [&svcadapt, "wait", "org.example.ready", "--ready", "--timeout", timeout];
        generate(&dir, &launchd, label, &[], &wait);
        launchd.wait(label, "exited")["status"].clone()
    };
    assert_ne!(ask("early", "100ms"), 0);
    dir.write("up", "");
    assert_eq!(ask("late", "20s"), 0);
}

#[test]
fn job_that_is_not_ready_in_time_ends() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let words = ["--ready=file:/nowhere/x", "--timeout-start-sec=100ms"];
    generate(&dir, &launchd, "late", &words, &["/bin/sleep", "600"]);
    assert_eq!(launchd.wait("late", "exited")["status"], 249);
    assert!(launchd.processes().is_empty(), "{:?}", launchd.processes());
}

#[test]
fn restarts_with_a_limit_are_counted_by_the_monitor() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let limit = ["--start-limit-burst=3", "--start-limit-interval-sec=1h"];
    let words = [&["--restart=on-failure", "--restart-sec=10ms"][..], &limit].concat();
    generate(&dir, &launchd, "fails", &words, &["/bin/sh", "-c", "echo x >>[DIR]/starts; exit 3"]);
    assert_eq!(launchd.wait("fails", "exited")["status"], 3);
    launchd.wait("fails", "idle");
    assert_eq!(launchd.story("fails"), "loaded spawned exited(3) idle");
    assert_eq!(dir.read("starts"), "x\nx\nx\n");
}
