//! Tests of the harness itself.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use serde_json::{Value, json};

use super::dir::run;
use super::{
    Capability, Dir, Exit, Output, Process, Running, Svc, Systemd, facts, require, wait_until, world,
};

/// The report of `inspect` below the hostile launcher with these options.
fn inspected(hostile: &[&str]) -> Value {
    let dir = Dir::new();
    let report = dir.join("report").display().to_string();
    Svc::new(&dir).program("inspect").args(["--out", &report]).via_hostile(hostile).run();
    dir.nothing_left();
    dir.report("report")
}

#[test]
fn clean_start_is_reported_as_clean() {
    let dir = Dir::new();
    Svc::new(&dir).program("inspect").args(["--out", "report"]).run();
    let seen = dir.report("report");
    assert_eq!(seen["argv"], json!([dir.join("inspect"), "--out", "report"]));
    assert_eq!(seen["exe"], json!(dir.join("inspect")));
    assert_eq!(seen["cwd"], json!(dir.path()));
    assert_eq!(
        seen["env"],
        json!({ "LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" })
    );
    assert_eq!(seen["pid"], seen["pgrp"]);
    // Only the streams of the test, and no signal handler of Rust's runtime.
    assert_eq!(seen["fds"].as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    assert_eq!(seen["signals"]["caught"], json!([]));
}

#[test]
fn facts_from_outside_and_inside_agree() {
    let dir = Dir::new();
    let mut running: Running =
        Svc::new(&dir).program("inspect").args(["--out", "report", "--stdout", "up", "--stay"]).spawn();
    // It prints this after the report, and after it has set its handler.
    running.wait_for("up\n");
    let mut inside = dir.report("report");
    let mut outside = facts(&running.pid().to_string()).unwrap();
    // The handler for SIGTERM came after the report.
    assert_eq!(outside["signals"]["caught"].take(), json!([15]));
    assert_eq!(inside["signals"]["caught"].take(), json!([]));
    assert_eq!(inside, outside);
    running.signal(Signal::SIGTERM);
    let output: Output = running.finish();
    assert_eq!((output.stdout.as_str(), output.exit), ("up\n", Exit::Status(0)));
}

#[test]
fn hostile_leaves_descriptors_above_the_lowered_limit() {
    let seen = inspected(&["--only", "fds,nofile"]);
    let secret = if geteuid().is_root() { "/etc/shadow" } else { "/etc/passwd" };
    for number in ["7", "50", "500"] {
        assert_eq!(
            seen["fds"][number],
            json!({ "target": secret, "access": "read", "append": false, "nonblock": false, "cloexec": false })
        );
    }
    assert_eq!(seen["limits"]["Max open files"]["soft"], "256");
}

#[test]
fn hostile_spoils_every_signal_it_promises() {
    let seen = inspected(&["--only", "ignored,blocked"]);
    // HUP INT QUIT USR1 PIPE CHLD, the two of the C library, RTMIN+3; and USR2 TERM RTMIN+5.
    let runtime = libc::SIGRTMIN();
    assert_eq!(seen["signals"]["ignored"], json!([1, 2, 3, 10, 13, 17, 32, 33, runtime + 3]));
    assert_eq!(seen["signals"]["blocked"], json!([12, 15, runtime + 5]));
}

#[test]
fn hostile_spoils_everything_by_default() {
    let seen = inspected(&[]);
    assert_eq!(seen["umask"], "0077");
    assert_eq!(seen["oom_score_adj"], 500);
    assert_eq!(seen["nice"], 5);
    assert_eq!(seen["limits"]["Max core file size"]["soft"], seen["limits"]["Max core file size"]["hard"]);
    for name in ["SECRET_TOKEN", "LD_BOGUS", "IFS", "BASH_ENV", "INVOCATION_ID"] {
        assert!(seen["env"][name].is_string(), "{name} is missing");
    }
    assert_eq!(seen["signals"]["blocked"].as_array().unwrap().len(), 3);
    assert!(seen["fds"]["500"].is_object());
    if require(Capability::Root) {
        assert_eq!(seen["groups"], json!([4, 24, 27]));
    }
}

#[test]
fn hostile_only_option_limits_the_changes() {
    let (one, other) = (inspected(&["--only", "umask"]), inspected(&["--only", "nice"]));
    for key in ["nice", "umask"] {
        assert_ne!(one[key], other[key], "{key}");
    }
    for key in ["signals", "limits", "groups", "env", "oom_score_adj"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    assert_eq!(one["fds"].as_object().unwrap().len(), 3);
}

#[test]
fn hostile_closes_the_standard_streams() {
    let seen = inspected(&["--only", "nice", "--close-stdio"]);
    assert_eq!(seen["fds"], json!({}));
}

#[test]
fn hostile_provides_a_terminal_and_passes_the_exit_on() {
    let dir = Dir::new();
    Svc::new(&dir)
        .program("inspect")
        .args(["--out", "report", "--stdout", "one", "--stderr", "two", "--exit", "7"])
        .via_hostile(&["--only", "ignored", "--tty"])
        .stdout("one\ntwo\n")
        .status(7)
        .run();
    let seen = dir.report("report");
    assert_ne!(seen["tty_nr"], 0);
    assert_eq!((&seen["pid"], &seen["pid"]), (&seen["sid"], &seen["pgrp"]));
    assert!(seen["fds"]["0"]["target"].as_str().unwrap().starts_with("/dev/pts/"));
    assert_eq!(seen["fds"].as_object().unwrap().len(), 3);
    dir.nothing_left();
}

#[test]
fn ordinary_user_has_no_group_of_root() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    Svc::new(&dir).program("inspect").args(["--out", "report"]).by("nobody").run();
    let seen = dir.report("report");
    assert_eq!(seen["uid"], json!({ "real": 65534, "effective": 65534, "saved": 65534 }));
    assert_eq!(
        (&seen["groups"], &seen["capabilities"]["effective"]),
        (&json!([]), &json!("0000000000000000"))
    );
}

#[test]
fn inspect_reports_readiness_on_a_descriptor() {
    let dir = Dir::new();
    let script = r#""$0" --ready-after 50 --listen unix:socket --ready fd:3 --exit-after 20:4 3>&1"#;
    Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", script, &dir.program("inspect").display().to_string()])
        .stdout("\n")
        .status(4)
        .run();
    assert!(dir.join("socket").exists());
}

#[test]
fn inspect_reports_readiness_on_another_users_descriptor() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let script = r#"setpriv --reuid nobody --clear-groups "$0" --ready fd:3 3>&1 | cat"#;
    Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", script, &dir.program("inspect").display().to_string()])
        .stdout("\n")
        .run();
}

