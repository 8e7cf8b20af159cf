//! `--mode supervised` without a supervisor: the started process becomes the program.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::json;

use super::support::{NO_PROCESSES, adapters, children, supervised};
use crate::harness::{Capability, Dir, Exit, Svc, require};

#[test]
fn started_process_becomes_the_program() {
    let dir = Dir::new();
    let words =
        ["--umask", "027", "--", "[DIR]/inspect", "--out", "[DIR]/report", "--stdout", "up", "--stay"];
    let mut running = supervised(&dir, &words).spawn();
    running.wait_for("up\n");
    let seen = dir.report("report");
    assert_eq!(seen["pid"], running.pid());
    assert_eq!(seen["ppid"].as_u64(), Some(std::process::id().into()));
    assert_eq!((&seen["umask"], &seen["cwd"]), (&json!("0027"), &json!("/")));
    assert_eq!(children(running.pid()), NO_PROCESSES);
    assert_eq!(adapters(&dir), NO_PROCESSES);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}

/// A systemd before 248 sets no variable that proves it; the mode in a generated unit does.
#[test]
fn state_set_by_a_named_manager_is_kept() {
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    let report = dir.join("report").display().to_string();
    for (mode, stays) in [("systemd", true), ("launchd", true), ("supervised", false)] {
        let run = "umask 077; exec \"$0\" run --mode \"$1\" -- \"$2\" --out \"$3\"";
        let svc = Svc::new(&dir).program("/bin/sh").args(["-c", run]);
        let svc = svc.args([dir.program("svcadapt").display().to_string().as_str(), mode, &inspect, &report]);
        svc.env("GIVEN", "yes").run();
        let seen = dir.report("report");
        assert_eq!(seen["env"].get("GIVEN").is_some(), stays, "{mode}");
        assert_eq!(seen["umask"] == "0077", stays, "{mode}");
    }
}

/// A probe alone is no reason to fork if no manager waits for the result.
#[test]
fn helper_is_not_forked_without_a_manager() {
    let dir = Dir::new();
    for probe in ["file:/nowhere/x", "fd:7", "exec:false", "tcp:1"] {
        let words =
            ["--ready", probe, "--", "[DIR]/inspect", "--out", "[DIR]/report", "--stdout", "up", "--stay"];
        let mut running = supervised(&dir, &words).spawn();
        running.wait_for("up\n");
        assert_eq!(dir.report("report")["pid"], running.pid());
        assert_eq!(adapters(&dir), NO_PROCESSES, "{probe}");
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().exit, Exit::Status(0));
    }
    dir.nothing_left();
}

#[test]
fn exit_status_and_signal_are_the_programs() {
    let dir = Dir::new();
    for status in [0, 1, 3, 200, 255] {
        supervised(&dir, &["--", "[DIR]/inspect", "--exit", &status.to_string()]).status(status).run();
    }
    for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGUSR1, Signal::SIGPIPE] {
        let kill = format!("kill -{} $$", signal as i32);
        supervised(&dir, &["--", "/bin/sh", "-c", &kill]).signal(signal).run();
    }
    dir.nothing_left();
}

#[test]
fn failed_step_ends_with_its_systemd_status() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    for (options, status, message) in [
        (
            &["--working-directory", "/nowhere"][..],
            200,
            "working directory '/nowhere': no such file or directory\n",
        ),
        (
            &["--standard-input", "file:/nowhere"],
            208,
            "standard input 'file:/nowhere': no such file or directory\n",
        ),
        (&["--root-directory", "/nowhere"], 210, "root directory '/nowhere': no such file or directory\n"),
        (&["--group", "nobody-at-all"], 216, "group 'nobody-at-all': there is no such group\n"),
        (&["--user", "nobody-at-all"], 217, "user 'nobody-at-all': there is no such user\n"),
        (&["--pid-file", "[DIR]/no/pid"], 251, "pid file '[DIR]/no/pid': [ANY]\n"),
    ] {
        let words = [options, &["--", "/bin/true"]].concat();
        let output = supervised(&dir, &words).output();
        let path = dir.path().display().to_string();
        let (stage, cause) = message.split_once("': ").unwrap();
        assert_eq!(output.exit, Exit::Status(status), "{options:?}: {}", output.stderr);
        let stderr = output.stderr.replace(&path, "[DIR]");
        assert!(stderr.starts_with(&format!("svcadapt: {stage}': ")), "{stderr}");
        assert!(cause == "[ANY]\n" || stderr.to_lowercase().contains(cause.trim_end()), "{stderr}");
    }
    supervised(&dir, &["--", "/nowhere/program"])
        .stderr("svcadapt: exec '/nowhere/program': there is no such file\n")
        .status(203)
        .run();
    dir.nothing_left();
}

/// A broken executable: the failure comes last, after all other steps.
fn no_program(dir: &Dir) -> String {
    let path = dir.executable("broken", "\x7fELF, or so it says");
    path.display().to_string()
}

#[test]
fn failed_exec_is_reported_and_undone() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let broken = no_program(&dir);
    let name = format!("it-undo-{}", std::process::id());
    let pid_file = format!("/run/{name}.pid");
    let words = [
        "--name",
        &name,
        "--pid-file",
        &pid_file,
        "--runtime-directory",
        &format!("{name}/deep"),
        "--state-directory",
        &name,
        "--standard-output",
        "append:[DIR]/log",
        "--standard-error",
        "append:[DIR]/log",
        "--",
        &broken,
    ];
    let output = supervised(&dir, &words).output();
    assert_eq!(output.exit, Exit::Status(203));
    assert!(output.stderr.starts_with(&format!("svcadapt: exec '{broken}': ")), "{}", output.stderr);
    for path in [
        dir.join("log"),
        pid_file.into(),
        format!("/run/{name}").into(),
        format!("/var/lib/{name}").into(),
        format!("/run/svcadapt/{name}").into(),
    ] {
        assert!(fs::symlink_metadata(&path).is_err(), "{} is still there", path.display());
    }
    dir.nothing_left();
}

#[test]
fn second_start_of_a_name_is_refused() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let name = format!("it-second-{}", std::process::id());
    let mut first =
        supervised(&dir, &["--name", &name, "--", "[DIR]/inspect", "--stdout", "up", "--stay"]).spawn();
    first.wait_for("up\n");
    supervised(&dir, &["--name", &name, "--", "/bin/true"])
        .stderr(&format!("svcadapt: start '{name}': already running as process {}\n", first.pid()))
        .status(250)
        .run();
    first.signal(Signal::SIGTERM);
    assert_eq!(first.finish().exit, Exit::Status(0));
    supervised(&dir, &["--name", &name, "--", "/bin/true"]).run();
    for left in [format!("/run/svcadapt/{name}"), format!("/run/svcadapt/{name}%record")] {
        let _ = fs::remove_file(left);
    }
}
