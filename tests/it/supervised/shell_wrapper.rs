//! A shell between a supervisor and svcadapt, which waits and exits as its child does, does not change the result.

use std::fs;

use nix::sys::signal::Signal;

use super::notify_messages::Manager;
use super::support::{NO_PROCESSES, Unit, adapters, in_container, wait_catches_term};
use crate::harness::{Capability, Dir, Exit, Process, Svc, Systemd, free_port, have, require, wait_until};

/// A command that starts svcadapt below a shell. The rest keeps the shell from an `exec`.
fn line(dir: &Dir, words: &str) -> String {
    dir.program("svcadapt");
    dir.program("inspect");
    let path = dir.path().display();
    format!("'{path}/svcadapt' run {words} -- '{path}/inspect' --out '{path}/report' --stay; exit $?")
}

/// The report of the program, whose parent is a shell below this process.
fn below(dir: &Dir, supervisor: i32) -> serde_json::Value {
    let seen =
        wait_until("the program reports", || dir.join("report").exists().then(|| dir.report("report")));
    let shell = seen["ppid"].as_i64().unwrap();
    let stat = fs::read_to_string(format!("/proc/{shell}/stat")).unwrap();
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(parent, supervisor.to_string(), "{stat}");
    assert_eq!(adapters(dir), NO_PROCESSES);
    seen
}

fn end_program(seen: &serde_json::Value) {
    Process::open(i32::try_from(seen["pid"].as_i64().unwrap()).unwrap()).unwrap().signal(Signal::SIGTERM);
}

#[test]
fn run_script_without_exec_is_supervised() {
    for supervisor in ["runsv", "s6-supervise"] {
        if !have(supervisor) {
            continue;
        }
        let dir = Dir::new();
        fs::create_dir(dir.join("service")).unwrap();
        let text = format!("#!/bin/sh\nKEPT=yes; export KEPT\n{}\n", line(&dir, ""));
        dir.executable("service/run", &text);
        let running = Svc::new(&dir).program(&format!("/usr/bin/{supervisor}")).args(["service"]).spawn();
        let seen = below(&dir, running.pid());
        assert_eq!(seen["env"]["KEPT"], "yes", "what the run script says is meant for the program");
        running.signal(Signal::SIGTERM);
        end_program(&seen);
        running.finish();
        dir.wait_nothing_left();
    }
}

#[test]
fn supervisord_command_with_a_shell_is_supervised() {
    if !have("supervisord") {
        return;
    }
    let dir = Dir::new();
    let path = dir.path().display().to_string();
    let script = dir.write("start", &line(&dir, ""));
    dir.write(
        "conf",
        &format!(
            "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={path}/pid\n\
             [program:web]\ncommand=/bin/sh {}\nstartsecs=0\n",
            script.display()
        ),
    );
    let running = Svc::new(&dir).program("/usr/bin/supervisord").args(["-c", "conf"]).spawn();
    let seen = below(&dir, running.pid());
    running.signal(Signal::SIGTERM);
    end_program(&seen);
    running.finish();
    dir.wait_nothing_left();
}

#[test]
fn container_with_a_shell_entrypoint_ends_with_the_program() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let inner = "[DIR]/svcadapt run -- /bin/sh -c 'exit 7'";
    for words in [
        &["sh", "-c", &format!("{inner}; exit $?")][..],
        // svcadapt itself as process 1, with and without an exec in its entrypoint.
        &["[DIR]/svcadapt", "run", "--", "sh", "-c", &format!("exec {inner}")],
        &["[DIR]/svcadapt", "run", "--", "sh", "-c", &format!("{inner}; exit $?")],
    ] {
        in_container(&dir, words).status(7).run();
    }
    dir.nothing_left();
}

#[test]
fn container_terminal_does_not_imply_an_interactive_start() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    dir.program("svcadapt");
    let path = dir.path().display();
    for (shell, mode) in [("sh -c", "supervised"), ("bash -ic", "classic")] {
        let inner = format!("{path}/svcadapt detect --json >{path}/out; true");
        let text = format!("setsid -c unshare -pf --mount-proc --kill-child {shell} \"{inner}\"");
        Svc::new(&dir).program("/usr/bin/script").args(["-qec", &text, "/dev/null"]).output();
        let value: serde_json::Value = dir.read("out").parse().unwrap();
        assert_eq!(value["mode"], mode, "{shell}: {value:#}");
    }
}

#[test]
fn readiness_below_a_wrapper_shell_needs_notify_access_all() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let (port, path) = (free_port(), dir.path().display());
    dir.program("svcadapt");
    dir.program("inspect");
    let script = dir.write(
        "start",
        &format!(
            "export KEPT=yes\n'{path}/svcadapt' run --ready tcp:127.0.0.1:{port} -- '{path}/inspect' --out '{path}/report' \
             --listen tcp:{port} --stay\nexit $?\n"
        ),
    );
    let text = format!("[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh {}\n", script.display());
    let unit = Unit::write(systemd, "below-a-shell", &text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    unit.wait_active();
    assert_eq!(dir.report("report")["env"]["KEPT"], "yes");
    unit.stop();
    drop(unit);
    dir.wait_nothing_left();
}

#[test]
fn manager_variables_are_trusted_only_in_supervised_mode() {
    for mode in ["supervised", "auto"] {
        let dir = Dir::new();
        let manager = Manager::at_path(&dir);
        dir.program("inspect");
        let text = format!(
            "WATCHDOG_PID=$$ WATCHDOG_USEC=5000000 exec ./svcadapt run --mode {mode} --ready exec:true -- \"$PWD/inspect\" --out \
             \"$PWD/report\" --stay"
        );
        let svc =
            Svc::new(&dir).program("/bin/sh").args(["-c", &text]).env("NOTIFY_SOCKET", &manager.address);
        let running = svc.spawn();
        if mode == "supervised" {
            assert_eq!(manager.next().text, "READY=1\n");
            // Closes the barrier, so that the helper can end.
            drop(manager.next());
        }
        let seen = wait_until("it reports", || dir.join("report").exists().then(|| dir.report("report")));
        wait_catches_term(|| vec![i32::try_from(seen["pid"].as_i64().unwrap()).unwrap()]);
        let believed = mode == "supervised";
        if believed {
            end_program(&seen);
        }
        assert_eq!(running.finish().exit, Exit::Status(0));
        if !believed {
            end_program(&seen);
        }
        let watched = seen["env"]["WATCHDOG_PID"].as_str() == Some(&seen["pid"].to_string());
        assert_eq!(watched, believed, "{mode}: {seen:#}");
        assert_eq!(seen["env"].get("NOTIFY_SOCKET").is_some_and(|at| *at == *manager.address), believed);
        assert!(!manager.has(), "{mode}");
        dir.wait_nothing_left();
    }
}