#[test]
fn hanging_command_is_killed_and_named() {
    let dir = Dir::new();
    let started = Instant::now();
    let svc = Svc::new(&dir)
        .program("inspect")
        .args(["--stderr", "hm", "--deaf"])
        .deadline(Duration::from_millis(300));
    let message = panic_of(move || svc.run());
    assert!(message.contains("inspect --stderr hm --deaf does not end\n"), "{message}");
    assert!(message.contains("stderr so far: \"hm\\n\""), "{message}");
    assert!(started.elapsed() < Duration::from_secs(5));
    dir.nothing_left();
}

#[test]
fn process_that_holds_the_output_open_is_named() {
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    let svc = Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", "\"$0\" --stay &", &inspect])
        .deadline(Duration::from_millis(500));
    let message = panic_of(move || svc.run());
    assert!(message.contains("has ended, but its output is held open by\n"), "{message}");
    assert!(message.contains(&format!("{inspect} --stay\n")), "{message}");
}

#[test]
fn leftover_process_is_found_and_ended() {
    let dir = Dir::new();
    // Fully detached; only its program identifies it.
    let script = r#"cd /; setsid env -i "$0" 1000 </dev/null >/dev/null 2>&1 & echo $!"#;
    let output = Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", script, &dir.program("/bin/sleep").display().to_string()])
        .output();
    let left = Process::open(output.stdout.trim_end().parse().unwrap()).unwrap();
    wait_until("it has become sleep", || {
        facts(&left.pid().to_string()).ok()?["exe"].as_str()?.ends_with("/sleep").then_some(())
    });
    let message = panic_of(|| dir.nothing_left());
    assert!(message.contains("sleep 1000\n"), "{message}");
    drop(dir);
    assert!(!left.is_alive());
}

