//! svcadapt stays as a monitor only if the manager wants its child to stay and something needs that: a program that
//! forks into the background, or signals that the manager cannot send.

use std::fs;

use nix::sys::signal::Signal;

use super::s6_and_runit::{command, end_s6, s6, service};
use super::support::{Gate, NO_PROCESSES, adapters, children, supervised};
use crate::harness::{Capability, Dir, Exit, Process, Running, Svc, free_port, have, require, wait_until};

/// `run --mode supervised` with these words, in which `[DIR]` is the directory and `[NAME]` a name of its own.
fn run<'a>(dir: &'a Dir, words: &[&str]) -> Svc<'a> {
    let words: Vec<String> = words.iter().map(|word| word.replace("[NAME]", &name(dir))).collect();
    supervised(dir, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A program that daemonizes and reports.
const DAEMON: [&str; 8] = ["--name", "[NAME]", "--type", "forking", "--", "[DIR]/daemonic", "--forks", "2"];

#[test]
fn monitor_exit_status_is_the_forked_programs() {
    for (end, exit) in [
        (&["--exit-after", "1000:0"][..], Exit::Status(0)),
        (&["--exit-after", "1000:5"], Exit::Status(5)),
        (&["--exit-after", "1000:255"], Exit::Status(255)),
    ] {
        let dir = Dir::new();
        let words = [&DAEMON[..], &["[DIR]/inspect", "--out", "[DIR]/report"], end].concat();
        let output = run(&dir, &words).output();
        assert_eq!((output.exit, output.stderr.as_str()), (exit, ""), "{end:?}");
        dir.nothing_left();
    }
    for signal in [Signal::SIGSEGV, Signal::SIGKILL, Signal::SIGTERM] {
        let dir = Dir::new();
        let words =
            [&DAEMON[..], &["[DIR]/inspect", "--out", "[DIR]/report", "--stdout", "up", "--stay"]].concat();
        let mut running = run(&dir, &words).spawn();
        let main = settled(&dir, &running);
        // Its handler is set.
        running.wait_for("up\n");
        // Not caught, so the signal ends it.
        let ends = if signal == Signal::SIGTERM { Exit::Status(0) } else { Exit::Signal(signal as i32) };
        main.signal(signal);
        let output = running.finish();
        assert_eq!((output.exit, output.stderr.as_str()), (ends, ""));
        dir.nothing_left();
    }
}

/// Waits until the monitor knows the main process, its only child.
fn settled(dir: &Dir, running: &Running) -> Process {
    let main = dir.reported().0;
    wait_until("the daemon is the service", || is_service(dir, &name(dir), &main).then_some(()));
    wait_until("the daemon is the only child", || (children(running.pid()) == [main.pid()]).then_some(()));
    main
}

fn is_service(dir: &Dir, name: &str, main: &Process) -> bool {
    let printed = Svc::new(dir).args(["status", name]).output().stdout;
    printed.contains(&format!("running, process {},", main.pid()))
}

/// A unique name, from the directory.
fn name(dir: &Dir) -> String {
    dir.path().display().to_string().trim_start_matches('/').replace('/', "-")
}

#[test]
fn monitor_forwards_signals_and_kills_after_the_timeout() {
    for (end, exit) in [("--stay", Exit::Status(0)), ("--deaf", Exit::Signal(9))] {
        let dir = Dir::new();
        let file = ["--pid-file", "[DIR]/its.pid"];
        let words = [
            &["--timeout-stop-sec", "400ms"],
            &file[..],
            &DAEMON[..6],
            &file,
            &["[DIR]/inspect", "--out", "[DIR]/report", "--stdout", "up", end],
        ]
        .concat();
        let mut running = run(&dir, &words).spawn();
        let main = settled(&dir, &running);
        assert_eq!(dir.read("its.pid"), main.pid().to_string());
        // Its handler is set.
        running.wait_for("up\n");
        running.signal(Signal::SIGTERM);
        let output = running.finish();
        assert_eq!((output.exit, output.stderr.as_str()), (exit, ""));
        assert!(!dir.join("its.pid").exists(), "a monitor takes away what names the dead");
        dir.nothing_left();
    }
}

#[test]
fn monitor_translates_signals() {
    let text = "for s in HUP INT QUIT USR1 USR2; do trap \"echo got $s\" $s; done\n\
                trap 'echo term' TERM\ntrap 'echo got WINCH; exit 4' WINCH\n\
                echo up\nwhile :; do sleep 60 & wait; done";
    for (options, expected) in [
        (&["--kill-signal", "WINCH"][..], [("HUP", "got HUP"), ("INT", "got INT"), ("USR1", "got USR1")]),
        (
            &["--kill-signal", "SIGWINCH", "--reload-signal", "USR2"],
            [("HUP", "got USR2"), ("INT", "got INT"), ("USR2", "got USR2")],
        ),
    ] {
        let dir = Dir::new();
        // A shell that is just forking may miss a signal; then its child is killed.
        let options = [options, &["--timeout-stop-sec", "2", "--", "/bin/sh", "-c", text]].concat();
        let mut running = run(&dir, &options).spawn();
        running.wait_for("up\n");
        for (sent, printed) in expected {
            running.signal(format!("SIG{sent}").parse().unwrap());
            running.wait_for(&format!("{printed}\n"));
        }
        running.signal(Signal::SIGTERM);
        let output = running.finish();
        // Leftovers of the program would block its next start.
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(4), ""));
        assert!(
            output.stdout.ends_with("got WINCH\n") && !output.stdout.contains("term"),
            "{}",
            output.stdout
        );
        dir.nothing_left();
    }
}

