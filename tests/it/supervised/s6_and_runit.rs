//! Under s6 and runit the supervised process is the program, and s6 gets readiness by its own protocol, whatever the
//! program uses.

use std::fs;

use nix::sys::signal::Signal;

use super::support::{Gate, NO_PROCESSES, adapters, children, wait_no_adapter};
use crate::harness::{Dir, Exit, Output, Running, Service, Svc, free_port, have, installed, wait_until};

/// A service directory with this `run` script, where `[DIR]` is the directory and the command is `svcadapt run`.
pub(crate) fn service(dir: &Dir, words: &str) {
    dir.program("svcadapt");
    dir.program("inspect");
    let path = dir.path().display().to_string();
    fs::create_dir(dir.join("service")).unwrap();
    let text = format!("#!/bin/sh\nexec '{path}/svcadapt' run {}\n", words.replace("[DIR]", &path));
    dir.executable("service/run", &text);
}

/// A command of the supervisor's, run to its end.
pub(crate) fn command(dir: &Dir, program: &str, words: &[&str]) -> Output {
    Svc::new(dir).program(&format!("/usr/bin/{program}")).args(words).arg_service().output()
}

/// s6-supervise(1) records that the service is up a moment after it has started it.
fn wait_known(dir: &Dir) {
    let state = || command(dir, "s6-svstat", &["-o", "up,ready"]).stdout;
    wait_until("s6 knows that it is up", || (state() != "false false\n").then_some(()));
}

impl Svc<'_> {
    /// The service directory.
    fn arg_service(self) -> Self {
        self.args(["service"])
    }
}

/// Starts s6-supervise(1) on the service directory, and waits until the service is up.
pub(crate) fn s6(dir: &Dir) -> Running {
    let running = Svc::new(dir).program("/usr/bin/s6-supervise").arg_service().spawn();
    wait_until("s6 listens", || command(dir, "s6-svok", &[]).exit.eq(&Exit::Status(0)).then_some(()));
    running
}

pub(crate) fn end_s6(dir: &Dir, running: Running) {
    assert_eq!(command(dir, "s6-svc", &["-dx"]).exit, Exit::Status(0));
    let output = running.finish();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    dir.nothing_left();
}

#[test]
fn s6_gets_readiness_and_not_before() {
    if !have("s6-supervise") {
        return;
    }
    let port = free_port();
    for (ready, deed) in [
        (format!("--ready tcp:127.0.0.1:{port}"), format!("--listen tcp:{port}")),
        ("--ready fd:7".to_owned(), "--ready fd:7".to_owned()),
        ("--ready 'exec:test -e [DIR]/report'".to_owned(), String::new()),
    ] {
        let dir = Dir::new();
        let gate = Gate::inspect(&dir);
        service(
            &dir,
            &format!("--notification-fd 3 {ready} -- '[DIR]/gated' --out '[DIR]/report' {deed} --stay"),
        );
        dir.write("service/notification-fd", "3\n");
        let running = s6(&dir);
        gate.wait_started();
        wait_known(&dir);
        assert_eq!(command(&dir, "s6-svstat", &["-o", "up,ready"]).stdout, "true false\n", "{ready}");
        wait_until("the helper is alone", || (adapters(&dir).len() == 1).then_some(()));
        let waiting =
            Svc::new(&dir).program("/usr/bin/s6-svwait").args(["-U", "-t", "10000"]).arg_service().spawn();
        gate.open();
        assert_eq!(waiting.finish().exit, Exit::Status(0), "{ready}");
        wait_no_adapter(&dir);
        assert_eq!(command(&dir, "s6-svstat", &["-o", "up,ready"]).stdout, "true true\n");
        let seen = dir.report("report");
        assert_eq!(command(&dir, "s6-svstat", &["-o", "pid"]).stdout.trim_end(), seen["pid"].to_string());
        let pid = i32::try_from(seen["pid"].as_i64().unwrap()).unwrap();
        assert_eq!(children(pid), NO_PROCESSES);
        let expected: &[&str] = if ready.contains("fd:7") { &["0", "1", "2", "7"] } else { &["0", "1", "2"] };
        assert_eq!(seen["fds"].as_object().unwrap().keys().collect::<Vec<_>>(), expected, "{ready}");
        end_s6(&dir, running);
    }
}

/// Its message for systemd reaches s6, and what it says later is heard, too.
#[test]
fn program_that_notifies_is_ready_for_s6_and_heard_for_life() {
    if installed("systemd-notify").is_none() {
        return;
    }
    if !have("s6-supervise") {
        return;
    }
    let (dir, named) = (Dir::new(), Service::new());
    let script = "systemd-notify --ready; systemd-notify 'STATUS=42 %'; exec sleep 1000";
    service(
        &dir,
        &format!("--name {} --notification-fd 3 --ready notify -- /bin/sh -c \"{script}\"", named.name()),
    );
    dir.write("service/notification-fd", "3\n");
    let running = s6(&dir);
    wait_until("it is ready", || {
        (command(&dir, "s6-svstat", &["-o", "up,ready"]).stdout == "true true\n").then_some(())
    });
    wait_until("its status is known", || {
        let status = Svc::new(&dir).args(["status", named.name()]).output().stdout;
        status.contains("\n  status: 42 %\n").then_some(())
    });
    end_s6(&dir, running);
}

/// A program that writes to s6's descriptor itself needs no helper.
#[test]
fn s6_notifying_program_needs_no_helper() {
    if !have("s6-supervise") {
        return;
    }
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    service(
        &dir,
        "--notification-fd 3 --ready fd:3 -- '[DIR]/gated' --out '[DIR]/report' --ready fd:3 --stay",
    );
    dir.write("service/notification-fd", "3\n");
    let running = s6(&dir);
    gate.wait_started();
    assert_eq!(adapters(&dir), NO_PROCESSES);
    wait_known(&dir);
    assert_eq!(command(&dir, "s6-svstat", &["-o", "up,ready"]).stdout, "true false\n");
    gate.open();
    assert_eq!(command(&dir, "s6-svwait", &["-U", "-t", "10000"]).exit, Exit::Status(0));
    end_s6(&dir, running);
}

#[test]
fn runsv_child_becomes_the_program() {
    if !have("runsv") {
        return;
    }
    let dir = Dir::new();
    service(&dir, "--ready tcp:1 -- '[DIR]/inspect' --out '[DIR]/report' --stay");
    let running = Svc::new(&dir).program("/usr/bin/runsv").arg_service().spawn();
    wait_until("the program reports", || dir.join("report").exists().then_some(()));
    let seen = dir.report("report");
    assert_eq!(seen["ppid"], running.pid());
    // runsv writes it after the program has started.
    let written =
        || fs::read_to_string(dir.join("service/supervise/pid")).ok().filter(|pid| pid.ends_with('\n'));
    let pid = wait_until("runsv has written its number", written);
    assert_eq!(pid.trim_end(), seen["pid"].to_string());
    assert_eq!(adapters(&dir), NO_PROCESSES);
    // runsv stops its service and goes.
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}
