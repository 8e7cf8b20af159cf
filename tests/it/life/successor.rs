//! A program that replaces itself: its successor is the service, if the pid file names it.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Process, wait_until};

/// Where a service of this user may have its pid file.
fn pid_file(traced: &Traced) -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        PathBuf::from(format!("/run/{}.pid", traced.service.name()))
    } else {
        traced.dir.join("pid")
    }
}

/// At SIGUSR2 it starts another program, which writes its pid into the pid file if it is to; at SIGQUIT it exits.
fn program(traced: &Traced, writes: bool) -> String {
    let pid = pid_file(traced).display().to_string();
    let log = traced.dir.join("log").display().to_string();
    let write = if writes { format!("echo $$ >{pid}.new; mv {pid}.new {pid};") } else { String::new() };
    traced.dir.executable("next", &format!("#!/bin/sh\n{write} echo next $$ >>{log}; exec sleep 1000\n"));
    let next = traced.dir.join("next").display().to_string();
    format!("trap '{next} &' USR2; trap 'exit 0' QUIT; echo up >>{log}; while :; do sleep 0.02; done")
}

/// Starts the service, and lets its program replace itself. Returns the successor.
fn replaced(traced: &Traced, options: &[&str], writes: bool) -> Process {
    let pid = pid_file(traced).display().to_string();
    traced.run("classic", &[&["--pid-file", &pid], options].concat(), &program(traced, writes)).run();
    traced.wait_for_lines(2);
    let first = traced.service.main();
    first.signal(Signal::SIGUSR2);
    let log = traced.wait_for_lines(3);
    let next = Process::open(log[2].strip_prefix("next ").unwrap().parse().unwrap()).unwrap();
    first.signal(Signal::SIGQUIT);
    first.wait_gone();
    next
}

fn status_names(traced: &Traced, process: &Process) {
    wait_until("status names the successor", || {
        traced.ask("status").output().stdout.contains(&format!("process {},", process.pid())).then_some(())
    });
}

#[test]
fn successor_of_a_watched_program_is_followed() {
    let traced = Traced::new();
    let next = replaced(&traced, &["--restart", "always", "--restart-sec", "1ms"], true);
    status_names(&traced, &next);
    let monitor = traced.service.monitor().unwrap();
    traced.ask("signal").args(["-s", "CONT"]).run();
    assert_eq!(traced.service.main().pid(), next.pid());
    // Its end is the end of the program, which is started again.
    next.signal(Signal::SIGKILL);
    assert_eq!(traced.wait_for_lines(5)[3..], ["program", "up"]);
    assert_eq!(traced.service.monitor().unwrap().pid(), monitor.pid());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
    assert!(!pid_file(&traced).exists());
}

#[test]
fn process_that_the_pid_file_does_not_name_is_no_successor() {
    let traced = Traced::new();
    replaced(&traced, &["--restart", "on-failure"], false).wait_gone();
    assert_eq!(traced.log().len(), 3);
    traced.dir.wait_nothing_left();
    traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
}

#[test]
fn successor_without_a_monitor_is_found_and_stopped() {
    let traced = Traced::new();
    let next = replaced(&traced, &[], true);
    assert!(traced.service.monitor().is_none());
    status_names(&traced, &next);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    next.wait_gone();
    traced.dir.nothing_left();
    assert!(!pid_file(&traced).exists() && !traced.service.record().exists());
}
