//! The program gets its sockets at the expected numbers and names, whatever its user.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use serde_json::json;

use super::{abstract_name, datagram, end, numbers, server, serving, started, stop, tcp, udp, unix};
use crate::harness::{Capability, Dir, Svc, free_port, has_ipv6, low_port, require, wait_until};

/// A unique service name.
fn name(what: &str) -> String {
    format!("it-sockets-{what}-{}", std::process::id())
}

/// Stops a named service, which removes its lock.
fn end_named(dir: &Dir, name: &str) {
    let stopped = Svc::new(dir).args(["stop", name]).output();
    assert_eq!(stopped.exit, crate::harness::Exit::Status(0), "{}", stopped.stderr);
    let _ = fs::remove_file(dir.join("report"));
}

#[test]
fn program_of_another_user_answers_on_every_socket_kind() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let (port, service) = (free_port(), name("kinds"));
    let (stream, packets) = (dir.join("sub/dir/stream"), dir.join("packets"));
    for (mode, hostile) in [("classic", false), ("supervised", false), ("classic", true)] {
        let options = [
            format!("--listen-stream={port}"),
            format!("--listen-stream={}", stream.display()),
            format!("--listen-stream=@{service}"),
            format!("--listen-datagram=127.0.0.1:{port}"),
            format!("--listen-datagram={}", packets.display()),
            format!("--name={service}"),
            "--user=nobody".into(),
            "--socket-mode=0640".into(),
            "--socket-user=daemon".into(),
            "--umask=077".into(),
        ];
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut svc = serving(&dir, mode, &options);
        if hostile {
            svc = svc.via_hostile(&[]);
        }
        let running = started(svc, mode);
        let (process, report) = dir.reported();
        assert_eq!(tcp(port), format!("3 {service}.socket"), "{mode}");
        assert_eq!(unix(&stream), format!("4 {service}.socket"));
        assert_eq!(abstract_name(&service), format!("5 {service}.socket"));
        assert_eq!(udp(port), format!("6 {service}.socket"));
        assert_eq!(datagram(&dir, &packets), format!("7 {service}.socket"));
        assert_eq!(report["env"]["LISTEN_FDS"], "5");
        assert_eq!(report["env"]["LISTEN_PID"], process.pid().to_string());
        assert_eq!(numbers(&report), [0, 1, 2, 3, 4, 5, 6, 7, 32], "{mode}: {report:#}");
        for number in ["3", "4", "5", "6", "7"] {
            let descriptor = &report["fds"][number];
            assert_eq!((&descriptor["nonblock"], &descriptor["cloexec"]), (&json!(false), &json!(false)));
        }
        assert_eq!((&report["uid"]["effective"], &report["umask"]), (&json!(65_534), &json!("0077")));
        for path in [&stream, &packets] {
            let made = fs::symlink_metadata(path).unwrap();
            assert_eq!((made.uid(), made.gid(), made.permissions().mode() & 0o7777), (1, 1, 0o640));
        }
        assert_eq!(fs::metadata(dir.join("sub")).unwrap().permissions().mode() & 0o7777, 0o755);
        end_named(&dir, &service);
        // As with systemd (RemoveOnStop=no) the path stays, and the next start takes it over.
        assert!(stream.exists());
        drop(running);
    }
    dir.nothing_left();
}

#[test]
fn privileged_port_is_opened_for_an_ordinary_user() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let port = low_port();
    let option = format!("--listen-stream=127.0.0.1:{port}");
    serving(&dir, "classic", &[&option, "--user=nobody", "--file-descriptor-name=low"]).run();
    let (process, report) = dir.reported();
    assert_eq!(tcp(port), "3 low");
    assert_eq!(report["capabilities"]["effective"], "0000000000000000");
    stop(&dir, &process);
    // As an ordinary user it gets the reason.
    let error = format!(
        "svcadapt: listen '127.0.0.1:{port}': permission denied\n  hint: only root may use ports below 1024\n"
    );
    if fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .is_ok_and(|text| text.trim() == "1024")
    {
        serving(&dir, "classic", &[&option]).by("nobody").stderr(&error).status(202).run();
    }
    dir.nothing_left();
}

#[test]
fn sockets_and_preserved_descriptors_do_not_collide() {
    let dir = Dir::new();
    let port = free_port();
    let listen = format!("--listen-stream={port}");
    // A shell opens the preserved descriptor, and the program writes its readiness to another one.
    let script = format!(
        "exec 9</dev/null; exec '{}' run --mode classic {listen} --file-descriptor-name unknown --files-preserve 9 --ready fd:5 -- \
         sh -c 'echo >&5; exec \"$0\" \"$@\"' {}",
        dir.program("svcadapt").display(),
        server(&dir)[1..].join(" "),
    );
    Svc::new(&dir).program("/bin/sh").args(["-c", &script]).run();
    let (process, report) = dir.reported();
    assert_eq!(numbers(&report), [0, 1, 2, 3, 5, 9, 32]);
    assert_eq!(tcp(port), "3 unknown");
    stop(&dir, &process);
    serving(&dir, "classic", &[&listen, "--ready=fd"])
        .stderr(
            "svcadapt: --ready: a socket has descriptor 3\n  \
             hint: the sockets have descriptors 3 to 3; use 4 or a higher number\n",
        )
        .status(2)
        .run();
    dir.nothing_left();
}

