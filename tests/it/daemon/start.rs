//! The launcher's exit status is true: ready, or the reason why not.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{RUNS, becomes, logged, report, seen};
use crate::harness::{Dir, Service, Svc};

#[test]
fn launcher_returns_at_readiness_and_not_before() {
    let (dir, service) = (Dir::new(), Service::new());
    let gate = format!("wait={}", dir.join("gate").display());
    let running = becomes(&dir, &service, &["enter", "asked", &gate, "ready", "asked", "stay"]).spawn();
    logged(&dir, "asked: true");
    assert!(running.runs(), "the launcher did not wait");
    dir.write("gate", "");
    let output = running.finish();
    assert_eq!((output.exit, output.stderr.as_str()), (crate::harness::Exit::Status(0), ""));
    logged(&dir, "ready: Ok(Launcher)");
    logged(&dir, "asked: false");
    let main = service.main();
    Svc::new(&dir)
        .args(["status", service.name()])
        .stdout("[NAME]: running, process [PID], since [ANY] s\n  program: [DIR]/becomes\n")
        .name("[NAME]", service.name())
        .run();
    Svc::new(&dir)
        .args(["stop", service.name()])
        .stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n")
        .name("[NAME]", service.name())
        .run();
    main.wait_gone();
    dir.nothing_left();
}

#[test]
fn daemon_forks_twice_and_cannot_acquire_a_terminal() {
    let (dir, service) = (Dir::new(), Service::new());
    let deeds = ["enter", &report(&dir), "ready", "stay"];
    becomes(&dir, &service, &deeds).via_hostile(&["--only", "cwd", "--tty"]).run();
    let (_, inside) = dir.reported();
    assert_ne!(inside["pid"], inside["sid"], "it leads a session");
    assert_eq!(inside["tty_nr"], 0);
    let now = seen(&service);
    assert_ne!(now["sid"], facts_of_us()["sid"]);
    assert_eq!((&now["cwd"], &now["umask"]), (&"/".into(), &"0022".into()));
}

fn facts_of_us() -> serde_json::Value {
    crate::harness::facts("self").unwrap()
}

#[test]
fn early_exit_status_is_the_launchers() {
    let (dir, service) = (Dir::new(), Service::new());
    for status in [1, 2, 3, 99, 203, 250, 255] {
        becomes(&dir, &service, &["enter", &format!("exit={status}")])
            .stderr("becomes: start '[NAME]': the program ended with status [STATUS] before it was ready\n")
            .name("[STATUS]", status)
            .status(status)
            .run();
    }
    // Exit status 0 without `ready` is a failure too.
    becomes(&dir, &service, &["enter", "exit=0"])
        .stderr("becomes: start '[NAME]': the program ended with status 0 before it was ready\n")
        .status(248)
        .run();
    dir.nothing_left();
}

#[test]
fn error_of_the_program_is_reported_by_the_launcher() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", "fail=no bells\n\u{1b}[2J"])
        .stderr("becomes: start '[NAME]': the program ended with status 1 before it was ready; reason: no bells; \\u{1b}[2J\n")
        .status(1)
        .run();
    // Without a launcher the error goes to standard error, with control characters escaped there too.
    becomes(&dir, &service, &["--detach", "no", "enter", "fail=no bells\n\u{1b}[2J"])
        .stderr("becomes: no bells\n\\u{1b}[2J\n")
        .status(1)
        .run();
    // Rust prints the error that `main` returns, on the starter's standard error until the service is ready.
    becomes(&dir, &service, &["enter", "error=no whistles"])
        .stderr("Error: \"no whistles\"\nbecomes: start '[NAME]': the program ended with status 1 before it was ready\n")
        .status(1)
        .run();
    dir.nothing_left();
}

#[test]
fn panic_is_reported_by_the_launcher_in_every_phase() {
    let (dir, service) = (Dir::new(), Service::new());
    let panic = "\nthread 'main' ([ANY]) panicked at tests/tools/becomes.rs:[ANY]\nouch\nnote: [ANY]\n";
    // Before `enter` there is no launcher, so the panic is the program's own.
    becomes(&dir, &service, &["panic=ouch", "enter"]).stderr(panic).status(101).run();
    becomes(&dir, &service, &["enter", "panic=ouch"])
        .stderr(&format!(
            "{panic}becomes: start '[NAME]': the program ended with status 101 before it was ready\n"
        ))
        .status(101)
        .run();
    // A caught panic of another thread is no failure.
    becomes(&dir, &service, &["enter", "panic-elsewhere=ouch", "ready"])
        .stderr("\nthread '<unnamed>' ([ANY]) panicked at tests/tools/becomes.rs:[ANY]\nouch\nnote: [ANY]\n")
        .run();
    crate::harness::wait_until("it has ended", || service.running().is_none().then_some(()));
    let twice = becomes(&dir, &service, &["enter", "panic-twice=ouch"]).output();
    assert_eq!(twice.exit, crate::harness::Exit::Signal(Signal::SIGABRT as i32));
    assert!(twice.stderr.contains("ouch") && twice.stderr.contains("once more"), "{}", twice.stderr);
    let last =
        format!("becomes: start '{}': the program ended by SIGABRT before it was ready\n", service.name());
    assert!(twice.stderr.ends_with(&last), "{}", twice.stderr);
    // After readiness nothing waits; messages go to the service's standard error.
    let log = dir.write("errors", "");
    let option = format!("standard-error=append:{}", log.display());
    becomes(&dir, &service, &["--set", &option, "enter", "ready", "panic=ouch"]).run();
    crate::harness::wait_until("the panic is logged", || dir.read("errors").contains("ouch").then_some(()));
    dir.wait_nothing_left();
    // A panic in a destructor: before readiness it is reported, afterwards it has no effect.
    becomes(&dir, &service, &["enter", "bomb", "exit=0"])
        .stderr(&format!(
            "{}becomes: start '[NAME]': the program ended with status 101 before it was ready\n",
            panic.replace("ouch", "once more")
        ))
        .status(101)
        .run();
    dir.write("errors", "");
    becomes(&dir, &service, &["--set", &option, "enter", "bomb", "ready"]).run();
    crate::harness::wait_until("it is logged", || dir.read("errors").contains("once more").then_some(()));
    dir.wait_nothing_left();
    assert!(!service.lock().exists());
}

