//! Without pidfd_open(2) or pidfd_send_signal(2) everything works as usual.

use std::time::{Duration, Instant};

use super::support::Service;
use crate::harness::{Capability, Exit, Svc, require, wait_until};

/// The errors of an old kernel, an old seccomp list and a full descriptor table.
const DENIED: [&str; 4] = [
    "inject=pidfd_open:error=EPERM",
    "inject=pidfd_open:error=ENOSYS",
    "inject=pidfd_open:error=EMFILE",
    "inject=pidfd_send_signal:error=EPERM",
];

/// `svcadapt` with these words, with a fault in all of its processes.
fn faulty<'a>(service: &'a Service, fault: &str, words: &[&str]) -> Svc<'a> {
    let trace = service.dir.join("trace");
    let strace = Svc::new(&service.dir).program("/usr/bin/strace").args(["-f", "-qq", "-o"]).args([trace]);
    strace.args(["-e", fault]).args([service.dir.program("svcadapt")]).args(words)
}

#[test]
fn stop_works_without_pidfd() {
    if !require(Capability::Strace) {
        return;
    }
    for fault in DENIED {
        let service = Service::new("no-pidfd");
        let (sleep, inspect) = (service.dir.program("/bin/sleep"), service.dir.program("inspect"));
        let script = r#""$0" 120 3>&- & exec "$1" --ready fd:3 --stay"#;
        let run = service.run(&["--ready", "fd:3"]).args(["/bin/sh", "-c", script]);
        run.args([sleep, inspect]).run();
        let status = faulty(&service, fault, &["status", &service.name]).output();
        assert!(status.stdout.contains("running, process "), "{fault}: {status:?}");
        let stop = faulty(&service, fault, &["stop", &service.name]).output();
        assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""), "{fault}");
        assert!(
            stop.stdout.ends_with("; a process that it left behind has ended too\n"),
            "{fault}: {stop:?}"
        );
        service.dir.nothing_left();
        assert_eq!(service.query().0, 3);
    }
}

#[test]
fn stop_kills_a_deaf_service_without_pidfd() {
    if !require(Capability::Strace) {
        return;
    }
    for fault in DENIED {
        let service = Service::started("deaf-no-pidfd", &["--deaf"]);
        let stop = faulty(&service, fault, &["stop", &service.name, "--timeout-stop-sec", "300ms"]).output();
        assert!(stop.stdout.contains(": stopped (SIGKILL after "), "{fault}: {stop:?}");
        service.dir.nothing_left();
    }
}

#[test]
fn start_timeout_leaves_nothing_without_pidfd() {
    if !require(Capability::Strace) {
        return;
    }
    for fault in DENIED {
        let service = Service::new("late-no-pidfd");
        let begun = Instant::now();
        let sleep = service.dir.program("/bin/sleep").display().to_string();
        let words = ["run", "--mode", "classic", "--name", &service.name, "--ready", "file:/nowhere/at/all"];
        let start = faulty(&service, fault, &words);
        let start = start.args(["--timeout-start-sec", "500ms", "--", &sleep, "120"]).output();
        assert_eq!(start.exit, Exit::Status(249), "{fault}: {start:?}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{fault}: {:?}", begun.elapsed());
        service.dir.nothing_left();
        assert_eq!(service.query().0, 3, "{fault}");
    }
}

#[test]
fn forking_program_is_found_without_pidfd() {
    if !require(Capability::Strace) {
        return;
    }
    for fault in DENIED {
        let service = Service::new("forking-no-pidfd");
        let (daemonic, inspect) = (service.dir.program("daemonic"), service.dir.program("inspect"));
        let daemonic = [daemonic.display().to_string(), inspect.display().to_string()];
        let report = service.dir.join("report").display().to_string();
        let words = ["run", "--mode", "classic", "--name", &service.name, "--type", "forking", "--"];
        let start =
            faulty(&service, fault, &words).args(&daemonic).args(["--out", &report, "--stay"]).spawn();
        wait_until("the service runs", || (service.query().0 == 0).then_some(()));
        let stop = service.stop().output();
        assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""), "{fault}");
        // strace ends with the last of those that it traces.
        drop(start);
        service.dir.nothing_left();
    }
}

#[test]
fn readiness_helper_sees_the_programs_exit_without_pidfd() {
    if !require(Capability::Strace) {
        return;
    }
    for fault in DENIED {
        let service = Service::new("helper-no-pidfd");
        let socket = service.dir.join("manager");
        let manager = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let up = format!("file:{}", service.dir.join("up").display());
        let inspect = service.dir.program("inspect").display().to_string();
        let report = service.dir.join("up").display().to_string();
        let script = r#"export SYSTEMD_EXEC_PID=$$; exec strace -D -f -qq -o "$0" -e "$@""#;
        let start = Svc::new(&service.dir).program("/bin/sh").args(["-c", script]);
        let start =
            start.args([service.dir.join("trace")]).args([fault]).args([service.dir.program("svcadapt")]);
        let start = start.args(["run", "--name", &service.name, "--ready", &up, "--", &inspect]);
        let start = start.args(["--out", &report, "--exit-after", "1500:0"]);
        let start = start.env("NOTIFY_SOCKET", &socket).spawn();
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\n", "{fault}");
        drop(manager);
        assert_eq!(start.finish().exit, Exit::Status(0), "{fault}");
        service.dir.nothing_left();
    }
}
