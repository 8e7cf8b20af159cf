//! `svcadapt probe`, `run --wait-for`, and the probes of `run --ready` that ask a server.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use nix::sys::signal::Signal;

use crate::harness::{Dir, Exit, Service, Svc, free_port, wait_until};

/// A server that answers each connection with this function, until the test ends.
fn serve(answer: impl Fn(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || listener.incoming().flatten().for_each(&answer));
    (port, server)
}

/// Reads a request to its end.
fn read_request(mut client: &TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => request.extend_from_slice(&buffer[..length]),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn server_with(status_line: &'static str) -> u16 {
    serve(move |mut client| {
        let request = read_request(&client);
        assert!(request.starts_with("GET /health?a=1 HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        let _ = client.write_all(format!("{status_line}\r\nContent-Length: 2\r\n\r\nok").as_bytes());
    })
    .0
}

fn probe<'a>(dir: &'a Dir, arguments: &[&str]) -> Svc<'a> {
    Svc::new(dir).args(["probe"]).args(arguments)
}

/// What the command of a probe has written.
fn tried(dir: &Dir) -> String {
    fs::read_to_string(dir.join("tried")).unwrap_or_default()
}

#[test]
fn probe_of_a_port_is_met_where_a_server_listens() {
    let dir = Dir::new();
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    probe(&dir, &[&format!("tcp:{port}")]).run();
    probe(&dir, &[&format!("tcp:127.0.0.1:{port}")]).run();
    // The kernel's list was enough: no client has connected.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(listener);
    // A child that another test is just forking holds the socket until its exec.
    wait_until("the port is closed", || TcpStream::connect(("127.0.0.1", port)).is_err().then_some(()));
    probe(&dir, &[&format!("tcp:127.0.0.1:{port}")])
        .stderr(&format!("svcadapt: probe 'tcp:127.0.0.1:{port}': connection refused\n"))
        .status(1)
        .run();
}

#[test]
fn http_probe_is_met_by_a_status_from_200_to_399() {
    let dir = Dir::new();
    for (line, refused) in [
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.0 302 Found", None),
        ("HTTP/1.1 500 Oh", Some("the server answers 500")),
        ("HTTP/1.1 404 No", Some("the server answers 404")),
        ("SSH-2.0-OpenSSH", Some("the answer is not HTTP")),
    ] {
        let url = format!("http://127.0.0.1:{}/health?a=1", server_with(line));
        let tried = probe(&dir, &[&url]);
        match refused {
            None => tried.run(),
            Some(why) => tried.stderr(&format!("svcadapt: probe '{url}': {why}\n")).status(1).run(),
        }
    }
}

#[test]
fn http_server_that_is_slow_or_silent_is_not_met_in_time() {
    let dir = Dir::new();
    // It accepts, and never answers.
    let (silent, _server) = serve(|client| drop(client.peek(&mut [0])));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let unaccepted = listener.local_addr().unwrap().port();
    let (endless, _server) = serve(|mut client| while client.write_all(b"a").is_ok() {});
    for (port, why) in [
        (silent, "the server has closed the connection without an answer"),
        (unaccepted, "it has not answered in time"),
        (endless, "the answer is not HTTP"),
    ] {
        let url = format!("http://127.0.0.1:{port}/");

        let output = probe(&dir, &["--timeout", "500ms", &url]).output();
        assert_eq!(output.exit, Exit::Status(1), "{output:?}");
        let known = [why, "timed out", "connection reset by peer"];
        assert!(known.iter().any(|why| output.stderr.contains(why)), "{url}: {output:?}");
    }
}

#[test]
fn probes_of_files_sockets_and_commands_are_met_as_they_say() {
    let dir = Dir::new();
    let (file, socket) = (dir.join("file"), dir.join("socket"));
    let (file_probe, socket_probe) =
        (format!("file:{}", file.display()), format!("unix:{}", socket.display()));
    let listener = UnixListener::bind(&socket).unwrap();
    probe(&dir, &[&socket_probe]).run();
    drop(listener);
    for (probed, why) in [
        (socket_probe.as_str(), "no process has it open"),
        (&file_probe, "no such file or directory"),
        ("exec:exit 3", "the command fails: exit status: 3"),
    ] {
        probe(&dir, &[probed]).stderr(&format!("svcadapt: probe '{probed}': {why}\n")).status(1).run();
    }
    dir.write("file", "");
    probe(&dir, &[&file_probe]).run();
    probe(&dir, &["exec:true"]).run();
}

#[test]
fn probe_with_an_interval_waits_until_it_is_met() {
    let dir = Dir::new();
    let file = format!("exec:echo >>{0}/tried; [ -e {0}/file ]", dir.path().display());
    let running = probe(&dir, &["--interval", "10ms", "--timeout", "infinity", &file]).spawn();
    wait_until("it has been tried twice", || (tried(&dir).len() >= 2).then_some(()));
    assert!(running.runs());
    dir.write("file", "");
    let output = running.finish();
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
}

#[test]
fn probe_with_retries_gives_up_after_them() {
    let dir = Dir::new();
    let command = format!("exec:echo >>{}/tried; false", dir.path().display());
    let output = probe(&dir, &["--interval=1ms", "--retries=2", "--timeout=20s", &command]).output();
    assert_eq!(output.exit, Exit::Status(1));
    assert_eq!(dir.read("tried"), "\n\n\n");
}

#[test]
fn probe_ends_by_the_signal_that_it_gets() {
    let dir = Dir::new();
    let command = format!("exec:echo >>{}/tried; sleep 60", dir.path().display());
    let running = probe(&dir, &["--timeout=infinity", &command]).spawn();
    wait_until("it is tried", || (!tried(&dir).is_empty()).then_some(()));
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Signal(Signal::SIGTERM as i32));
}