#[test]
fn fatal_signal_is_reported_by_the_launcher() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", "abort"])
        .stderr("becomes: start '[NAME]': the program ended by SIGABRT before it was ready\n")
        .signal(Signal::SIGABRT)
        .run();
    // Rust's guard page still works, and its message is printed.
    becomes(&dir, &service, &["enter", "overflow"])
        .stderr("\nthread 'main' ([ANY]) has overflowed its stack\nfatal runtime error: stack overflow, aborting\nbecomes: start '[NAME]': the program ended by SIGABRT before it was ready\n")
        .signal(Signal::SIGABRT)
        .run();
    becomes(&dir, &service, &["enter", "sh=kill -9 $PPID", "stay"])
        .stderr("becomes: start '[NAME]': the program ended by SIGKILL before it was ready\n")
        .signal(Signal::SIGKILL)
        .run();
    dir.nothing_left();
}

#[test]
fn last_log_lines_are_printed_by_the_launcher() {
    let (dir, service) = (Dir::new(), Service::new());
    let log = dir.write("errors", "of yesterday\n");
    let option = format!("standard-error=append:{}", log.display());
    becomes(&dir, &service, &["--set", &option, "enter", "complain=first", "complain=second", "exit=7"])
        .stderr("becomes: start '[NAME]': the program ended with status 7 before it was ready\n  | first\n  | second\n")
        .status(7)
        .run();
    assert_eq!(dir.read("errors"), "of yesterday\nfirst\nsecond\n");
    dir.nothing_left();
}

#[test]
fn service_dropped_before_readiness_fails_the_start() {
    let (dir, service) = (Dir::new(), Service::new());
    let begun = Instant::now();
    becomes(&dir, &service, &["enter", "let-go", "stay"])
        .stderr("becomes: start '[NAME]': the program closed its report pipe before it was ready, and kept running\n  hint: keep the Service that Daemon::enter returns, and call its ready()\n")
        .status(248)
        .run();
    assert!(begun.elapsed() < Duration::from_secs(10));
    becomes(&dir, &service, &["enter", "forget", "exit=5"])
        .stderr("becomes: start '[NAME]': the program ended with status 5 before it was ready\n")
        .status(5)
        .run();
    dir.nothing_left();
}

#[test]
fn start_timeout_ends_the_service_and_its_children() {
    let (dir, service) = (Dir::new(), Service::new());
    let late = [
        "--set",
        "timeout-start-sec=300ms",
        "enter",
        "sh=setsid sleep 60 >/dev/null 2>&1 &",
        "status=opening the host's doors",
        "stay",
    ];
    becomes(&dir, &service, &late)
        .stderr("becomes: start '[NAME]': the program has not reported readiness after 300ms; its status: opening the host's doors\n  hint: raise timeout_start\n")
        .status(249)
        .run();
    assert!(!service.lock().exists());
    dir.nothing_left();
}

#[test]
fn forged_report_to_the_launcher_is_ignored() {
    let (dir, service) = (Dir::new(), Service::new());
    // A forged report of a failed step, with stage, cause and status 7, as the service's process could write it.
    let forged = r"X\1\0\0\0s\6\0\0\0forged\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\1\0\0\0\7\4\0\0\0\0\0\0\0";
    let script = format!(
        "sh=for fd in /proc/$PPID/fd/[3-9]*; do case $(readlink $fd) in pipe:*) printf '{forged}' >$fd; echo sent;; esac; done"
    );
    becomes(&dir, &service, &["enter", &script, "ready", "stay"]).run();
    assert!(dir.read("log").contains("sent"), "nothing was written");
}

#[test]
fn start_timeout_is_extended_on_request() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["--set", "timeout-start-sec=300ms", "enter", "extend=20000", "pause=700", "ready"];
    becomes(&dir, &service, &words).run();
    crate::harness::wait_until("it has ended", || service.running().is_none().then_some(()));
}

#[test]
fn signal_to_the_launcher_ends_the_service() {
    let (dir, service) = (Dir::new(), Service::new());
    let running = becomes(&dir, &service, &["enter", "asked", "stay"]).spawn();
    logged(&dir, "asked: true");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, crate::harness::Exit::Signal(Signal::SIGTERM as i32));
    dir.nothing_left();
}

#[test]
fn starter_output_is_released_at_readiness() {
    let (dir, service) = (Dir::new(), Service::new());
    // `run` waits until both streams are closed: an open descriptor would block `$(…)` and ssh.
    becomes(
        &dir,
        &service,
        &["print=before", "enter", "complain=meanwhile", "ready", "complain=lost", "print=lost", "stay"],
    )
    .stdout(&"before\n".repeat(RUNS))
    .stderr("meanwhile\n")
    .run();
    let now = seen(&service);
    for number in ["0", "1", "2"] {
        let stream = &now["fds"][number];
        assert_eq!(
            (&stream["target"], &stream["access"], &stream["cloexec"]),
            (&"/dev/null".into(), &"rdwr".into(), &false.into())
        );
    }
}
