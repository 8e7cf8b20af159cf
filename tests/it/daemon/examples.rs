//! The examples work as documented.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;

use nix::sys::signal::Signal;

use crate::harness::{Capability, Dir, Exit, Process, Svc, free_port, require, wait_until};

/// What Cargo has built beside svcadapt.
fn example<'a>(dir: &'a Dir, name: &str) -> Svc<'a> {
    let path = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples").join(name);
    Svc::new(dir).program(path.to_str().unwrap())
}

/// The answer to a question. Closing our side of the connection ends the question.
fn ask(port: &str, question: &str) -> String {
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    connection.write_all(question.as_bytes()).unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    // A server that answers without reading resets the rest of the question.
    let _ = connection.read_to_string(&mut answer);
    answer
}

fn main_process(dir: &Dir, name: &str) -> Process {
    Process::of_program(&dir.join(name)).pop().unwrap()
}

fn end(dir: &Dir, name: &str) {
    let main = main_process(dir, name);
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    dir.nothing_left();
}

#[test]
fn example_servers_answer_once_the_launcher_returns() {
    for (name, question, answer) in [
        ("echo", "hello", "hello"),
        ("http", "GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1"),
        ("activated", "", "classic, none\n"),
    ] {
        let (dir, port) = (Dir::new(), free_port().to_string());
        example(&dir, name).args([&port]).run();
        let answered = ask(&port, question);
        assert!(answered.ends_with(answer), "{name}: {answered:?}");
        end(&dir, name);
    }
}

#[test]
fn asynchronous_runtime_receives_signals() {
    let (dir, port) = (Dir::new(), free_port().to_string());
    example(&dir, "http").args([&port]).run();
    let main = main_process(&dir, "http");
    for _ in 0..3 {
        main.signal(Signal::SIGHUP);
        assert!(ask(&port, "GET / HTTP/1.1\r\n\r\n").contains(" 200 OK"));
    }
    end(&dir, "http");
}

#[test]
fn occupied_port_is_reported_by_the_launcher() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for name in ["echo", "http", "activated"] {
        example(&dir, name)
            .args([&port])
            .stderr(&format!(
                "{name}: start '[ANY]': the program ended with status 1 before it was ready; reason: \
                 Address already in use (os error 98)\n"
            ))
            .status(1)
            .run();
    }
    dir.nothing_left();
}

#[test]
fn signals_example_logs_every_signal() {
    let dir = Dir::new();
    let log = dir.join("signals.log");
    example(&dir, "signals").args([&log]).run();
    let main = main_process(&dir, "signals");
    let written = |text: &str| wait_until(text, || (dir.read("signals.log") == text).then_some(()));
    main.signal(Signal::SIGUSR1);
    written("SIGUSR1 1\n");
    main.signal(Signal::SIGHUP);
    written("SIGUSR1 1\nread again\n");
    main.signal(Signal::SIGUSR2);
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    written("SIGUSR1 1\nread again\nend\n");
    example(&dir, "signals")
        .stderr("signals: start '[DIR]/signals': the program ended with status 1 before it was ready; reason: usage: signals FILE\n")
        .status(1)
        .run();
    dir.nothing_left();
}

#[test]
fn legacy_example_starts_stops_and_restarts() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, port) = (Dir::new(), free_port().to_string());
    let word = |word: &str| example(&dir, "legacy").args([word, &port]).output();
    assert_eq!(word("status").exit, Exit::Status(3));
    let started = word("start");
    assert_eq!((started.exit, started.stderr.as_str()), (Exit::Status(0), ""));
    let first = main_process(&dir, "legacy");
    let seen = crate::harness::facts(&first.pid().to_string()).unwrap();
    assert_eq!(seen["uid"]["saved"], 65_534);
    assert_eq!(ask(&port, ""), "it is later than you think\n");
    assert_eq!(word("restart").exit, Exit::Status(0));
    first.wait_gone();
    assert_eq!(
        word("status").stdout,
        format!("example-legacy: running, process {}\n", main_process(&dir, "legacy").pid())
    );
    assert_eq!(word("stop").stdout, "example-legacy: stopped\n");
    assert_eq!(word("stop").stdout, "example-legacy: not running\n");
    dir.nothing_left();
}
