//! A program gets its sockets by name, whichever process opens them: systemd, launchd, or the program itself.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::{becomes, logged};
use crate::harness::{
    Capability, Dir, Exit, Launchd, Process, Service, Svc, Systemd, free_port, low_port, require,
    this_process, wait_until,
};

/// The program echoes.
fn answers(mut connection: impl Read + Write) {
    connection.write_all(b"hello").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
}

fn tcp(port: u16) {
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    answers(connection);
}

fn unix(path: &Path) {
    answers(UnixStream::connect(path).unwrap());
}

/// The options for a port and a path, as `becomes` takes them.
fn listening(port: u16, path: &Path) -> [String; 6] {
    [
        "--set".into(),
        format!("listen-stream=127.0.0.1:{port}"),
        "--set".into(),
        format!("listen-stream={}", path.display()),
        "--set".into(),
        "file-descriptor-name=web".into(),
    ]
}

fn strings(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// A child that counts what it inherits of the sockets: variables, and descriptors above 2 except its own directory.
const CHILD: &str = "sh=env | grep -c LISTEN_; ls /proc/self/fd | wc -l";

#[test]
fn sockets_are_opened_before_the_privilege_drop() {
    if !require(Capability::Root) {
        return;
    }
    for later in [false, true] {
        let (dir, service) = (Dir::new(), Service::new());
        let (port, path) = (low_port(), dir.join("socket"));
        let listening = listening(port, &path);
        let mut words = strings(&listening);
        words.extend(["--set", "socket-mode=0620", "--set", "socket-user=daemon", "--set", "user=nobody"]);
        if later {
            words.push("--keep-privileges");
        }
        words.push("enter");
        if later {
            words.push("drop-privileges");
        }
        words.extend(["ready", CHILD, "answer=other", "answer=web", "answer=web", "stay"]);
        // It has to write its log.
        let log = dir.write("log", "");
        fs::set_permissions(log, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        becomes(&dir, &service, &words).run();
        let made = fs::symlink_metadata(&path).unwrap();
        assert_eq!((made.mode() & 0o7777, made.uid(), made.gid()), (0o620, 1, 1));
        assert_eq!(super::seen(&service)["uid"]["saved"], 65_534);
        tcp(port);
        unix(&path);
        logged(&dir, "answer: \"web:tcp web:unix\"");
        // Each name gives its sockets once.
        let log = dir.read("log");
        let answers: Vec<_> = log.lines().filter(|line| line.starts_with("answer: ")).collect();
        wait_until("they were asked for again", || {
            (dir.read("log").matches("answer: \"\"").count() == 2).then_some(())
        });
        assert_eq!(answers[..2], ["answer: \"\"", "answer: \"web:tcp web:unix\""]);
        logged(&dir, "sh: \"0\\n4\\n\"");
        assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
        // As with systemd (RemoveOnStop=no) the name stays, and the next start takes it.
        assert!(path.exists());
        becomes(&dir, &service, &[&strings(&listening)[..], &["enter", "ready", "stay"]].concat()).run();
        assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
        dir.nothing_left();
    }
}

#[test]
fn occupied_socket_is_reported_with_its_address() {
    let (dir, service) = (Dir::new(), Service::new());
    let (taken, path) = (TcpListener::bind(("127.0.0.1", 0)).unwrap(), dir.join("taken"));
    let _also = UnixListener::bind(&path).unwrap();
    let port = taken.local_addr().unwrap().port();
    let file = dir.write("file", "precious");
    let held = format!("{} listens there", this_process());
    for (address, cause, hint) in [
        (format!("127.0.0.1:{port}"), "address already in use", &*held),
        (path.display().to_string(), "address already in use", &*held),
        (
            file.display().to_string(),
            "a file that is not a socket is in its place",
            "remove it if it is not needed",
        ),
        ("192.0.2.1:80".to_owned(), "cannot assign requested address", "no interface has this address"),
    ] {
        let listen = format!("listen-stream={address}");
        let stderr = format!("becomes: listen '{address}': {cause}\n  hint: {hint}\n");
        becomes(&dir, &service, &["--set", &listen, "enter", "ready", "stay"])
            .stderr(&stderr)
            .status(202)
            .run();
        assert!(!service.lock().exists(), "{address}");
    }
    assert_eq!(dir.read("file"), "precious");
    // The sockets that were opened before a failure are removed.
    let (free, other) = (free_port(), dir.join("other"));
    let listening = listening(free, &other);
    let refused = format!("listen-stream=127.0.0.1:{port}");
    let words = [&strings(&listening)[..], &["--set", &refused, "enter", "ready"]].concat();
    becomes(&dir, &service, &words)
        .stderr(&format!("becomes: listen '127.0.0.1:{port}': address already in use\n  hint: {held}\n"))
        .status(202)
        .run();
    assert!(!other.exists());
    TcpListener::bind(("127.0.0.1", free)).unwrap();
    dir.nothing_left();
}

/// In the foreground of a shell no manager opens sockets either.
#[test]
fn sockets_are_opened_in_the_foreground_too() {
    let dir = Dir::new();
    let (port, path, log) = (free_port(), dir.join("socket"), dir.join("log").display().to_string());
    let listening = listening(port, &path);
    let words = ["--log", &log, "--detach", "no"];
    let deeds = ["enter", "mode", "ready", "complain=up", "answer="];
    let mut running = Svc::new(&dir).program("becomes").args(words).args(listening).args(deeds).spawn();
    running.wait_for("up\n");
    tcp(port);
    unix(&path);
    assert_eq!(running.finish().exit, Exit::Status(0));
    logged(&dir, "answer: \"web:tcp web:unix\"");
    dir.nothing_left();
}

/// A second socket could not bind the address.
#[test]
fn sockets_passed_by_systemd_are_not_opened_again() {
    // What is built here may not run where the C library is older than ours.
    for systemd in Systemd::of_versions(252..) {
        for (kind, mode) in [("notify", "supervised"), ("forking", "classic")] {
            for given in [true, false] {
                one_of_systemd(systemd, kind, mode, given);
            }
        }
    }
}

fn one_of_systemd(systemd: &Systemd, kind: &str, mode: &str, given: bool) {
    let dir = Dir::new();
    let (port, path, log) = (free_port(), dir.join("socket"), dir.join("log").display().to_string());
    let name = format!("it-listens-{port}");
    let program = dir.program("becomes").display().to_string();
    let set = listening(port, &path).join(" ");
    let service = format!(
        "[Service]\nType={kind}\nExecStart={program} --log {log} --signal TERM=tell {set} enter mode ready answer= signals\n"
    );
    systemd.write_unit(&format!("{name}.service"), &service);
    let (service, socket) = (format!("{name}.service"), format!("{name}.socket"));
    if given {
        let text = format!(
            "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:{port}\nListenStream={}\n\
             FileDescriptorName=given\n",
            path.display()
        );
        systemd.write_unit(&socket, &text);
        systemd.must(&["start", &socket]);
    }
    systemd.must(&["start", &service]);
    tcp(port);
    unix(&path);
    let called = if given { "given" } else { "web" };
    logged(&dir, &format!("mode: (\"{mode}\", \"systemd\")"));
    logged(&dir, &format!("answer: \"{called}:tcp {called}:unix\""));
    systemd.must(&["stop", &service]);
    assert_eq!(systemd.show(&service, "Result"), "success");
    if given {
        systemd.must(&["stop", &socket]);
        fs::remove_file(systemd.path("/run/systemd/system").join(socket)).unwrap();
    }
    fs::remove_file(systemd.path("/run/systemd/system").join(service)).unwrap();
    dir.nothing_left();
}

#[test]
fn sockets_passed_by_launchd_are_not_opened_again() {
    for given in [true, false] {
        let dir = Dir::new();
        let (port, path) = (free_port(), dir.join("socket"));
        let Some(launchd) = Launchd::start(&dir, Duration::from_millis(50)) else { return };
        let shim = dir.program("launch_shim").display().to_string();
        let log = dir.join("log").display().to_string();
        let program = dir.program("becomes").display().to_string();
        let listening = listening(port, &path);
        let mut words = vec![program.as_str(), "--log", &log, "--signal", "TERM=tell"];
        words.extend(strings(&listening));
        words.extend(["enter", "mode", "ready", "answer=web", "signals"]);
        let mut keys = "<key>ProgramArguments</key><array>".to_owned();
        for word in words {
            write!(keys, "<string>{word}</string>").unwrap();
        }
        write!(
            keys,
            "</array><key>RunAtLoad</key><true/>\
             <key>EnvironmentVariables</key><dict><key>LD_PRELOAD</key><string>{shim}</string></dict>"
        )
        .unwrap();
        if given {
            write!(
                keys,
                "<key>Sockets</key><dict><key>web</key><array>\
                 <dict><key>SockNodeName</key><string>127.0.0.1</string><key>SockServiceName</key><integer>{port}</integer></dict>\
                 <dict><key>SockPathName</key><string>{}</string></dict></array></dict>",
                path.display()
            )
            .unwrap();
        }
        launchd.load("listens", &keys);
        logged(&dir, "ready: Ok(Nobody)");
        tcp(port);
        unix(&path);
        logged(&dir, "mode: (\"supervised\", \"launchd\")");
        logged(&dir, "answer: \"web:tcp web:unix\"");
        launchd.must("bootout listens");
        launchd.wait("listens", "removed");
        assert_eq!(launchd.story("listens"), "loaded spawned sent(15) exited(0) removed");
    }
}

/// Sockets passed by another starter reach the daemon.
#[test]
fn sockets_passed_by_the_starter_reach_the_daemon() {
    const ACTIVATE: &str = "/usr/bin/systemd-socket-activate";
    if !require(Capability::Systemd) || !Path::new(ACTIVATE).exists() {
        return;
    }
    let dir = Dir::new();
    let (port, path, log) = (free_port(), dir.join("socket"), dir.join("log").display().to_string());
    let program = dir.program("becomes").display().to_string();
    let mut running = Svc::new(&dir)
        .program(ACTIVATE)
        .args([
            "-l",
            &format!("127.0.0.1:{port}"),
            "-l",
            path.to_str().unwrap(),
            "--fdname=one:two",
            &program,
        ])
        .args(["--log", &log, "--detach", "yes"])
        .args(listening(port, &path))
        .args(["enter", "mode", "ready", "answer="])
        .spawn();
    running.wait_for("Listening on");
    tcp(port);
    unix(&path);
    assert_eq!(running.finish().exit, Exit::Status(0));
    logged(&dir, "answer: \"one:tcp two:unix\"");
    wait_until("it has ended", || Process::of_program(Path::new(&program)).is_empty().then_some(()));
}