#[test]
fn probe_of_a_passed_socket_succeeds_at_once() {
    let dir = Dir::new();
    let (port, path) = (free_port(), dir.join("s"));
    let sleep = dir.program("/bin/sleep").display().to_string();
    for (listen, ready) in [
        (format!("--listen-stream={port}"), format!("--ready=tcp:{port}")),
        (format!("--listen-stream={}", path.display()), format!("--ready=unix:{}", path.display())),
    ] {
        Svc::new(&dir).args(["run", "--mode", "classic", &listen, &ready, "--", &sleep, "30"]).run();
        // Clients wait until the program accepts.
        if listen.ends_with("/s") {
            std::os::unix::net::UnixStream::connect(&path).unwrap();
        } else {
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        }
        let process = crate::harness::Process::of_program(&dir.join("sleep")).pop().unwrap();
        end(&process);
    }
    dir.nothing_left();
}

#[test]
fn dry_run_lists_sockets_and_invalid_ones_are_refused() {
    let dir = Dir::new();
    let output = Svc::new(&dir)
        .args([
            "run",
            "--dry-run",
            "--mode",
            "classic",
            "--listen-stream=80",
            "--listen-datagram=/x",
            "--",
            "/bin/true",
        ])
        .output();
    let lines: Vec<&str> =
        output.stdout.lines().filter(|line| line.contains("listen ")).map(|line| &line[5..]).collect();
    assert_eq!(
        lines,
        [
            "adapter  launcher  listen                80",
            "adapter  launcher  listen                /x for datagrams"
        ]
    );
    assert!(output.stdout.contains("descriptors           0 1 2 3 4 32\n"), "{}", output.stdout);
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--listen-stream=localhost:80", "--socket-mode=999"])
        .args(["--listen-sequential-packet=80", "--backlog=-1", "--bind-ipv6-only=yes", "--", "/bin/true"])
        .stderr(
            "svcadapt: --listen-stream 'localhost:80': not an address to listen on\n  hint: use PORT, 127.0.0.1:PORT, \
             [::1]:PORT, /PATH or @NAME; PORT is 1 to 65535\n\
             svcadapt: --listen-sequential-packet '80': sequential packets need a Unix socket: /PATH or @NAME\n\
             svcadapt: --socket-mode '999': not an octal number between 0 and 777\n\
             svcadapt: --bind-ipv6-only 'yes': neither default nor both nor ipv6-only\n\
             svcadapt: --backlog '-1': not a whole number from 0 to 4294967295\n",
        )
        .status(2)
        .run();
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--socket-mode=600", "--", "/bin/true"])
        .stderr(
            "svcadapt: --socket-mode: there is no socket\n  \
             hint: add one with --listen-stream ADDRESS\n",
        )
        .status(2)
        .run();
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--listen-stream=/x", "--socket-user=nosuch", "--socket-group=nosuch"])
        .args(["--", "/bin/true"])
        .stderr(
            "svcadapt: socket user 'nosuch': there is no such user\nsvcadapt: socket group 'nosuch': there is no such group\n",
        )
        .status(217)
        .run();
}

#[test]
fn bind_ipv6_only_selects_the_address_families() {
    let dir = Dir::new();
    if !has_ipv6() {
        return crate::harness::skip("ipv6", "this machine has none");
    }
    for (only, four) in [("both", true), ("ipv6-only", false)] {
        let port = free_port();
        let options = [format!("--listen-stream={port}"), format!("--bind-ipv6-only={only}")];
        serving(&dir, "classic", &[&options[0], &options[1]]).run();
        let (process, _) = dir.reported();
        let connects = |address: &str| std::net::TcpStream::connect(format!("{address}:{port}")).is_ok();
        assert!(connects("[::1]"));
        assert_eq!(connects("127.0.0.1"), four, "{only}");
        stop(&dir, &process);
    }
}

#[test]
fn supervised_program_with_sockets_has_a_monitor_that_holds_them() {
    let dir = Dir::new();
    let path: PathBuf = dir.join("s");
    let listen = format!("--listen-stream={}", path.display());
    let running = Svc::new(&dir).args(["run", "--mode", "supervised", &listen]).args(server(&dir)).spawn();
    let (process, report) = dir.reported();
    assert_eq!((report["ppid"].as_i64(), numbers(&report)), (Some(running.pid().into()), vec![0, 1, 2, 3]));
    wait_until("it answers", || (unix(&path) == "3 unknown").then_some(()));
    process.signal(nix::sys::signal::Signal::SIGTERM);
    process.wait_gone();
    assert_eq!(running.finish().exit, crate::harness::Exit::Status(0));
}
