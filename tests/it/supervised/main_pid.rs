//! A program that forks into the background, under systemd: svcadapt starts it, reports its main process when it is
//! ready, and leaves no process behind.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use super::support::{Gate, NO_PROCESSES, Unit, adapters, children, wait_no_adapter};
use crate::harness::{Dir, Exit, Systemd, free_port, skip, wait_until};

/// The words of a program that daemonizes, and waits at the gate.
fn daemonic(dir: &Dir, words: &[&str], then: &[&str]) -> Vec<String> {
    let daemonic = dir.program("daemonic").display().to_string();
    let gated = dir.join("gated").display().to_string();
    let rest = words.iter().copied().chain([gated.as_str()]).chain(then.iter().copied());
    [daemonic].into_iter().chain(rest.map(str::to_owned)).collect()
}

#[test]
fn unit_is_active_when_its_forked_main_process_is_ready() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, with_file, forks) in
        [("hand-over", true, "1"), ("hand-over-twice", true, "2"), ("hand-over-guess", false, "2")]
    {
        let dir = Dir::new().owned_by("nobody");
        let gate = Gate::inspect(&dir);
        let (port, report) = (free_port(), dir.join("report").display().to_string());
        let (ready, listen) = (format!("tcp:127.0.0.1:{port}"), format!("tcp:{port}"));
        let file = dir.join("its.pid").display().to_string();
        let given: &[&str] = if with_file { &["--pid-file", &file] } else { &[] };
        let program = daemonic(
            &dir,
            &[given, &["--forks", forks]].concat(),
            &["--out", &report, "--listen", &listen, "--stay"],
        );
        let mut words = vec!["--type", "forking", "--user", "nobody", "--ready", &ready];
        words.extend(given);
        words.push("--");
        words.extend(program.iter().map(String::as_str));
        let unit = Unit::generate(systemd, &dir, name, &words);
        assert!(unit.text.contains("Type=notify\n"), "{}", unit.text);
        let (systemds, _) = unit.text.split_once("[X-Svcadapt]").unwrap();
        // So systemd removes it at the stop.
        assert_eq!(systemds.contains("PIDFile="), with_file, "{}", unit.text);

        unit.begin();
        gate.wait_started();
        assert_eq!(unit.state(&["ActiveState", "SubState"]), "activating start");
        gate.open();
        unit.wait_active();
        wait_no_adapter(&dir);
        let main = unit.main();
        let seen = dir.report("report");
        assert_eq!(seen["pid"].to_string(), unit.show("MainPID"));
        assert_eq!(seen["uid"]["saved"], 65_534);
        assert_eq!(children(main.pid()), NO_PROCESSES);
        // systemd sees its exit status.
        unit.ends_cleanly(&main, &dir);
    }
}

#[test]
fn exit_of_the_forked_main_process_is_seen_by_systemd() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    let daemonic = dir.program("daemonic").display().to_string();
    let report = dir.join("report").display().to_string();
    let ready = format!("file:{report}");
    let words = [
        "--type", "forking", "--ready", &ready, "--", &daemonic, "--forks", "2", &inspect, "--out", &report,
        "--stay",
    ];
    let unit = Unit::generate(systemd, &dir, "hand-over-killed", words);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    wait_no_adapter(&dir);
    unit.main().signal(Signal::SIGSEGV);
    wait_until("its end is seen", || (unit.show("ActiveState") == "failed").then_some(()));
    assert!(["signal 11", "core-dump 11"].contains(&unit.state(&["Result", "ExecMainStatus"]).as_str()));
    drop(unit);
    dir.nothing_left();
}

/// A program that uses sd_notify(3) itself is trusted when it reports readiness.
#[test]
fn forked_main_process_may_notify_readiness_itself() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    let program = daemonic(&dir, &[], &["--ready", "notify", "--stay"]);
    let words = ["--type", "forking", "--ready", "notify", "--"].into_iter();
    let words: Vec<_> = words.chain(program.iter().map(String::as_str)).collect();
    let unit = Unit::generate(systemd, &dir, "hand-over-itself", &words);
    unit.begin();
    gate.wait_started();
    wait_no_adapter(&dir);
    assert_eq!(unit.state(&["ActiveState", "SubState"]), "activating start");
    let main = unit.main();
    gate.open();
    unit.wait_active();
    assert_eq!(unit.main().pid(), main.pid());
    unit.stop();
    main.wait_gone();
    drop(unit);
    dir.nothing_left();
}