#[test]
fn unusable_probe_is_a_usage_error() {
    let dir = Dir::new();
    for (probed, message) in [
        ("tcp:x", "'tcp:x': not a port from 1 to 65535\n  hint: write HOST:PORT\n"),
        (
            "notify",
            "'notify': only `run --ready` can use this probe\n  \
             hint: `svcadapt wait NAME --ready` waits for a service that svcadapt started\n",
        ),
    ] {
        probe(&dir, &[probed]).stderr(&format!("svcadapt: probe {message}")).status(2).run();
    }
}

#[test]
fn start_waits_for_another_service() {
    let (dir, service) = (Dir::new(), Service::new());
    let (tried, there) = (dir.join("tried"), dir.join("there"));
    let awaited = format!("exec:: >{}; [ -e {} ]", tried.display(), there.display());
    let running = Svc::new(&dir)
        .args([
            "run",
            "--mode=classic",
            "--name",
            service.name(),
            "--wait-for",
            &awaited,
            "--",
            "sleep",
            "60",
        ])
        .spawn();
    wait_until("it waits", || tried.exists().then_some(()));
    assert!(running.runs() && service.running().is_none());
    dir.write("there", "");
    assert_eq!(running.finish().exit, Exit::Status(0));
    Svc::new(&dir)
        .args(["stop", service.name()])
        .stdout(&format!("{}: stopped (SIGTERM, [ANY] s)\n", service.name()))
        .run();
}

#[test]
fn start_fails_if_the_other_service_is_not_there_in_time() {
    let (dir, service) = (Dir::new(), Service::new());
    Svc::new(&dir)
        .args(["run", "--mode=classic", "--name", service.name(), "--timeout-start-sec=300ms"])
        .args(["--wait-for=exec:false", "--", "sleep", "60"])
        .stderr(
            "svcadapt: wait for 'exec:false': not there after 0 s: the command fails: exit status: 1\n  \
             hint: --timeout-start-sec is the time for it; nothing was started\n",
        )
        .status(249)
        .run();
    assert!(service.running().is_none());
}

#[test]
fn http_readiness_waits_for_an_answer_of_the_services_own_server() {
    let (dir, service, port) = (Dir::new(), Service::new(), free_port());
    let url = format!("http://127.0.0.1:{port}/");
    let built = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples").join("http");
    let program = dir.program_as(&built, "http").display().to_string();
    let number = port.to_string();
    let run = ["run", "--mode=classic", "--name", service.name(), "--ready", &url, "--"];
    Svc::new(&dir).args(run).args([&program, &number]).run();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    Svc::new(&dir).args(["stop", service.name()]).output();
    // A stranger that answers does not make the service ready.
    let stranger = server_with("HTTP/1.1 200 OK");
    let url = format!("http://127.0.0.1:{stranger}/health?a=1");
    let run =
        ["run", "--mode=classic", "--name", service.name(), "--timeout-start-sec=300ms", "--ready", &url];
    let output = Svc::new(&dir).args(run).args(["--", "sleep", "60"]).output();
    assert_eq!(output.exit, Exit::Status(249), "{output:?}");
}

#[test]
fn alive_readiness_waits_for_the_time() {
    let (dir, service) = (Dir::new(), Service::new());
    let run = |time: &str, command: &str| {
        let run = ["run", "--mode=classic", "--name", service.name(), "--ready", time, "--", "/bin/sh", "-c"];
        Svc::new(&dir).args(run).args([command]).output()
    };
    assert_eq!(run("alive:50ms", "exec sleep 60").exit, Exit::Status(0));
    Svc::new(&dir).args(["stop", service.name()]).output();
    assert_eq!(run("alive:1h", "exit 3").exit, Exit::Status(3));
}