/// Otherwise a restart would find the old program.
#[test]
fn killed_monitor_ends_the_program() {
    for user in [&[][..], &["--user", "nobody"]] {
        if !user.is_empty() && !require(Capability::Root) {
            continue;
        }
        let dir = if user.is_empty() { Dir::new() } else { Dir::new().owned_by("nobody") };
        let options = ["--kill-signal", "QUIT", "--", "[DIR]/inspect", "--out", "[DIR]/report", "--deaf"];
        let running = run(&dir, &[user, &options].concat()).spawn();
        let main = dir.reported().0;
        assert_ne!(main.pid(), running.pid());
        running.signal(Signal::SIGKILL);
        assert_eq!(running.finish().exit, Exit::Signal(9));
        main.wait_gone();
        dir.nothing_left();
    }
}

#[test]
fn monitor_is_not_used_for_default_signals() {
    for options in [&[][..], &["--kill-signal", "TERM"], &["--reload-signal", "HUP"]] {
        let dir = Dir::new();
        let words = [options, &["--", "[DIR]/inspect", "--out", "[DIR]/report", "--stay"]].concat();
        let running = run(&dir, &words).spawn();
        assert_eq!(dir.reported().0.pid(), running.pid());
        assert_eq!(adapters(&dir), NO_PROCESSES);
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().exit, Exit::Status(0));
    }
}

#[test]
fn monitor_reports_a_failed_start_and_a_stopped_one_leaves_nothing() {
    for (words, exit, reported) in [
        (&["--first-exit", "3"][..], Exit::Status(3), "ended with status 3 before it was ready"),
        (&["--die"], Exit::Signal(9), "ended by SIGKILL before it was ready"),
        (&["--first-waits", "60000"], Exit::Status(249), "still missing: the end of its first process"),
    ] {
        let dir = Dir::new();
        let words = [
            &["--timeout-start-sec", "300ms", "--ready", "file:/nowhere/x"],
            &DAEMON[..6],
            words,
            &["[DIR]/inspect", "--stay"],
        ]
        .concat();
        let output = run(&dir, &words).output();
        assert_eq!(output.exit, exit, "{}", output.stderr);
        assert!(output.stderr.contains(reported), "{}", output.stderr);
        dir.nothing_left();
    }
    for words in [&["--first-waits", "60000"][..], &["--pid-after", "60000"], &["--forks", "0"], &[]] {
        let dir = Dir::new();
        let words =
            [&["--ready", "file:/nowhere/x"], &DAEMON[..6], words, &["[DIR]/inspect", "--stay"]].concat();
        let running = run(&dir, &words).spawn();
        wait_until("something runs", || (!children(running.pid()).is_empty()).then_some(()));
        running.signal(Signal::SIGTERM);
        let exit = running.finish().exit;
        // Ended by the signal, or with the status of the daemon that got it.
        assert!(
            [Exit::Signal(15), Exit::Status(0), Exit::Status(248)].contains(&exit),
            "{words:?}: {exit:?}"
        );
        dir.nothing_left();
    }
}