#[test]
fn daemon_start_failure_fails_the_unit_with_its_status() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, words, options, state) in [
        ("hand-over-status", &["--first-exit", "7"][..], &[][..], "exit-code 7"),
        ("hand-over-dies", &["--die"], &[], "signal 9"),
        ("hand-over-late", &[], &["--timeout-start-sec", "300ms"], "exit-code 249"),
        (
            "hand-over-nobody",
            &["--pid-text", "1", "--pid-file", "[DIR]/its.pid"],
            &["--pid-file", "[DIR]/its.pid"],
            "timeout 0",
        ),
    ] {
        let dir = Dir::new();
        let path = dir.path().display().to_string();
        let (daemonic, inspect) = (dir.program("daemonic"), dir.program("inspect"));
        let svcadapt = dir.program("svcadapt");
        let join = |words: &[&str]| words.join(" ").replace("[DIR]", &path);
        let text = format!(
            "[Service]\nType=notify\nNotifyAccess=all\nTimeoutStartSec=2\nTimeoutStopSec=5\nStandardError=append:{path}/said\n\
             ExecStart={} run --mode supervised --type forking --ready file:/nowhere/x {} -- {} {} {} --stay\n",
            svcadapt.display(),
            join(options),
            daemonic.display(),
            join(words),
            inspect.display()
        );
        let unit = Unit::write(systemd, name, &text);
        assert_ne!(unit.start().exit, Exit::Status(0));
        assert_eq!(unit.show("ActiveState"), "failed");
        let (result, status) = state.split_once(' ').unwrap();
        assert_eq!(unit.show("Result"), result, "{name}: {}", dir.read("said"));
        if status != "0" {
            assert_eq!(unit.show("ExecMainStatus"), status, "{name}: {}", dir.read("said"));
        }
        assert_eq!(adapters(&dir), NO_PROCESSES);
        drop(unit);
        dir.nothing_left();
    }
}

#[test]
fn stop_before_readiness_leaves_nothing() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    let file = dir.join("its.pid").display().to_string();
    let program = daemonic(&dir, &["--pid-file", &file], &["--stay"]);
    let words = ["--type", "forking", "--pid-file", &file, "--ready", "file:/nowhere/x", "--"].into_iter();
    let words: Vec<_> = words.chain(program.iter().map(String::as_str)).collect();
    let unit = Unit::generate(systemd, &dir, "hand-over-stop", &words);
    unit.begin();
    gate.wait_started();
    unit.stop();
    wait_until("it has ended", || (unit.show("ActiveState") != "deactivating").then_some(()));
    assert_eq!(adapters(&dir), NO_PROCESSES);
    assert!(!Path::new(&file).exists());
    drop(unit);
    dir.nothing_left();
}

/// nginx with its package's options and a probe.
#[test]
fn nginx_becomes_the_main_process() {
    let Some(systemd) = Systemd::shared() else { return };
    let nginx = "/usr/sbin/nginx";
    if !Path::new(nginx).exists() {
        return skip(nginx, "it is not installed");
    }
    let (dir, port) = (Dir::new(), free_port());
    let path = dir.path().display().to_string();
    let conf = dir.write(
        "conf",
        &format!(
            "user root; pid {path}/its.pid; events {{}} http {{ access_log off; client_body_temp_path {path}/1; \
             proxy_temp_path {path}/2; fastcgi_temp_path {path}/3; uwsgi_temp_path {path}/4; scgi_temp_path {path}/5; \
             server {{ listen 127.0.0.1:{port}; }} }}"
        ),
    );
    let (file, ready, log) =
        (format!("{path}/its.pid"), format!("tcp:127.0.0.1:{port}"), format!("{path}/log"));
    let conf = conf.display().to_string();
    let words = [
        "--type",
        "forking",
        "--pid-file",
        &file,
        "--ready",
        &ready,
        "--kill-signal",
        "SIGQUIT",
        "--",
        nginx,
        "-c",
        &conf,
        "-e",
        &log,
    ];
    let unit = Unit::generate(systemd, &dir, "hand-over-nginx", words);
    assert!(unit.text.contains("KillSignal=SIGQUIT\n"), "{}", unit.text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    wait_no_adapter(&dir);
    let main = unit.main();
    assert_eq!(fs::read_to_string(&file).unwrap().trim_end(), unit.show("MainPID"));
    assert_ne!(children(main.pid()), NO_PROCESSES, "nginx has workers");
    unit.ends_cleanly(&main, &dir);
}
