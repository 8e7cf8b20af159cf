//! The host's sockets and watchdog reach the program, and their variables name its process.

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;

use super::support::{Unit, wait_no_adapter};
use crate::harness::{Capability, Dir, Exit, Svc, Systemd, free_port, require};

/// The descriptors, by their numbers.
fn numbers(seen: &Value) -> Vec<&str> {
    let mut numbers: Vec<&str> = seen["fds"].as_object().unwrap().keys().map(String::as_str).collect();
    numbers.sort_by_key(|number| number.parse::<u32>().unwrap());
    numbers
}

/// The same without the lock of a daemon.
fn without_lock(seen: &Value) -> Vec<&str> {
    let is_lock = |number: &&str| {
        seen["fds"][*number]["target"]
            .as_str()
            .is_some_and(|path| path.ends_with("/svcadapt/inspect") || path.contains("/svcadapt/inspect-"))
    };
    numbers(seen).into_iter().filter(|number| !is_lock(number)).collect()
}

fn is_socket(seen: &Value, number: &str) -> bool {
    let descriptor = &seen["fds"][number];
    descriptor["target"].as_str().unwrap().starts_with("socket:") && descriptor["cloexec"] == false
}

/// `NAME.socket` with two sockets, and `NAME.service` beside it; connects to the first one.
fn activated(
    systemd: &'static Systemd,
    dir: &Dir,
    name: &str,
    settings: &str,
    options: &str,
) -> (Unit, Value) {
    dir.program("svcadapt");
    dir.program("inspect");
    let (port, path) = (free_port(), dir.path().display());
    let service = format!(
        "[Service]\n{settings}Environment=LISTEN_PIDFDID=7\n\
         ExecStart={path}/svcadapt run {options} -- {path}/inspect --out {path}/report --stay\n"
    );
    let unit = Unit::write(systemd, name, &service);
    let socket = format!("it-{name}.socket");
    systemd.write_unit(
        &socket,
        &format!(
            "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:{port}\nListenDatagram=127.0.0.1:{port}\n\
             FileDescriptorName=two\n"
        ),
    );
    systemd.must(&["start", &socket]);
    TcpStream::connect(("127.0.0.1", port)).unwrap().write_all(b"x").unwrap();
    let seen = dir.awaited_report();
    unit.wait_active();
    systemd.must(&["stop", &socket]);
    (unit, seen)
}

#[test]
fn socket_activated_program_gets_its_socket() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, settings, options) in [
        ("socket", "Type=exec\n", "--mode supervised --umask 027"),
        ("socket-helped", "Type=notify\nNotifyAccess=all\n", "--mode supervised --ready file:[DIR]/report"),
        (
            "socket-classic",
            "Type=forking\nPIDFile=/run/it-sc.pid\n",
            "--mode classic --pid-file /run/it-sc.pid",
        ),
        ("socket-auto", "Type=forking\nPIDFile=/run/it-sa.pid\n", "--pid-file /run/it-sa.pid"),
    ] {
        let dir = Dir::new();
        let options = options.replace("[DIR]", &dir.path().display().to_string());
        let (unit, seen) = activated(systemd, &dir, name, settings, &options);
        wait_no_adapter(&dir);
        assert_eq!(seen["pid"].to_string(), unit.show("MainPID"), "{name}");
        assert_eq!(seen["env"]["LISTEN_PID"], seen["pid"].to_string(), "{name}");
        assert_eq!(seen["env"]["LISTEN_FDS"], "2");
        assert_eq!(seen["env"]["LISTEN_FDNAMES"], "two:two");
        let classic = name.contains("classic") || name.contains("auto");
        let expected: &[&str] =
            if classic { &["0", "1", "2", "3", "4", "32"] } else { &["0", "1", "2", "3", "4"] };
        assert_eq!(numbers(&seen), expected, "{name}");
        assert!(is_socket(&seen, "3") && is_socket(&seen, "4"), "{seen:#}");
        // The variables of newer systemds name one process; a daemon is another one.
        assert_eq!(seen["env"]["LISTEN_PIDFDID"].is_null(), classic, "{name}");
        unit.stop();
        drop(unit);
        dir.nothing_left();
    }
}

