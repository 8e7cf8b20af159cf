//! Concurrent starts and stops.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::support::Service;
use crate::harness::{Capability, Exit, Output, Process, Running, require, rounds, wait_until};

#[test]
fn concurrent_stops_all_succeed() {
    let service = Service::new("stops");
    for _ in 0..10 {
        service.start(&["--stay"]).run();
        let stops: Vec<Running> = (0..3).map(|_| service.stop().spawn()).collect();
        for stop in stops {
            let Output { stdout, stderr, exit } = stop.finish();
            assert_eq!((exit, stderr.as_str()), (Exit::Status(0), ""), "{stdout}");
        }
        service.dir.nothing_left();
        assert_eq!(service.query().0, 3);
    }
}

#[test]
fn concurrent_starts_and_stops_leave_one_service_and_no_block() {
    let service = Service::new("both");
    for round in 0..rounds(50) {
        let starts: Vec<Running> = (0..2).map(|_| service.start(&["--stay"]).spawn()).collect();
        let stops: Vec<Running> = (0..2).map(|_| service.stop().spawn()).collect();
        let mut ready = 0;
        for start in starts {
            let Output { stderr, exit, .. } = start.finish();
            match exit {
                Exit::Status(0) => ready += 1,
                Exit::Status(250) => assert!(stderr.contains("already running as process"), "{stderr}"),
                // A stop before readiness ends it, and the start reports that.
                Exit::Status(_) | Exit::Signal(15) => {
                    assert!(stderr.contains("before it was ready"), "{stderr}");
                }
                Exit::Signal(_) => panic!("round {round}: {exit}: {stderr}"),
            }
        }
        for stop in stops {
            let Output { stderr, exit, .. } = stop.finish();
            assert_eq!((exit, stderr.as_str()), (Exit::Status(0), ""), "round {round}");
        }
        let alive = running(&service);
        let (status, reported) = service.query();
        assert!(alive.len() <= 1 && alive.len() <= ready, "round {round}: {alive:?}, {ready} were ready");
        assert_eq!(status, if alive.is_empty() { 3 } else { 0 }, "round {round}: {reported}");
    }
    let _ = service.stop().output();
    service.dir.nothing_left();
    // Nothing blocks the next one.
    service.start(&["--stay"]).run();
    assert_eq!(service.query().1["pid"], service.pid());
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
}

#[test]
fn service_that_ends_well_while_it_is_looked_at_is_not_reported_as_dead() {
    if !require(Capability::Strace) {
        return;
    }
    let service = Service::started("ends-well", &["--stay"]);
    let main = service.process();
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    // `status` is stopped after it has read the record, when it opens the lock.
    let trace = service.dir.join("trace");
    let status = Command::new("strace")
        .args(["-f", "-o"])
        .arg(&trace)
        .arg("-P")
        .arg(service.lock())
        .args([
            "-e",
            "inject=openat:signal=STOP:when=1",
            env!("CARGO_BIN_EXE_svcadapt"),
            "status",
            &service.name,
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = wait_until("status is stopped", || {
        let trace = fs::read_to_string(&trace).ok()?;
        let (before, _) = trace.split_once(" --- stopped by SIGSTOP ---")?;
        before.lines().last()?.trim().parse().ok()
    });
    for file in [service.record(), service.pid_file(), service.lock()] {
        fs::remove_file(file).unwrap();
    }
    Process::open(pid).unwrap().signal(Signal::SIGCONT);
    let output = status.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}: not running\n", service.name));
    assert_eq!(output.status.code(), Some(3));
}

/// The processes that run the service's program.
fn running(service: &Service) -> Vec<i32> {
    let program = service.dir.program("inspect");
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program))
        .collect()
}
