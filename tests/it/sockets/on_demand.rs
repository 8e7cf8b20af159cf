//! `--start-on-connect`: the first client starts the program.

use std::fs;

use nix::sys::signal::Signal;

use super::{numbers, server, started, tcp, unix};
use crate::harness::{Dir, Exit, Service, Svc, free_port, wait_until};

fn status(dir: &Dir, service: &Service) -> String {
    Svc::new(dir).args(["status", service.name()]).output().stdout.lines().next().unwrap().to_owned()
}

fn listens(dir: &Dir, service: &Service) {
    wait_until("it listens", || status(dir, service).contains(": listening, process ").then_some(()));
}

#[test]
fn first_client_starts_the_program_and_the_next_one_after_its_end() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let path = dir.join("s");
    let (tcp_socket, unix_socket) =
        (format!("--listen-stream={port}"), format!("--listen-stream={}", path.display()));
    for mode in ["classic", "supervised"] {
        let words = ["run", "--mode", mode, "--name", service.name(), &tcp_socket, &unix_socket];
        let svc = Svc::new(&dir).args(words).args(["--start-on-connect"]).args(server(&dir));
        let running = started(svc, mode);
        listens(&dir, &service);
        assert!(!dir.join("report").exists(), "the program was started");
        let monitor = service.monitor().unwrap();
        for round in 0..2 {
            let answer = if round == 0 { tcp(port) } else { unix(&path) };
            assert_eq!(answer, format!("{} {}.socket", 3 + round, service.name()));
            let (program, report) = dir.reported();
            assert_eq!(numbers(&report), [0, 1, 2, 3, 4, 32]);
            wait_until("it is recorded", || {
                status(&dir, &service)
                    .contains(&format!(": running, process {}", program.pid()))
                    .then_some(())
            });
            // It ends with success.
            program.signal(Signal::SIGTERM);
            program.wait_gone();
            listens(&dir, &service);
            fs::remove_file(dir.join("report")).unwrap();
            assert_eq!(service.monitor().unwrap().pid(), monitor.pid());
        }
        let stopped = Svc::new(&dir).args(["stop", service.name()]).output();
        assert_eq!(stopped.exit, Exit::Status(0), "{}", stopped.stderr);
        std::net::TcpStream::connect(("127.0.0.1", port)).unwrap_err();
        drop(running);
        dir.nothing_left();
    }
}

#[test]
fn program_that_leaves_its_client_waiting_hits_the_start_limit() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let listen = format!("--listen-stream={port}");
    let words = ["run", "--mode", "supervised", "--name", service.name(), &listen, "--start-on-connect"];
    let running = Svc::new(&dir).args(words).args(["--", "/bin/true"]).spawn();
    listens(&dir, &service);
    let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let output = running.finish();
    assert!(output.stderr.contains("start-limit-hit"), "{}", output.stderr);
    drop(client);
    dir.nothing_left();
}

#[test]
fn stop_and_restart_of_a_service_that_waits_for_its_client_work() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let listen = format!("--listen-stream={port}");
    let words = ["run", "--mode", "classic", "--name", service.name(), &listen, "--start-on-connect"];
    Svc::new(&dir).args(words).args(server(&dir)).run();
    let restarted = Svc::new(&dir).args(["restart", service.name()]).output();
    assert_eq!(restarted.exit, Exit::Status(0), "{}", restarted.stderr);
    // A restart is a start.
    let (program, _) = dir.reported();
    program.signal(Signal::SIGKILL);
    program.wait_gone();
    // A crash is no success: the service has failed.
    wait_until("it has failed", || service.monitor().is_none().then_some(()));
    dir.wait_nothing_left();
}