#[test]
fn watchdog_variables_name_the_program() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, settings, options) in [
        ("watchdog", "Type=notify\nNotifyAccess=all\n", "--mode supervised --ready file:[DIR]/report"),
        ("watchdog-own", "Type=notify\n", "--mode supervised --ready notify"),
        (
            "watchdog-classic",
            "Type=forking\nPIDFile=/run/it-wd.pid\n",
            "--mode classic --pid-file /run/it-wd.pid",
        ),
    ] {
        let dir = Dir::new();
        dir.program("svcadapt");
        dir.program("inspect");
        let path = dir.path().display().to_string();
        let options = options.replace("[DIR]", &path);
        let probe = if name == "watchdog-own" { "notify" } else { "none" };
        let text = format!(
            "[Service]\n{settings}WatchdogSec=60\nExecStart={path}/svcadapt run {options} -- \
             {path}/inspect --out {path}/report --ready {probe} --stay\n"
        );
        let unit = Unit::write(systemd, name, &text);
        unit.begin();
        unit.wait_active();
        let seen = dir.awaited_report();
        assert_eq!(seen["env"]["WATCHDOG_USEC"], "60000000", "{name}");
        assert_eq!(seen["env"]["WATCHDOG_PID"], seen["pid"].to_string(), "{name}");
        assert_eq!(seen["env"]["SYSTEMD_EXEC_PID"], seen["pid"].to_string(), "{name}");
        assert!(seen["env"]["NOTIFY_SOCKET"].is_string(), "{name}");
        unit.stop();
    }
}

/// systemd-socket-activate(1) is no service manager, but LISTEN_PID names the process that becomes the program.
#[test]
fn systemd_socket_activate_passes_sockets_to_the_program() {
    const ACTIVATE: &str = "/usr/bin/systemd-socket-activate";
    if !require(Capability::Systemd) || !std::path::Path::new(ACTIVATE).exists() {
        return;
    }
    for mode in ["supervised", "classic"] {
        let dir = Dir::new();
        let (port, svcadapt) = (free_port(), dir.program("svcadapt"));
        let inspect = dir.program("inspect");
        let mut running = Svc::new(&dir)
            .program(ACTIVATE)
            .args(["-l", &format!("127.0.0.1:{port}"), "--fdname=web"])
            .args([&svcadapt])
            .args(["run", "--mode", mode, "--"])
            .args([&inspect])
            .args(["--out", &dir.join("report").display().to_string(), "--exit-after", "200:0"])
            .spawn();
        running.wait_for("Listening on");
        TcpStream::connect(("127.0.0.1", port)).unwrap().write_all(b"x").unwrap();
        let pid = running.pid();
        assert_eq!(running.finish().exit, Exit::Status(0));
        let seen = dir.awaited_report();
        assert_eq!(seen["pid"] == pid, mode == "supervised");
        assert_eq!(seen["env"]["LISTEN_PID"], seen["pid"].to_string(), "{mode}: {:#}", seen["env"]);
        assert_eq!(seen["env"]["LISTEN_FDS"], "1");
        assert_eq!(seen["env"]["LISTEN_FDNAMES"], "web");
        assert_eq!(without_lock(&seen), ["0", "1", "2", "3"]);
        assert!(is_socket(&seen, "3"));
    }
}

#[test]
fn sockets_for_another_process_are_not_passed_on() {
    for mode in ["supervised", "classic"] {
        let dir = Dir::new();
        dir.program("inspect");
        let words = [
            "run",
            "--mode",
            mode,
            "--ready",
            "file:[DIR]/report",
            "--",
            "[DIR]/inspect",
            "--out",
            "[DIR]/report",
        ];
        let path = dir.path().display().to_string();
        Svc::new(&dir)
            .args(words.map(|word| word.replace("[DIR]", &path)))
            .args(["--exit-after", "100:0"])
            .env("LISTEN_PID", "1")
            .env("LISTEN_FDS", "2")
            .env("WATCHDOG_PID", "1")
            .env("WATCHDOG_USEC", "1000")
            .run();
        let seen = dir.awaited_report();
        for name in ["LISTEN_PID", "LISTEN_FDS", "WATCHDOG_PID", "WATCHDOG_USEC"] {
            assert!(seen["env"][name].is_null(), "{mode}: {name}");
        }
        assert_eq!(without_lock(&seen), ["0", "1", "2"]);
    }
}
