//! Faults around a monitor: what is left, what is believed, and whether the next start works.

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Exit, Process, wait_until};

const ALWAYS: [&str; 4] = ["--restart", "always", "--restart-sec", "1ms"];

/// A command that writes its pid and its parent's into a file and does not end (`$$` is a dollar sign).
fn endless(traced: &Traced) -> String {
    let file = traced.dir.join("pids").display().to_string();
    format!("/bin/sh -c 'echo $$$$ $$PPID >{file}.new; mv {file}.new {file}; exec sleep 1000'")
}

/// That command and its monitor.
fn endless_process(traced: &Traced) -> (Process, Process) {
    wait_until("the command runs", || {
        let text = std::fs::read_to_string(traced.dir.join("pids")).ok()?;
        let (own, parent) = text.trim().split_once(' ')?;
        let open = |pid: &str| Process::open(pid.parse().ok()?).ok();
        Some((open(own)?, open(parent)?))
    })
}

/// Nothing is left, and the next start works.
fn starts_again(traced: &Traced) {
    traced.ask("stop").stdout("[NAME]: not running\n").run();
    traced.dir.nothing_left();
    let written = traced.log().len();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    traced.wait_for_lines(written + 1);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY]\n").run();
    traced.dir.nothing_left();
}

#[test]
fn command_of_a_killed_monitor_ends_with_it_in_each_state() {
    for (option, request) in [
        ("--exec-condition", None),
        ("--exec-start-pre", None),
        ("--exec-start-post", None),
        ("--exec-reload", Some("reload")),
        ("--exec-stop", Some("stop")),
        ("--exec-stop-post", Some("stop")),
    ] {
        let traced = Traced::new();
        let command = endless(&traced);
        let options = [&ALWAYS[..], &[option, &command, "--timeout-stop-sec", "1000s"]].concat();
        let start = traced.run("classic", &options, "exec sleep 1000");
        let waiting = if let Some(request) = request {
            start.run();
            traced.ask(request).spawn()
        } else {
            start.spawn()
        };
        let (command, monitor) = endless_process(&traced);
        monitor.signal(Signal::SIGKILL);
        monitor.wait_gone();
        command.wait_gone();
        // The kernel ends the program, too.
        wait_until("the program is gone", || traced.service.running().is_none().then_some(()));
        let output = waiting.finish();
        // A stop finds that the service has ended.
        assert!(request == Some("stop") || output.exit != Exit::Status(0), "{option}: {}", output.stderr);
        starts_again(&traced);
    }
}

#[test]
fn killed_monitor_and_program_leave_no_second_program() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    traced.wait_for_lines(1);
    let (monitor, main) = (traced.service.monitor().unwrap(), traced.service.main());
    monitor.signal(Signal::SIGKILL);
    main.signal(Signal::SIGKILL);
    monitor.wait_gone();
    main.wait_gone();
    assert_eq!(traced.ask("status").output().exit, Exit::Status(1));
    assert_eq!(traced.log(), ["program"]);
    starts_again(&traced);
}

#[test]
fn stored_spec_that_is_cut_or_of_another_version_starts_nothing() {
    for damage in ["", "version=1\nmode=cl", "version=99\nend=\n"] {
        let traced = Traced::new();
        traced.run("classic", &[], "exec sleep 1000").run();
        traced.wait_for_lines(1);
        let main = traced.service.main();
        std::fs::write(format!("{}%spec", traced.service.lock().display()), damage).unwrap();
        let output = traced.ask("restart").output();
        assert_eq!(output.exit, Exit::Status(5), "{damage}: {}{}", output.stdout, output.stderr);
        assert!(main.is_alive());
        traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY]\n").run();
        traced.dir.nothing_left();
    }
}

#[test]
fn record_that_is_cut_is_not_believed() {
    let traced = Traced::new();
    traced.run("classic", &[], "exec sleep 1000").run();
    traced.wait_for_lines(1);
    let main = traced.service.main();
    let whole = std::fs::read(traced.service.record()).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(traced.service.record(), &whole[..length]).unwrap();
        assert_eq!(traced.ask("status").output().exit, Exit::Status(4), "{length} bytes");
        assert_ne!(traced.ask("stop").output().exit, Exit::Status(0), "{length} bytes");
        assert!(main.is_alive());
    }
    std::fs::write(traced.service.record(), &whole).unwrap();
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY]\n").run();
    traced.dir.nothing_left();
}
