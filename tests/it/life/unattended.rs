//! A daemon with which no process stays: `stop`, `reload` and `restart` do what its stored spec says.

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Process, wait_until};

/// A program that ignores SIGTERM as soon as it has written a second line.
const DEAF: &str = "trap '' TERM; echo deaf >>\"$(dirname \"$0\")/log\"; while :; do sleep 1000; done";

const STOPPED: &str = "[NAME]: stopped (SIGTERM, [ANY] s)\n";

/// The pid that the program has written into this file.
fn written(traced: &Traced, name: &str) -> Process {
    wait_until("the program has written its pid", || {
        let text = std::fs::read_to_string(traced.dir.join(name)).ok()?;
        Process::open(text.trim().parse().ok()?).ok()
    })
}

/// A program with a child in the same session, whose pid is in the file `child`. Both react like this to SIGTERM.
fn parent(traced: &Traced, on_term: &str) -> String {
    let child = traced.dir.join("child").display().to_string();
    format!(
        "trap '{on_term}' TERM; sleep 1000 & echo $! >{child}.new; mv {child}.new {child}; while :; do wait; done"
    )
}

#[test]
fn stop_command_of_a_daemon_runs_without_a_monitor() {
    let traced = Traced::new();
    let log = traced.dir.join("log").display().to_string();
    let shell = format!("--exec-stop=/bin/sh -c 'kill -0 $MAINPID && echo $SEEN $PWD >>{log}'");
    let options = ["--environment", "SEEN=yes", "--working-directory", "/", "--exec-stop=[T] stop", &shell];
    traced.run("classic", &options, "exec sleep 1000").run();
    assert!(traced.service.monitor().is_none());
    traced.wait_for_lines(1);
    traced.ask("stop").stdout(STOPPED).run();
    assert_eq!(traced.log(), ["program", "stop main success none none 0", "yes /"]);
    traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
    traced.dir.nothing_left();
    assert!(!traced.service.record().exists());
}

#[test]
fn service_that_its_stop_command_ends_gets_no_signal() {
    let traced = Traced::new();
    let stop = "--exec-stop=/bin/sh -c 'kill -INT $MAINPID; while kill -0 $MAINPID; do sleep 0.01; done 2>/dev/null'";
    traced.run("classic", &[stop], "exec sleep 1000").run();
    let output = traced.ask("stop").output();
    assert!(output.stdout.contains(": stopped (") && !output.stdout.contains("SIG"), "{}", output.stdout);
    traced.dir.nothing_left();
}

#[test]
fn failed_stop_command_is_reported_and_the_service_is_stopped() {
    let traced = Traced::new();
    traced.run("classic", &["--exec-stop=[T] stop 3", "--exec-stop=[T] second"], "exec sleep 1000").run();
    traced.wait_for_lines(1);
    traced
        .ask("stop")
        .stdout(STOPPED)
        .stderr("svcadapt: ExecStop '[DIR]/trace stop 3': the command exited with status 3\n")
        .run();
    assert_eq!(traced.log(), ["program", "stop main success none none 0"]);
    traced.dir.nothing_left();
}

#[test]
fn service_whose_programs_are_gone_is_killed_all_the_same() {
    let traced = Traced::new();
    traced.run("classic", &["--exec-stop=[T] stop"], "exec sleep 1000").run();
    traced.wait_for_lines(1);
    for name in ["trace", "program"] {
        std::fs::remove_file(traced.dir.join(name)).unwrap();
    }
    traced.ask("stop").stdout(STOPPED).stderr("svcadapt: exec '[DIR]/trace': there is no such file\n").run();
    traced.dir.nothing_left();
}

#[test]
fn stop_command_that_never_ends_is_ended_by_the_stop_timeout() {
    let traced = Traced::new();
    let options = ["--exec-stop=/bin/sh -c 'sleep 1001; sleep 1002'", "--timeout-stop-sec", "200ms"];
    traced.run("classic", &options, DEAF).run();
    traced.wait_for_lines(2);
    traced
        .ask("stop")
        .stdout("[NAME]: stopped (SIGKILL after [ANY] s)[ANY]\n")
        .stderr("svcadapt: ExecStop '/bin/sh -c sleep 1001; sleep 1002': the command was killed by SIGTERM\n")
        .run();
    traced.dir.nothing_left();
}

#[test]
fn reload_command_runs_as_the_service_and_its_failure_is_reported() {
    let traced = Traced::new();
    traced.run("classic", &["--exec-reload=[T] one", "--exec-reload=-[T] two 2"], "exec sleep 1000").run();
    assert!(traced.service.monitor().is_none());
    traced.wait_for_lines(1);
    traced.ask("reload").stdout("[NAME]: reloaded\n").run();
    let lines = ["program", "one main none none none 0", "two main none none none 0"];
    assert_eq!(traced.wait_for_lines(3), lines);
    assert!(traced.service.main().is_alive());
    traced.ask("stop").stdout(STOPPED).run();
    traced.dir.nothing_left();
}

#[test]
fn restart_stops_by_the_stop_command_and_starts_again() {
    let traced = Traced::new();
    traced.run("classic", &["--exec-stop=[T] stop"], "exec sleep 1000").run();
    traced.wait_for_lines(1);
    let first = traced.service.main();
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    first.wait_gone();
    assert_eq!(traced.wait_for_lines(3), ["program", "stop main success none none 0", "program"]);
    traced.ask("stop").stdout(STOPPED).run();
    traced.dir.nothing_left();
}

#[test]
fn kill_mode_decides_who_is_stopped() {
    for (mode, child_lives) in [("process", true), ("control-group", false), ("mixed", false)] {
        let traced = Traced::new();
        traced.run("classic", &["--kill-mode", mode], &parent(&traced, "exit 0")).run();
        assert!(traced.service.monitor().is_none(), "{mode}");
        let child = written(&traced, "child");
        let output = traced.ask("stop").output();
        assert!(output.stdout.contains(": stopped (SIGTERM, "), "{mode}: {}{}", output.stdout, output.stderr);
        assert_eq!(child.is_alive(), child_lives, "{mode}");
        child.signal(Signal::SIGKILL);
        child.wait_gone();
        traced.dir.nothing_left();
    }
}

#[test]
fn service_that_may_not_be_killed_is_reported_as_running() {
    for option in ["--send-sigkill=no", "--kill-mode=none"] {
        let traced = Traced::new();
        let options = [option, "--timeout-stop-sec", "100ms"];
        traced.run("classic", &options, DEAF).run();
        traced.wait_for_lines(2);
        let main = traced.service.main();
        let output = traced.ask("stop").output();
        assert!(
            output.stderr.contains(&format!("process {} has not ended", main.pid())),
            "{}",
            output.stderr
        );
        assert!(main.is_alive());
        assert!(traced.ask("status").output().stdout.contains(": running"));
        main.signal(Signal::SIGKILL);
        main.wait_gone();
        traced.ask("stop").output();
        traced.dir.nothing_left();
    }
}

#[test]
fn final_kill_signal_replaces_sigkill() {
    let traced = Traced::new();
    let options = ["--final-kill-signal", "USR1", "--timeout-stop-sec", "100ms"];
    traced.run("classic", &options, DEAF).run();
    traced.wait_for_lines(2);
    traced.ask("stop").stdout("[NAME]: stopped (SIGUSR1, [ANY] s)[ANY]\n").run();
    traced.dir.nothing_left();
}