#[test]
fn difference_fails_and_is_shown() {
    let dir = Dir::new();
    let run = |stdout: &'static str, status| {
        let dir = &dir;
        move || {
            Svc::new(dir)
                .program("inspect")
                .args(["--stdout", "42 here", "--exit", "3"])
                .stdout(stdout)
                .status(status)
                .run();
        }
    };
    run("[PID] [ANY]\n", 3)();
    assert!(panic_of(run("[PID] there\n", 3)).contains("expected"));
    assert!(panic_of(run("[PID] here\n", 0)).contains("expected status 0, got status 3"));
    Svc::new(&dir).program("/bin/sh").args(["-c", "kill -USR1 $$"]).signal(Signal::SIGUSR1).run();
    Svc::new(&dir).program("/bin/cat").stdin("text").name("[TEXT]", "text").stdout("[TEXT]").run();
    let note = dir.write("note", "said\n").display().to_string();
    Svc::new(&dir).program("/bin/sh").args(["-c", "cat $NOTE >&2"]).env("NOTE", note).stderr("said\n").run();
}

#[test]
fn systemd_starts_and_stops_a_service() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let unit = format!(
        "[Service]\nType=exec\nExecStart={} --out {} --stay\n",
        dir.program("inspect").display(),
        dir.join("report").display()
    );
    systemd.write_unit("harness-exec.service", &unit);
    systemd.must(&["start", "harness-exec.service"]);
    wait_until("the report appears", || dir.join("report").exists().then_some(()));
    let main = systemd.main_process("harness-exec.service");
    let seen = dir.report("report");
    assert_eq!(seen["pid"].to_string(), systemd.show("harness-exec.service", "MainPID"));
    assert_eq!(seen["env"]["SYSTEMD_EXEC_PID"], json!(seen["pid"].to_string()));
    assert_eq!(seen["ppid"], 1);
    assert_eq!(facts(&main.pid().to_string()).unwrap()["exe"], json!(dir.join("inspect")));
    systemd.must(&["stop", "harness-exec.service"]);
    assert!(!main.is_alive());
    assert_eq!(systemd.show("harness-exec.service", "Result"), "success");
    assert_eq!(systemd.show("harness-exec.service", "ActiveState"), "inactive");
    dir.nothing_left();
}

#[test]
fn systemd_waits_for_a_notifying_service_of_an_ordinary_user() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new().owned_by("nobody");
    let unit = format!(
        "[Service]\nType=notify\nUser=nobody\nExecStart={} --out {} --ready-after 100 --ready notify --stay\n",
        dir.program("inspect").display(),
        dir.join("report").display()
    );
    systemd.write_unit("harness-notify.service", &unit);
    let started = Instant::now();
    systemd.must(&["start", "harness-notify.service"]);
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(systemd.show("harness-notify.service", "ActiveState"), "active");
    assert_eq!(dir.report("report")["uid"]["effective"], 65534);
    systemd.must(&["stop", "harness-notify.service"]);
    dir.nothing_left();
}

#[test]
fn systemd_reports_a_service_that_fails() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let unit = format!("[Service]\nType=oneshot\nExecStart={} --exit 9\n", dir.program("inspect").display());
    systemd.write_unit("harness-fails.service", &unit);
    assert_eq!(systemd.systemctl(["start", "harness-fails.service"]).exit, Exit::Status(1));
    assert_eq!(systemd.show("harness-fails.service", "ExecMainStatus"), "9");
    assert_eq!(systemd.show("harness-fails.service", "Result"), "exit-code");
}

#[test]
fn private_systemd_ends_with_everything_in_it() {
    if !require(Capability::Systemd) {
        return;
    }
    let systemd = Systemd::boot().unwrap();
    let dir = Dir::new();
    let unit = format!("[Service]\nType=exec\nExecStart={} --deaf\n", dir.program("inspect").display());
    systemd.write_unit("deaf.service", &unit);
    systemd.must(&["start", "deaf.service"]);
    let main = systemd.main_process("deaf.service");
    let outside = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!outside.contains("svcadapt-boot"), "its mounts are seen outside");
    drop(systemd);
    assert!(!main.is_alive());
    assert!(run().exists());
}

/// The panic message of a closure that must panic.
fn panic_of(act: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).expect_err("it did not fail");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn world_changes_stay_in_it() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = "set -e; id -u www; stat -c %U:%a /srv/www /run /etc; ls -A /run; touch /etc/itworld /run/itworld; \
         command -v svcadapt; pwd";
    world(&dir, script).stdout("2001\nwww:755\nroot:755\nroot:755\n[DIR]/svcadapt\n[DIR]\n").run();
    assert!(!std::path::Path::new("/etc/itworld").exists() && !std::path::Path::new("/run/itworld").exists());
    dir.nothing_left();
}