/// A script that becomes svcadapt by exec leaves it its children, which are not the service's.
#[test]
fn monitor_ignores_inherited_children() {
    for (words, exit) in [(&["--exit-after", "1000:5"][..], Exit::Status(5)), (&[], Exit::Signal(9))] {
        let dir = Dir::new();
        let path = dir.path().display();
        for program in ["svcadapt", "inspect", "daemonic", "/bin/sleep"] {
            dir.program(program);
        }
        let die = if words.is_empty() { "--die" } else { "" };
        let text = format!(
            "'{path}/sleep' 60 & exec '{path}/svcadapt' run --mode supervised --type forking --timeout-stop-sec 2 -- \
             '{path}/daemonic' {die} --forks 2 '{path}/inspect' {}",
            words.join(" ")
        );
        let output = Svc::new(&dir).program("/bin/sh").args(["-c", &text]).output();
        assert_eq!(output.exit, exit, "{}", output.stderr);
        dir.nothing_left();
    }
}

#[test]
fn monitor_ends_the_leftovers_of_a_killed_daemon() {
    let dir = Dir::new();
    dir.program("/bin/sleep");
    let words = [
        &["--timeout-stop-sec", "2"],
        &DAEMON[..6],
        &[
            "/bin/sh",
            "-c",
            "'[DIR]/sleep' 60 & '[DIR]/sleep' 60 & exec '[DIR]/inspect' --out '[DIR]/report' --stay",
        ],
    ]
    .concat();
    let running = run(&dir, &words).spawn();
    let main = settled(&dir, &running);
    assert_eq!(children(main.pid()).len(), 2);
    main.signal(Signal::SIGKILL);
    assert_eq!(running.finish().exit, Exit::Signal(9));
    dir.nothing_left();
}

#[test]
fn s6_keeps_the_monitor_and_gets_readiness() {
    if !have("s6-supervise") {
        return;
    }
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    dir.program("daemonic");
    let port = free_port();
    service(
        &dir,
        &format!(
            "--notification-fd 3 --type forking --ready tcp:{port} -- '[DIR]/daemonic' '[DIR]/gated' \
             --out '[DIR]/report' --listen tcp:{port} --stay"
        ),
    );
    dir.write("service/notification-fd", "3\n");
    let running = s6(&dir);
    gate.wait_started();
    assert_eq!(command(&dir, "s6-svstat", &["-o", "up,ready"]).stdout, "true false\n");
    gate.open();
    assert_eq!(command(&dir, "s6-svwait", &["-U", "-t", "10000"]).exit, Exit::Status(0));
    let [monitor] = adapters(&dir)[..] else { panic!("there is not one svcadapt") };
    assert_eq!(command(&dir, "s6-svstat", &["-o", "pid"]).stdout.trim_end(), monitor.to_string());
    let main = dir.reported().0;
    assert_eq!(children(monitor), [main.pid()]);
    end_s6(&dir, running);
}

/// Without a probe it is ready when it has forked.
#[test]
fn s6_gets_readiness_once_the_daemon_has_forked() {
    if !have("s6-supervise") {
        return;
    }
    let dir = Dir::new();
    dir.program("daemonic");
    service(
        &dir,
        "--notification-fd 3 --type forking -- '[DIR]/daemonic' '[DIR]/inspect' --out '[DIR]/report' --stay",
    );
    dir.write("service/notification-fd", "3\n");
    let running = s6(&dir);
    assert_eq!(command(&dir, "s6-svwait", &["-U", "-t", "10000"]).exit, Exit::Status(0));
    end_s6(&dir, running);
}

#[test]
fn runit_restarts_a_killed_daemon() {
    if !have("runsv") {
        return;
    }
    let dir = Dir::new();
    dir.program("daemonic");
    let name = format!("it-monitor-{}", std::process::id());
    service(
        &dir,
        &format!(
            "--name {name} --type forking -- '[DIR]/daemonic' '[DIR]/inspect' --out '[DIR]/report' --stay"
        ),
    );
    let running = Svc::new(&dir).program("/usr/bin/runsv").args(["service"]).spawn();
    let first = dir.reported().0;
    // Not before the monitor knows it.
    wait_until("it is the service", || is_service(&dir, &name, &first).then_some(()));
    fs::remove_file(dir.join("report")).unwrap();
    first.signal(Signal::SIGKILL);
    let second = dir.reported().0;
    assert_ne!(first.pid(), second.pid());
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    second.wait_gone();
    assert!(!std::path::Path::new("/run/svcadapt").join(&name).exists());
    dir.nothing_left();
}
