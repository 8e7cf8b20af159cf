//! Misuse is a typed error, and nothing has been changed by then.

use super::{RUNS, becomes, logged};
use crate::harness::{Dir, Service};

#[test]
fn process_with_threads_is_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    for detach in ["yes", "no"] {
        becomes(&dir, &service, &["--detach", detach, "--thread", "enter", "ready"])
            .stderr("daemon: this process has 2 threads; it must have one to become a service or to drop privileges\n  hint: do it before starting threads or an asynchronous runtime\n")
            .status(2)
            .run();
    }
    logged(&dir, "enter: \"Threads { count: 2 }\"");
    dir.nothing_left();
}

#[test]
fn ended_thread_does_not_count() {
    let (dir, service) = (Dir::new(), Service::new());
    for _ in 0..20 {
        becomes(&dir, &service, &["--joined", "enter", "ready"]).run();
        crate::harness::wait_until("it has ended", || service.running().is_none().then_some(()));
    }
}

#[test]
fn enter_after_a_refusal_succeeds() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["refused", "refused", "enter", "ready", "refused"]).run();
    crate::harness::wait_until("it has ended", || service.running().is_none().then_some(()));
    let log = dir.read("log");
    let lines: Vec<&str> = log.lines().collect();
    let before = ["refused: Err(\"user\")"; 2].repeat(RUNS);
    let after = ["enter: \"done\"", "ready: Ok(Launcher)", "refused: Err(\"daemon\")"];
    assert_eq!(lines, [&before[..], &after].concat());
}

/// A NUL, which no argument can contain, passed by the program itself before and after it enters.
#[test]
fn nul_byte_in_any_text_is_refused_or_harmless() {
    let (dir, service) = (Dir::new(), Service::new());
    for (option, stderr) in [
        ("name=a\u{2400}b", "name 'a\\0b': "),
        ("user=a\u{2400}b", "user 'a\\0b': "),
        ("environment=A=a\u{2400}b", "environment 'A=a\\0b': "),
        ("pid-file=/run/a\u{2400}b", "pid file '/run/a\\0b': "),
    ] {
        let output = becomes(&dir, &service, &["--set", option, "enter", "ready", "stay"]).output();
        assert_eq!(
            (output.exit, output.stdout.as_str()),
            (crate::harness::Exit::Status(2), ""),
            "{output:?}"
        );
        assert!(output.stderr.starts_with(stderr), "{}", output.stderr);
        assert!(!output.stderr.contains('\0') && output.stderr.lines().count() == 1, "{}", output.stderr);
        assert!(!service.lock().exists());
    }
    let deeds =
        ["enter", "status=a\u{2400}b", "named=a\u{2400}b", "credential=a\u{2400}b", "fail=a\u{2400}b"];
    becomes(&dir, &service, &deeds)
        .stderr(
            "becomes: start '[NAME]': the program ended with status 1 before it was ready; reason: a\\0b\n",
        )
        .status(1)
        .run();
    assert_eq!(
        dir.read("log").lines().skip(4).collect::<Vec<_>>(),
        ["enter: \"done\"", "status: Ok(())", "named: (0, 0)", "credential: None",]
    );
    dir.nothing_left();
}

/// Threads may share the service and what they read from it.
#[test]
fn service_is_send_and_sync() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<svcadapt::daemon::Service>();
    shared::<svcadapt::daemon::Signals>();
    shared::<svcadapt::daemon::Error>();
}

#[test]
fn second_enter_and_second_ready_are_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    let deeds = ["enter", "again", "ready", "ready", "reloading", "ready", "stopping", "ready"];
    becomes(&dir, &service, &deeds).run();
    logged(
        &dir,
        "again: Err(\"daemon: this process is already a service\\n  hint: call enter() once and keep the Service that it returns\")",
    );
    crate::harness::wait_until("it has ended", || service.running().is_none().then_some(()));
    let log = dir.read("log");
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("ready")).collect();
    assert_eq!(
        lines,
        ["ready: Ok(Launcher)", "ready: Err(AlreadyReady)", "ready: Ok(Nobody)", "ready: Err(Stopping)"]
    );
}

#[test]
fn invalid_values_are_all_reported_at_once() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["--set", "user=4294967295", "--set", "group=-1", "--set", "umask=9", "--set", "nice=20"];
    becomes(&dir, &service, &[&words[..], &["enter"]].concat())
        .stderr(
            "user '4294967295': to the kernel this ID means \"no change\"\n\
             group '-1': not a name or ID of a user or group\n\
             umask '9': not an octal number between 0 and 777\n\
             nice '20': not a whole number from -20 to 19\n",
        )
        .status(2)
        .run();
    becomes(&dir, &service, &["--set", "user=nosuchuser", "--set", "group=nosuchgroup", "enter"])
        .stderr("user 'nosuchuser': there is no such user\ngroup 'nosuchgroup': there is no such group\n")
        .status(217)
        .run();
    for (option, stderr) in [
        ("ready=tcp:80", "ready 'tcp:80': not applicable: the program reports its own readiness\n"),
        (
            "type=oneshot",
            "type 'oneshot': only 'notify' is possible: the program reports its own readiness\n",
        ),
        ("argv0=x", "argv0 'x': not applicable: the program is already running under its name\n"),
        ("expand-variables=yes", "expand variables 'yes': not applicable: no command is started\n"),
    ] {
        becomes(&dir, &service, &["--set", option, "enter"]).stderr(stderr).status(2).run();
    }
    assert!(!service.lock().exists());
    dir.nothing_left();
}
