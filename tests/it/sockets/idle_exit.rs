//! `--idle-exit`: a program without connections is stopped, and the next client starts it again.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::started;
use crate::harness::{Dir, Exit, Service, Svc, all_rounds, free_port, have, wait_until};

/// Answers each client with its pid, and keeps the connection until the client leaves.
const SERVER: &str = r#"
import os, select, socket, threading
def serve(client):
    client.sendall(f"{os.getpid()}\n".encode())
    while client.recv(10):
        pass
    client.close()
sockets = [socket.socket(fileno=3), socket.socket(fileno=4)]
while True:
    for ready in select.select(sockets, [], [])[0]:
        threading.Thread(target=serve, args=(ready.accept()[0],), daemon=True).start()
"#;

fn status(dir: &Dir, service: &Service) -> String {
    Svc::new(dir).args(["status", service.name()]).output().stdout
}

fn listens(dir: &Dir, service: &Service) {
    wait_until("it listens", || status(dir, service).contains(": listening, process ").then_some(()));
}

fn pid(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn idle_program_is_stopped_and_started_again_by_the_next_client() {
    if !have("python3") {
        return;
    }
    for mode in ["classic", "supervised"] {
        let dir = Dir::new();
        let (service, port, path) = (Service::new(), free_port(), dir.join("a s"));
        let server = dir.write("server.py", SERVER).display().to_string();
        let (tcp, unix) =
            (format!("--listen-stream=127.0.0.1:{port}"), format!("--listen-stream={}", path.display()));
        let words = ["run", "--mode", mode, "--name", service.name(), "--idle-exit=600ms", &tcp, &unix];
        let svc = Svc::new(&dir).args(words).args(["--", "/usr/bin/python3", &server]);
        let running = started(svc, mode);
        listens(&dir, &service);
        let mut pids = Vec::new();
        for round in 0..2 {
            let client: Box<dyn Read> = if round == 0 {
                Box::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
            } else {
                Box::new(UnixStream::connect(&path).unwrap())
            };
            let mut client = BufReader::new(client);
            let first = pid(&mut client);
            // An open connection keeps it, for longer than the limit.
            let begun = Instant::now();
            wait_until("the limit is over", || (begun.elapsed() > Duration::from_secs(2)).then_some(()));
            let now = status(&dir, &service);
            assert!(now.contains(&format!(": running, process {first}")), "{now}");
            pids.push(first);
            drop(client);
            listens(&dir, &service);
        }
        let last = UnixStream::connect(&path).unwrap();
        pids.push(pid(&mut BufReader::new(&last)));
        assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
        assert!(pids[0] != pids[1] && pids[1] != pids[2], "{pids:?}");
        drop(running);
        dir.nothing_left();
    }
}

/// The time between two stops is shorter than the start limit allows (systemd.unit(5)): a stop of an idle program is no failure.
#[test]
fn client_at_the_moment_of_an_idle_stop_is_served() {
    if !have("python3") {
        return;
    }
    let dir = Dir::new();
    let (service, path) = (Service::new(), dir.join("socket"));
    let server = dir.write("server.py", SERVER.replace(", socket.socket(fileno=4)", "").as_str());
    let listen = format!("--listen-stream={}", path.display());
    let words = ["run", "--mode", "classic", "--name", service.name(), "--idle-exit=300ms", &listen];
    Svc::new(&dir).args(words).args(["--", "/usr/bin/python3", &server.display().to_string()]).run();
    let mut pids: Vec<String> = Vec::new();
    // It approaches the moment of the stop from both sides.
    let mut pause = Duration::from_millis(550);
    while pids.len() < 20 {
        let mut client = BufReader::new(UnixStream::connect(&path).unwrap());
        let pid = pid(&mut client);
        assert!(!pid.is_empty(), "a client was lost after {} stops", pids.len());
        if pids.last() == Some(&pid) {
            pause += Duration::from_millis(20);
        } else {
            pause -= Duration::from_millis(10);
            pids.push(pid);
        }
        drop(client);
        let begun = Instant::now();
        wait_until("the pause is over", || (begun.elapsed() > pause).then_some(()));
    }
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}

/// The kernel's list of sockets becomes so long that a look at it takes some milliseconds.
const MANY_SOCKETS: &str = r"
import resource, socket
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[1], 9000), limits[1]))
kept = []
try:
    while len(kept) < 4000:
        kept.append(socket.socketpair())
except OSError:
    del kept[-20:]
";

/// Clients that are quicker than the looks at the connections come all the time, also between the last look and the signal.
/// The program dies of that, so each one that it had accepted by then would be lost.
#[test]
fn quick_clients_during_idle_stops_are_all_served() {
    if !have("python3") {
        return;
    }
    let dir = Dir::new();
    let (service, path) = (Service::new(), dir.join("socket"));
    let server = format!("{MANY_SOCKETS}{}", SERVER.replace(", socket.socket(fileno=4)", ""));
    let server = dir.write("server.py", &server);
    let listen = format!("--listen-stream={}", path.display());
    let words = ["run", "--mode", "classic", "--name", service.name(), "--idle-exit=1ms", &listen];
    Svc::new(&dir).args(words).args(["--", "/usr/bin/python3", &server.display().to_string()]).run();
    let stops = if all_rounds() { 60 } else { 15 };
    let mut clients = 0_u32;
    let mut pids: Vec<String> = Vec::new();
    while pids.len() < stops {
        let mut client = BufReader::new(UnixStream::connect(&path).unwrap());
        let pid = pid(&mut client);
        assert!(!pid.is_empty(), "client {clients} was lost after {} stops", pids.len());
        clients += 1;
        if pids.last() != Some(&pid) {
            pids.push(pid);
        }
        // A look finds no client most of the time.
        drop(client);
        let begun = Instant::now();
        wait_until("the pause is over", || (begun.elapsed() > Duration::from_millis(20)).then_some(()));
    }
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn idle_exit_is_kept_in_units_and_named_where_a_manager_does_not_do_it() {
    let dir = Dir::new();
    let words = ["--name=web", "--listen-stream=@web", "--idle-exit=10min", "--", "/bin/web"];
    let unit = Svc::new(&dir).args(["gen-unit"]).args(words).output();
    assert!(unit.stdout.contains("IdleExit=600s\n"), "{}", unit.stdout);
    assert!(unit.stderr.contains("--idle-exit: lost: systemd stops no service"), "{}", unit.stderr);
    let job = Svc::new(&dir).args(["gen-plist"]).args(words).output();
    assert!(job.stderr.contains("--idle-exit: lost: launchd stops no job"), "{}", job.stderr);
}
